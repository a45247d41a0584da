"""RFC 7606: what is wrong with an UPDATE, and how little it may cost.

Attributes that only some routes have are in the table at the end; so are those that this library reads and that the
RFC does not know yet.
"""

import pytest

from bgp import (
    IPV6_UNICAST,
    MPReach,
    MPUnreach,
    Notification,
    Origin,
    PathAttributes,
    Treatment,
    Update,
    encode,
)
from bgp.iana import AttributeCode, ErrorCode, UpdateSubcode
from tests.conformance.octets import (
    AS_PATH,
    EXTERNAL,
    INTERNAL,
    IPV6_ROUTE,
    NEXT_HOP,
    OLD,
    ORIGIN,
    PREFIX,
    attribute,
    message,
    received,
    refusal,
    route_with,
    update,
)
from tests.conformance.requirements import rfc

USUAL = ORIGIN + AS_PATH + NEXT_HOP

DISCARD, WITHDRAW, DISABLE = (
    Treatment.ATTRIBUTE_DISCARD,
    Treatment.TREAT_AS_WITHDRAW,
    Treatment.AFI_SAFI_DISABLE,
)


def resets(data: bytes) -> Notification:
    """The NOTIFICATION that an UPDATE ends the session with."""
    answer = refusal(data)
    assert answer.code == ErrorCode.UPDATE_MESSAGE_ERROR
    return answer


def reach(value: str, flags: int = 0x80) -> Treatment:
    block = attribute(AttributeCode.MP_REACH_NLRI, value, flags) + ORIGIN + AS_PATH
    return received(update("", block)).treatment


# 2: the four ways.


@rfc(
    "7606 2", "MUST treat an UPDATE as though all its routes had been withdrawn, where that is the treatment"
)
def test_treat_as_withdraw() -> None:
    value = route_with(attribute(AttributeCode.ORIGIN, "03"), withdrawn="08 0a")
    assert value.treatment is WITHDRAW
    assert list(map(str, [*value.withdrawn, *value.announced])) == ["10.0.0.0/8", "203.0.113.0/24"]


@rfc("7606 2", "MUST discard a malformed attribute and keep the route, where that is the treatment")
def test_attribute_discard() -> None:
    value = route_with(attribute(AttributeCode.ATOMIC_AGGREGATE, "00"))
    assert value.treatment is DISCARD
    assert value.attributes == route_with().attributes


@rfc("7606 2", "MUST NOT discard an attribute that counts when routes are selected")
@pytest.mark.parametrize("code", [1, 2, 3, 4])
def test_selection_is_not_changed(code: int) -> None:
    assert route_with(attribute(code, "ff")).treatment is WITHDRAW


# 3: which of them.


@rfc("7606 3", "MUST answer a fault that resets the session with UPDATE Message Error (a)")
@rfc("7606 3", "MUST reset with Malformed Attribute List if the two lengths exceed the message (b)")
@pytest.mark.parametrize("body", ["0001 0000", "0000 0001", "0002 00 0000"])
def test_lengths(body: str) -> None:
    assert resets(message(2, body)).subcode == UpdateSubcode.MALFORMED_ATTRIBUTE_LIST


@rfc("7606 3", "MUST treat as withdrawn if the optional or the transitive bit is wrong (c)")
@pytest.mark.parametrize(
    ("code", "flags"), [(1, 0xC0), (2, 0x00), (4, 0xC0), (8, 0x80), (8, 0x40), (32, 0x80)]
)
def test_flags(code: int, flags: int) -> None:
    value = {1: "00", 2: "", 4: "00000001", 8: "00000001", 32: "000000010000000200000003"}[code]
    assert route_with(attribute(code, value)).treatment is Treatment.NONE
    assert route_with(attribute(code, value, flags)).treatment is WITHDRAW


@rfc("7606 3", "MUST NOT find fault with the partial bit, whatever the attribute (c)")
def test_partial_bit() -> None:
    assert route_with(attribute(1, "00", flags=0x60)).treatment is Treatment.NONE


@rfc("7606 3", "MUST treat as withdrawn if a well-known mandatory attribute is missing (d)")
@pytest.mark.parametrize("code", [1, 2, 3])
def test_missing(code: int) -> None:
    assert route_with(without=code).treatment is WITHDRAW
    assert route_with(without=code, negotiated=INTERNAL).treatment is WITHDRAW


