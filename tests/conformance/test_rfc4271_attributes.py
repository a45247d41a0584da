"""RFC 4271, section 5: path attributes. What a route looks like to which peer is in test_rfc4271_routes.py."""

import pytest

from bgp import ASPath, ASSegment, AttributeFlag, Origin, PathAttributes, SegmentType, Update, encode
from bgp.errors import LocalError
from bgp.iana import AttributeCode
from tests.conformance.octets import (
    AS_PATH,
    EXTERNAL,
    INTERNAL,
    LOCAL_PREF,
    NEXT_HOP,
    ORIGIN,
    PREFIX,
    attribute,
    received,
    route_with,
    update,
)
from tests.conformance.requirements import rfc

ROUTE = PathAttributes(origin=Origin.IGP, as_path=[64512], next_hop="192.0.2.1")

OPTIONAL, TRANSITIVE, PARTIAL = AttributeFlag.OPTIONAL, AttributeFlag.TRANSITIVE, AttributeFlag.PARTIAL


@rfc("4271 5", "MUST recognise every well-known attribute")
def test_well_known() -> None:
    value = route_with(attribute(AttributeCode.ATOMIC_AGGREGATE), negotiated=INTERNAL)
    assert value.faults == ()
    assert value.attributes == ROUTE.evolve(
        as_path=[64513], next_hop="192.0.2.2", local_pref=100, atomic_aggregate=True
    )


@rfc("4271 5", "SHOULD send attributes in the order of their codes")
def test_order_that_is_sent() -> None:
    data = encode(Update(announced=["10.0.0.0/8"], attributes=ROUTE.evolve(med=1, communities=[1])), EXTERNAL)
    assert list(received(data).attributes.raw) == [1, 2, 3, 4, 8]
    assert data[23:].startswith(ORIGIN)


@rfc("4271 5", "MUST take attributes in any order")
def test_any_order() -> None:
    assert received(update("", NEXT_HOP + AS_PATH + ORIGIN, PREFIX)) == route_with()


@rfc("4271 5", "MUST NOT send an attribute twice in one UPDATE")
def test_once() -> None:
    strange = route_with(attribute(99, "01")).attributes.unknown
    with pytest.raises(LocalError, match="twice"):
        ROUTE.evolve(unknown=[*strange, *strange])


@rfc("4271 5", "SHOULD accept a route with an optional transitive attribute that it does not know")
@rfc("4271 5", "MUST set the partial bit of such an attribute when it passes the route on")
def test_unknown_transitive() -> None:
    value = route_with(attribute(99, "aabb"))
    assert value.faults == ()
    [passed] = value.attributes.passed_on().unknown
    assert (passed.flags, passed.code, passed.value) == (OPTIONAL | TRANSITIVE | PARTIAL, 99, b"\xaa\xbb")


@rfc("4271 5", "MUST NOT clear a partial bit that another AS has set")
def test_partial_stays() -> None:
    attributes = route_with(attribute(99, "01", flags=0xE0), attribute(8, "00000001", flags=0xE0)).attributes
    assert [item.flags & PARTIAL for item in attributes.passed_on().raw.values()][-2:] == [PARTIAL, PARTIAL]


@rfc("4271 5", "MUST ignore an optional non-transitive attribute that it does not know, and not pass it on")
def test_unknown_non_transitive() -> None:
    value = route_with(attribute(99, "01", flags=0x80))
    assert value.faults == ()
    assert value.attributes.passed_on() == route_with().attributes


@rfc("4271 5.1.1", "MUST read the origins IGP, EGP and INCOMPLETE as 0, 1 and 2")
def test_origin() -> None:
    found = [route_with(attribute(AttributeCode.ORIGIN, f"{n:02x}")).attributes.origin for n in range(3)]
    assert found == [Origin.IGP, Origin.EGP, Origin.INCOMPLETE]


@rfc("4271 5.1.2", "MUST put the own AS number in front of a path that begins with a sequence")
def test_prepend_to_sequence() -> None:
    assert ASPath([2, 3]).prepend(1) == ASPath([1, 2, 3])


@rfc("4271 5.1.2", "SHOULD begin a new sequence where the first holds 255 ASes")
def test_prepend_to_full_sequence() -> None:
    path = ASPath(range(1, 256)).prepend(7)
    assert [len(segment.asns) for segment in path.segments] == [1, 255]
    assert path.segments[0].asns == (7,)


@rfc("4271 5.1.2", "MUST begin a sequence of the own AS number before a set, and in an empty path")
def test_prepend_to_set() -> None:
    ours = ASSegment(SegmentType.AS_SEQUENCE, [1])
    assert ASPath("{2 3}").prepend(1).segments[0] == ours
    assert ASPath().prepend(1).segments == (ours,)


@rfc("4271 5.1.2", "MAY prepend the own AS number more than once")
def test_prepend_often() -> None:
    assert ASPath([2]).prepend(1, times=3) == ASPath([1, 1, 1, 2])


@rfc("4271 5.1.3", "MUST read NEXT_HOP as an IPv4 address of four octets")
def test_next_hop() -> None:
    assert str(route_with().attributes.next_hop) == "192.0.2.2"


@rfc("4271 5.1.4", "MUST read MULTI_EXIT_DISC as a number of four octets")
def test_med() -> None:
    value = route_with(attribute(AttributeCode.MULTI_EXIT_DISC, "ffffffff"))
    assert value.attributes.med == 0xFFFFFFFF


@rfc("4271 5.1.5", "MUST read LOCAL_PREF from an internal peer as a number of four octets")
def test_local_pref() -> None:
    assert route_with(LOCAL_PREF, negotiated=INTERNAL).attributes.local_pref == 100


@rfc("4271 5.1.5", "MUST ignore LOCAL_PREF from an external peer")
def test_local_pref_from_outside() -> None:
    value = route_with(LOCAL_PREF)
    assert value.attributes.local_pref is None
    assert list(map(str, value.announced)) == ["203.0.113.0/24"]


@rfc("4271 5.1.6", "MUST take ATOMIC_AGGREGATE for an attribute without value")
def test_atomic_aggregate() -> None:
    assert route_with(attribute(AttributeCode.ATOMIC_AGGREGATE)).attributes.atomic_aggregate
    assert not route_with().attributes.atomic_aggregate


@rfc("4271 5.1.7", "MUST read AGGREGATOR as an AS number and the address of a speaker")
def test_aggregator() -> None:
    aggregator = route_with(attribute(AttributeCode.AGGREGATOR, "0000fc02 c0000207")).attributes.aggregator
    assert aggregator is not None
    assert (aggregator.asn, str(aggregator.address)) == (64514, "192.0.2.7")
