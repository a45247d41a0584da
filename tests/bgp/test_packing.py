"""UPDATEs that are as few as can be, none longer than the session allows, and lose nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    Family,
    LabelledPrefix,
    MPReach,
    MPUnreach,
    Negotiated,
    NextHop,
    Path,
    PathAttributes,
    Prefix,
    Route,
    Update,
    VPNPrefix,
    decode,
    encode,
)
from bgp.look import Look
from bgp.nlri import Destination, OpaqueNLRI, key_of, longest
from bgp.packing import has_path_ids, pack, room
from bgp.prefix import IPV4_LABELLED, IPV4_VPN, IPV6_VPN
from bgp.ribout import Changes
from bgp.testing import READABLE_FAMILIES

EVPN = Family(25, 70)
FAMILIES = [*READABLE_FAMILIES, EVPN]
PLAIN = Negotiated(four_octet_as=True)
LOOK = Look(PathAttributes(origin=0, as_path=[64512], next_hop="192.0.2.1"))
LOOK6 = Look(PathAttributes(origin=0, as_path=[64512]), NextHop("2001:db8::1"))


def session(
    *, extended_message: bool = False, add_path: bool = False, four_octet_as: bool = True
) -> Negotiated:
    """Any family, in one of the kinds of sessions that differ in their octets; both directions alike."""
    identified = FAMILIES if add_path else []
    return Negotiated(
        four_octet_as=four_octet_as,
        families=FAMILIES,
        extended_message=extended_message,
        add_path_send=identified,
        add_path_receive=identified,
    )


SESSIONS = [
    session(extended_message=extended, add_path=add_path, four_octet_as=wide)
    for extended in (False, True)
    for add_path in (False, True)
    for wide in (True, False)
]

IDS = [
    "4096",
    "4096-as2",
    "4096-paths",
    "4096-paths-as2",
    "65535",
    "65535-as2",
    "65535-paths",
    "65535-paths-as2",
]


def addresses(count: int) -> list[bytes]:
    return [Prefix(f"10.{n >> 8}.{n & 255}.1/32").wire for n in range(count)]


def lengths(changes: Changes, negotiated: Negotiated = PLAIN) -> list[int]:
    return [len(encode(update, negotiated)) for update in pack(changes, negotiated)]


def test_nothing_to_tell() -> None:
    for family in FAMILIES:
        assert list(pack(Changes(family), session())) == []


def test_routes_share_messages() -> None:
    other = Look(LOOK.attributes.evolve(med=1))
    changes = Changes(IPV4_UNICAST, announced={LOOK: addresses(128), other: addresses(128)})
    assert [len(update.announced) for update in pack(changes, PLAIN)] == [128, 128]


def test_withdrawals_go_first_and_share_messages() -> None:
    changes = Changes(IPV4_UNICAST, announced={LOOK: addresses(1)}, withdrawn=addresses(2000))
    updates = list(pack(changes, PLAIN))
    assert [len(update.withdrawn) for update in updates] == [814, 814, 372, 0]
    assert [len(update.announced) for update in updates] == [0, 0, 0, 1]
    assert lengths(changes)[:2] == [4093, 4093]


@pytest.mark.parametrize("negotiated", SESSIONS, ids=IDS)
@pytest.mark.parametrize("family", [IPV4_UNICAST, IPV6_UNICAST], ids=str)
def test_few_messages(negotiated: Negotiated, family: Family) -> None:
    path_id = b"\0\0\0\7" if has_path_ids(family, negotiated) else b""
    plain = addresses(20000) if family == IPV4_UNICAST else [b"\x80" + n.to_bytes(16) for n in range(20000)]
    wires = [path_id + wire for wire in plain]
    look = LOOK if family == IPV4_UNICAST else LOOK6
    limit = 65535 if negotiated.extended_message else 4096
    for changes, overhead in (
        (Changes(family, announced={look: wires}), 19 + 4 + 60),
        (Changes(family, withdrawn=wires), 19 + 4 + 7),
    ):
        found = lengths(changes, negotiated)
        assert max(found) <= limit
        assert all(length > limit - len(wires[0]) - 1 for length in found[:-1])
        assert len(found) <= len(wires) * len(wires[0]) // (limit - overhead - len(wires[0])) + 1


def test_one_route_without_an_octet_to_spare() -> None:
    # Values of up to 255 octets have a length of one octet, longer ones of two: both sides of that.
    for hosts in range(1, 30):
        wires = [Prefix(f"2001:db8::{n:x}/128").wire for n in range(hosts)]
        changes = Changes(IPV6_UNICAST, announced={LOOK6: wires}, withdrawn=wires)
        assert len(list(pack(changes, PLAIN))) == 2
    base = LOOK6.attributes
    spare = room(IPV6_UNICAST, LOOK6, PLAIN)
    full = Look(base.evolve(communities=range((spare - 17 - 4) // 4)), LOOK6.next_hop)
    assert 17 <= room(IPV6_UNICAST, full, PLAIN) < 21
    [length] = lengths(Changes(IPV6_UNICAST, announced={full: [Prefix("::1/128").wire]}))
    assert 4092 <= length <= 4096


def test_ipv4_with_an_ipv6_next_hop_travels_in_mp_reach() -> None:
    changes = Changes(IPV4_UNICAST, announced={LOOK6: addresses(2)}, withdrawn=addresses(1))
    gone, there = pack(changes, PLAIN)
    assert gone == Update(withdrawn=["10.0.0.1/32"])
    assert there.mp_reach == MPReach(["10.0.0.1/32", "10.0.1.1/32"], "2001:db8::1")


def test_labels_are_withdrawn_without() -> None:
    # RFC 8277 2.4.
    labelled = LabelledPrefix("10.0.0.0/8", labels=[7])
    vpn = VPNPrefix("10.0.0.0/8", rd="1:1", labels=[7])
    for prefix, bare in (
        (labelled, LabelledPrefix("10.0.0.0/8")),
        (vpn, VPNPrefix("10.0.0.0/8", rd="1:1")),
    ):
        [update] = pack(Changes(prefix.family, withdrawn=[prefix.key]), session())
        assert update.mp_unreach == MPUnreach([bare])
        path = Changes(prefix.family, withdrawn=[b"\0\0\0\7" + prefix.key])
        [update] = pack(path, session(add_path=True))
        assert update.mp_unreach == MPUnreach([Path(bare, 7)])


def test_vpn_next_hops_get_their_route_distinguisher() -> None:
    vpn = VPNPrefix("10.0.0.0/8", rd="1:1", labels=[7])
    look = Look(PathAttributes(origin=0, as_path=[]), NextHop("192.0.2.1"))
    [update] = pack(Changes(IPV4_VPN, announced={look: [vpn.wire]}), session())
    assert update.mp_reach is not None
    assert update.mp_reach.next_hop == NextHop("192.0.2.1").in_vpn()


def test_a_family_that_is_not_read_has_its_identifiers_inside() -> None:
    negotiated = session(add_path=True)
    assert has_path_ids(IPV4_VPN, negotiated)
    assert not has_path_ids(EVPN, negotiated)
    assert not has_path_ids(IPV4_UNICAST, PLAIN)
    changes = Changes(EVPN, announced={LOOK6: [b"\1\2", b"\3"]}, withdrawn=[b"\4"])
    gone, there = pack(changes, negotiated)
    assert gone.mp_unreach == MPUnreach([OpaqueNLRI(EVPN, b"\4")])
    assert there.mp_reach is not None
    assert there.mp_reach.nlri.encode() == b"\1\2\3"


def test_a_peer_with_as_numbers_of_two_octets_has_less_room() -> None:
    wide = Look(LOOK.attributes.evolve(as_path=[70000] * 100))
    assert room(IPV4_UNICAST, wide, session(four_octet_as=False)) < room(IPV4_UNICAST, wide, session())
    changes = Changes(IPV4_UNICAST, announced={wide: addresses(3000)})
    assert max(lengths(changes, session(four_octet_as=False))) <= 4096


SOME: dict[Family, list[Destination]] = {
    IPV4_UNICAST: [Prefix(f"10.0.0.0/{length}") for length in range(8, 33)],
    IPV6_UNICAST: [Prefix(f"2001:db8::/{length}") for length in range(32, 129)],
    IPV4_LABELLED: [LabelledPrefix(f"10.0.0.0/{n}", labels=[n] * (n % 3 + 1)) for n in range(8, 33)],
    IPV6_VPN: [VPNPrefix(f"2001:db8::/{n}", rd=f"1:{n}", labels=[n]) for n in range(32, 129)],
    EVPN: [OpaqueNLRI(EVPN, bytes(n)) for n in range(1, 40)],
}


@pytest.mark.parametrize("negotiated", SESSIONS, ids=IDS)
@settings(max_examples=30)
@given(
    family=st.sampled_from(list(SOME)),
    times=st.lists(st.integers(0, 150), min_size=3, max_size=3),
    asns=st.lists(st.integers(1, 70000), max_size=30),
)
def test_what_arrives_is_what_was_to_be_told(
    negotiated: Negotiated, family: Family, times: list[int], asns: list[int]
) -> None:
    add_path = has_path_ids(family, negotiated)
    wires = [Path(each, n).wire if add_path else each.wire for n, each in enumerate(SOME[family])]
    keys = [key_of(family, wire, add_path) for wire in wires]
    base = LOOK if family == IPV4_UNICAST else LOOK6
    looks = [Look(base.attributes.evolve(as_path=asns, med=med), base.next_hop) for med in (1, 2)]
    announced = {look: wires * often for look, often in zip(looks, times, strict=False)}
    changes = Changes(family, announced=announced, withdrawn=keys * times[2])
    there: dict[PathAttributes, list[bytes]] = {}
    gone: list[bytes] = []
    sent: dict[PathAttributes | None, list[int]] = {}
    for update in pack(changes, negotiated):
        octets = encode(update, negotiated)
        received = decode(octets, negotiated)
        assert isinstance(received, Update)
        assert received.faults == ()
        reach, unreach = received.mp_reach, received.mp_unreach
        assert reach is None or reach.next_hop.address == LOOK6.next_hop.address  # type: ignore[union-attr]
        routes = received.announced if reach is None else reach.nlri
        if routes:
            there.setdefault(received.attributes, []).extend(routes.wire)
        withdrawn = received.withdrawn if unreach is None else unreach.nlri
        gone += [key_of(family, wire, add_path) for wire in withdrawn.wire]
        sent.setdefault(received.attributes if routes else None, []).append(len(octets))
    expected = {look.attributes: wires for look, wires in announced.items() if wires}
    limit = 65535 if negotiated.extended_message else 4096
    for lengths in sent.values():
        # No longer than they may be, and none that had room for what came after it.
        assert max(lengths) <= limit
        assert all(length > limit - 40 for length in lengths[:-1])
    if family == EVPN:
        assert {each: b"".join(wires) for each, wires in there.items()} == {
            each: b"".join(wires) for each, wires in expected.items()
        }
        assert b"".join(gone) == b"".join(changes.withdrawn)
    else:
        assert there == expected
        assert gone == changes.withdrawn


def test_the_longest_of_each_family_is_the_longest() -> None:
    assert longest(IPV4_UNICAST) == len(Prefix("192.0.2.1/32").wire)
    assert longest(IPV6_UNICAST) == len(Prefix("2001:db8::1/128").wire)
    many = [LabelledPrefix("192.0.2.1/32", labels=[1] * 9).wire]
    many.append(VPNPrefix("2001:db8::1/128", rd="1:1", labels=[1] * 2).wire)
    assert max(map(len, many)) <= longest(IPV4_LABELLED) == longest(IPV6_VPN) == 33


def test_routes_that_an_application_states() -> None:
    some = [Route(f"10.{n}.0.0/16") for n in range(200)]
    changes = Changes(IPV4_UNICAST, announced={LOOK: [route.prefix.wire for route in some]})
    [update] = pack(changes, PLAIN)
    assert list(update.announced) == [route.prefix for route in some]