@rfc("7606 3", "MUST treat as withdrawn what is wrong with ORIGIN, AS_PATH, NEXT_HOP, MED or LOCAL_PREF (e)")
@pytest.mark.parametrize("code", [1, 2, 3, 4, 5])
def test_route_selection(code: int) -> None:
    assert route_with(attribute(code, "ff"), negotiated=INTERNAL).treatment is WITHDRAW


@rfc("7606 3", "MUST discard ATOMIC_AGGREGATE and AGGREGATOR when something is wrong with them (f)")
@pytest.mark.parametrize("code", [6, 7])
def test_aggregation(code: int) -> None:
    assert route_with(attribute(code, "ff")).treatment is DISCARD


@rfc(
    "7606 3", "MUST reset with Malformed Attribute List if MP_REACH_NLRI or MP_UNREACH_NLRI occurs twice (g)"
)
@pytest.mark.parametrize(("code", "value"), [(14, IPV6_ROUTE), (15, "0002 01")])
def test_routes_twice(code: int, value: str) -> None:
    twice = attribute(code, value) * 2 + ORIGIN + AS_PATH
    assert resets(update("", twice)).subcode == UpdateSubcode.MALFORMED_ATTRIBUTE_LIST


@rfc("7606 3", "MUST discard all but the first of an attribute that occurs more than once, known or not (g)")
def test_attributes_twice() -> None:
    med, strange = attribute(4, "00000001"), attribute(99, "01")
    block = USUAL + med + attribute(4, "00000002") + strange + attribute(99, "02") + attribute(4, "00")
    value = received(update("", block, PREFIX))
    assert value.treatment is DISCARD
    assert value.attributes == route_with(med, strange).attributes


@rfc("7606 3", "MUST use the strongest of the treatments of all faults (h)")
def test_strongest() -> None:
    both = route_with(attribute(1, "03"), attribute(6, "00"))
    assert {fault.treatment for fault in both.faults} == {WITHDRAW, DISCARD}
    assert both.treatment is WITHDRAW
    assert WITHDRAW < DISABLE


@rfc("7606 3", "MUST check withdrawn routes as it checks NLRI (i)")
def test_withdrawn_routes() -> None:
    assert resets(update(withdrawn="21 0a00000000")).subcode == UpdateSubcode.INVALID_NETWORK_FIELD
    assert resets(update(withdrawn="18 0a00")).subcode == UpdateSubcode.INVALID_NETWORK_FIELD


@rfc("7606 3", "MUST reset, or disable the family, if the routes of an UPDATE cannot be told (j)")
def test_routes_that_cannot_be_told() -> None:
    resets(update("", attribute(1, "03") + AS_PATH + NEXT_HOP, "18 0a00"))
    assert reach("0002 01 10 20010db8000000000000000000000001 00 20 2001") is DISABLE


# 4: lengths of attributes.


@rfc("7606 4", "MUST treat as withdrawn if the last attribute goes beyond the attributes")
@rfc("7606 4", "MUST find the NLRI by the total length even so")
def test_overrun() -> None:
    value = received(update("", USUAL + attribute(4, "00000001", length=5), PREFIX))
    assert value.treatment is WITHDRAW
    assert list(map(str, value.announced)) == ["203.0.113.0/24"]


@rfc("7606 4", "MUST treat as withdrawn if too few octets remain for another attribute")
@pytest.mark.parametrize("rest", ["80", "80 04", "90 04 00"])
def test_underrun(rest: str) -> None:
    assert received(update("", USUAL + bytes.fromhex(rest), PREFIX)).treatment is WITHDRAW


@rfc("7606 4", "MUST NOT take an attribute without octets, except for AS_PATH and ATOMIC_AGGREGATE")
@pytest.mark.parametrize("code", [1, 3, 4, 5, 7, 8, 9, 10, 16, 25, 32, 35])
def test_no_octets(code: int) -> None:
    assert route_with(attribute(code), negotiated=INTERNAL).treatment >= DISCARD
    for may in (2, 6):
        assert route_with(attribute(may), negotiated=INTERNAL).treatment is Treatment.NONE


# 5: NLRI.


@rfc("7606 5.1", "MUST write MP_REACH_NLRI or MP_UNREACH_NLRI before all other attributes")
def test_routes_come_first() -> None:
    attributes = PathAttributes(origin=Origin.IGP, as_path=[64512])
    routes = MPReach(["2001:db8::/32"], "2001:db8::1")
    assert encode(Update(mp_reach=routes, attributes=attributes), EXTERNAL)[24] == AttributeCode.MP_REACH_NLRI


@rfc("7606 5.1", "MUST take them in any place, and beside withdrawn routes and NLRI")
def test_routes_anywhere() -> None:
    gone = attribute(AttributeCode.MP_UNREACH_NLRI, "0002 01 00")
    there = attribute(AttributeCode.MP_REACH_NLRI, IPV6_ROUTE)
    value = received(update("08 0a", ORIGIN + there + AS_PATH + NEXT_HOP + gone, PREFIX))
    assert value.faults == ()
    assert (value.mp_reach, value.mp_unreach) == (
        MPReach(["2001:db8::/32"], "2001:db8::1"),
        MPUnreach(["::/0"]),
    )
    assert (len(value.withdrawn), len(value.announced)) == (1, 1)


@rfc(
    "7606 5.2", "MUST reset if an UPDATE without reachable NLRI has a fault that costs more than an attribute"
)
def test_nothing_reachable() -> None:
    resets(update("08 0a", attribute(1, "03") + AS_PATH + NEXT_HOP))
    resets(update("", USUAL + attribute(4, "00", length=2)))
    assert received(update("08 0a", USUAL + attribute(6, "00"))).treatment is DISCARD


@rfc("7606 5.2", "MUST take an UPDATE without reachable NLRI and without faults")
def test_nothing_reachable_and_no_fault() -> None:
    assert received(update("08 0a", USUAL)).faults == ()


@rfc("7606 5.3", "MUST take NLRI for incorrect if a prefix has more than 32 bits")
@rfc("7606 5.3", "MUST take NLRI for incorrect if the last prefix goes beyond the field")
@pytest.mark.parametrize("nlri", ["21 0a00000000", "08 0a 18 0a00"])
def test_nlri(nlri: str) -> None:
    assert resets(update("", USUAL, nlri)).subcode == UpdateSubcode.INVALID_NETWORK_FIELD


@rfc(
    "7606 5.3",
    "MUST take MP_REACH_NLRI for incorrect if a prefix is too long for the family, or for the attribute",
)
@rfc("7606 5.3", "MUST take MP_REACH_NLRI for incorrect if it has fewer than 5 octets")
@pytest.mark.parametrize(
    "value",
    [
        "0002 01 10 20010db8000000000000000000000001 00 81" + "00" * 17,
        "0002 01 10 20010db8000000000000000000000001 00 20 200100",
        "0001 01 04 c0000201 00 21 0a00000000",
        "0002 01 00",
    ],
)
def test_reach(value: str) -> None:
    assert reach(value) is DISABLE


@rfc(
    "7606 5.3", "MUST take MP_UNREACH_NLRI for incorrect by the same rules, and if it has fewer than 3 octets"
)
def test_unreach() -> None:
    value = received(update("", attribute(15, "0002 01 81" + "00" * 17)))
    assert [(fault.treatment, fault.family) for fault in value.faults] == [(DISABLE, IPV6_UNICAST)]
    resets(update("", attribute(15, "0002")))


@rfc("7606 5.3", "MUST take MP_REACH_NLRI for incorrect if its flags are not those of RFC 4760")
def test_flags_of_reach() -> None:
    assert reach(IPV6_ROUTE, flags=0xC0) is DISABLE


# 7: attribute by attribute.


def cases(code: int, treatment: Treatment, bad: list[str]) -> list[tuple[int, Treatment, str]]:
    return [(code, treatment, value) for value in bad]


@rfc("7606 7.1", "MUST treat as withdrawn if ORIGIN is not of one octet, or has no meaning")
@rfc("7606 7.3", "MUST treat as withdrawn if NEXT_HOP is not of four octets")
@rfc("7606 7.4", "MUST treat as withdrawn if MULTI_EXIT_DISC is not of four octets")
@rfc("7606 7.5", "MUST treat as withdrawn if LOCAL_PREF from an internal peer is not of four octets")
@rfc("7606 7.6", "MUST discard ATOMIC_AGGREGATE if it has octets")
@rfc("7606 7.8", "MUST treat as withdrawn if COMMUNITIES is not of a multiple of 4 octets, or empty")
@rfc("7606 7.9", "MUST treat as withdrawn if ORIGINATOR_ID from an internal peer is not of four octets")
@rfc(
    "7606 7.10",
    "MUST treat as withdrawn if CLUSTER_LIST from an internal peer is not of a multiple of 4, or empty",
)
@rfc(
    "7606 7.14", "MUST treat as withdrawn if EXTENDED COMMUNITIES is not of a multiple of 8 octets, or empty"
)
@rfc(
    "7606 7.15",
    "MUST treat as withdrawn if IPv6 extended communities are not of a multiple of 20 octets, or empty",
)
@pytest.mark.parametrize(
    ("code", "treatment", "value"),
    [
        *cases(1, WITHDRAW, ["", "0000", "03"]),
        *cases(3, WITHDRAW, ["", "c00002", "c000020101"]),
        *cases(4, WITHDRAW, ["", "000001", "0000000001"]),
        *cases(5, WITHDRAW, ["", "000001", "0000000001"]),
        *cases(6, DISCARD, ["00"]),
        *cases(8, WITHDRAW, ["", "000001", "0000000100"]),
        *cases(9, WITHDRAW, ["", "c00002", "c000020101"]),
        *cases(10, WITHDRAW, ["", "c00002", "c000020101"]),
        *cases(16, WITHDRAW, ["", "00" * 7, "00" * 9]),
        *cases(25, WITHDRAW, ["", "00" * 19, "00" * 21]),
    ],
)
def test_attribute(code: int, treatment: Treatment, value: str) -> None:
    assert route_with(attribute(code, value), negotiated=INTERNAL).treatment is treatment


@rfc("7606 7.2", "MUST treat as withdrawn if AS_PATH has an unknown type of segment")
@rfc(
    "7606 7.2",
    "MUST treat as withdrawn if a segment of AS_PATH overruns, or leaves one octet, or counts no AS",
)
@pytest.mark.parametrize(
    "path", ["0001 00000001", "0501 00000001", "0202 00000001", "0201 00000001 02", "0200"]
)
def test_as_path(path: str) -> None:
    assert route_with(attribute(2, path)).treatment is WITHDRAW


@rfc("7606 7.5", "MUST discard LOCAL_PREF from an external peer, whatever is in it")
@rfc("7606 7.9", "MUST discard ORIGINATOR_ID from an external peer, whatever is in it")
@rfc("7606 7.10", "MUST discard CLUSTER_LIST from an external peer, whatever is in it")
@pytest.mark.parametrize("code", [5, 9, 10])
@pytest.mark.parametrize("value", ["c0000201", "c0"])
def test_internal_attributes(code: int, value: str) -> None:
    found = route_with(attribute(code, value))
    assert found.treatment is DISCARD
    assert found.attributes == route_with().attributes


@rfc("7606 7.7", "MUST discard AGGREGATOR if it is not of 8 octets, or 6 where AS numbers have two")
def test_aggregator() -> None:
    six, eight = "fc01 c0000201", "0000fc01 c0000201"
    assert route_with(attribute(7, eight)).treatment is Treatment.NONE
    assert route_with(attribute(7, six)).treatment is DISCARD
    path = attribute(2, "0201 fc01")
    assert route_with(path, attribute(7, six), negotiated=OLD).treatment is Treatment.NONE
    assert route_with(path, attribute(7, eight), negotiated=OLD).treatment is DISCARD


@rfc(
    "7606 7.11", "MUST disable the family if the next hop in MP_REACH_NLRI has a length that does not fit it"
)
@pytest.mark.parametrize("hop", ["04 c0000201", "11 20010db800000000000000000000000100", "00"])
def test_next_hop_of_reach(hop: str) -> None:
    assert reach(f"0002 01 {hop} 00 20 20010db8") is DISABLE


@rfc("7606 7.14", "MUST NOT find fault with an extended community of an unknown type")
@rfc("7606 7.15", "MUST NOT find fault with an IPv6 extended community of an unknown type")
def test_unknown_communities() -> None:
    value = route_with(attribute(16, "3f" * 8), attribute(25, "3f" * 20))
    assert value.treatment is Treatment.NONE
    assert (len(value.attributes.extended_communities), len(value.attributes.ipv6_extended_communities)) == (
        1,
        1,
    )
