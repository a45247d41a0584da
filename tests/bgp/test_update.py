"""UPDATE: its cutting, its routes, what resets the session, and that it leaves as it came.

What the attributes amount to is tested with judgement.py, NLRI with nlri.py, what stands in MP_REACH_NLRI and
MP_UNREACH_NLRI with multiprotocol.py.
"""

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bgp
from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    NLRI,
    Aggregator,
    AttributeCode,
    Family,
    Fault,
    LocalError,
    MPReach,
    MPUnreach,
    Negotiated,
    Path,
    PathAttributes,
    PeerError,
    PeerType,
    Treatment,
    UnknownAttribute,
    Update,
    UpdateError,
    decode,
    encode,
)
from bgp.attributes import encode_attribute, split
from bgp.framing import MARKER
from bgp.multiprotocol import encode_reach, encode_unreach
from bgp.nlri import OpaqueNLRI
from bgp.testing import mp_reaches, mp_unreaches, negotiated_sessions, path_attributes, updates
from bgp.wire import uint16
from tests.bgp.pasting import pasted

NEGOTIATED = Negotiated(four_octet_as=True)
INTERNAL = Negotiated(four_octet_as=True, peer_type=PeerType.INTERNAL)
TWO_OCTETS = Negotiated(four_octet_as=False)
PATHS = Negotiated(four_octet_as=True, add_path_receive={IPV4_UNICAST}, add_path_send={IPV4_UNICAST})
EXTENDED = Negotiated(four_octet_as=True, extended_message=True)
EVPN = Family(25, 70)

ROUTE = PathAttributes(origin=0, as_path=[64512], next_hop="192.0.2.1")
ATTRIBUTES = "400101 00 400206 02010000fc00 400304 c0000201"
WITHOUT_HOP = "400101 00 400206 02010000fc00"
PREFIX = "20 cb007107"

REACH = "800e1a 0002 01 10 20010db8000000000000000000000001 00 20 20010db8"
UNREACH = "800f08 0002 01 20 20010db9"
SIX = MPReach(["2001:db8::/32"], "2001:db8::1")
GONE = MPUnreach(["2001:db9::/32"])


def message(attributes: str | bytes = "", nlri: str | bytes = "", withdrawn: str | bytes = "") -> bytes:
    gone, block, there = (
        part if isinstance(part, bytes) else bytes.fromhex(part) for part in (withdrawn, attributes, nlri)
    )
    body = uint16(len(gone)) + gone + uint16(len(block)) + block + there
    return MARKER + uint16(19 + len(body)) + b"\x02" + body


def read(octets: bytes, negotiated: Negotiated = NEGOTIATED) -> Update:
    update = decode(octets, negotiated)
    assert isinstance(update, Update)
    return update


def refusal(octets: bytes, negotiated: Negotiated = NEGOTIATED) -> tuple[int, bytes]:
    with pytest.raises(UpdateError) as caught:
        decode(octets, negotiated)
    assert str(caught.value)
    return caught.value.subcode, caught.value.data


# As values.


def test_the_snippet_of_the_package() -> None:
    negotiated = bgp.Negotiated(four_octet_as=True)
    update = bgp.Update(
        announced=["203.0.113.7/32"],
        attributes=bgp.PathAttributes(origin=bgp.Origin.IGP, as_path=[64512], next_hop="192.0.2.1"),
    )
    assert bgp.decode(bgp.encode(update, negotiated), negotiated) == update


def test_known_octets() -> None:
    update = Update(withdrawn=["10.0.0.0/8"], announced=["203.0.113.7/32"], attributes=ROUTE)
    octets = message(ATTRIBUTES, PREFIX, "080a")
    assert encode(update, NEGOTIATED) == octets
    assert read(octets) == update


def test_routes_of_other_families_come_first() -> None:
    # RFC 7606 5.1.
    attributes = ROUTE.evolve(next_hop=None)
    update = Update(attributes=attributes, mp_reach=SIX, mp_unreach=GONE)
    octets = message(REACH + UNREACH + WITHOUT_HOP)
    assert encode(update, NEGOTIATED) == octets
    assert read(octets) == update
    assert encode(Update(mp_unreach=GONE), NEGOTIATED) == message(UNREACH)


def test_takes_what_people_type() -> None:
    assert Update(announced=["192.0.2.0/24"]) == Update(announced=NLRI(["192.0.2.0/24"]))
    assert Update(announced=[Path("192.0.2.0/24", 1)]).announced.add_path
    assert Update(faults=[]).faults == ()
    for name in ("announced", "withdrawn"):
        with pytest.raises(LocalError, match="NLRI of ipv6 unicast, must be in mp_reach or mp_unreach"):
            Update(**{name: ["2001:db8::/32"]})  # type: ignore[arg-type]  # the point of the test


@given(st.data(), negotiated_sessions())
def test_round_trip(data: st.DataObject, negotiated: Negotiated) -> None:
    update = data.draw(updates(negotiated))
    octets = encode(update, negotiated)
    received = read(octets, negotiated)
    assert received == update
    assert hash(received) == hash(update)
    assert received.faults == ()
    assert encode(received, negotiated) == octets
    assert pasted(update) == update


@pytest.mark.parametrize(
    ("update", "family"),
    [
        (Update(), IPV4_UNICAST),
        (Update(mp_unreach=MPUnreach(NLRI([], IPV6_UNICAST))), IPV6_UNICAST),
        (Update(mp_unreach=MPUnreach(NLRI([], EVPN))), EVPN),
        (Update(mp_unreach=GONE), None),
        (Update(withdrawn=["10.0.0.0/8"]), None),
        (Update(announced=["10.0.0.0/8"]), None),
        (Update(attributes=ROUTE), None),
        (Update(mp_reach=SIX), None),
        (Update(mp_reach=SIX, mp_unreach=MPUnreach(NLRI([], IPV6_UNICAST))), None),
        (Update(faults=[Fault(0, Treatment.TREAT_AS_WITHDRAW, "x")]), None),
    ],
)
def test_end_of_rib(update: Update, family: Family | None) -> None:
    # RFC 4724 2.
    assert update.end_of_rib == family
    if not update.faults and not update.announced and not update.mp_reach:
        assert read(encode(update, NEGOTIATED)).end_of_rib == family


def test_the_shortest_update() -> None:
    assert encode(Update(), NEGOTIATED) == message()
    assert read(message()) == Update()
    assert encode(Update(mp_unreach=MPUnreach(NLRI([], IPV6_UNICAST))), NEGOTIATED) == message(
        "800f03 000201"
    )


def test_the_strongest_treatment_counts() -> None:
    # RFC 7606 3 (h).
    update = read(message("400601 00 400504 00000064", PREFIX))
    assert [fault.code for fault in update.faults] == [6, 5, 1, 2, 3]
    assert update.treatment is Treatment.TREAT_AS_WITHDRAW
    assert read(message(ATTRIBUTES + "400601 00", PREFIX)).treatment is Treatment.ATTRIBUTE_DISCARD
    assert read(message(ATTRIBUTES, PREFIX)).treatment is Treatment.NONE


# What resets the session.


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        ("0001 0000", "1 octets of the withdrawn routes"),
        ("0003 080a 0000", "1 octets of the withdrawn routes"),
        ("ffff 080a 0000", "65533 octets of the withdrawn routes"),
        ("0000 0001", "1 octets of the path attributes"),
        ("0002 080a 0005 400101", "2 octets of the path attributes"),
    ],
)
def test_lengths_that_run_over(body: str, missing: str) -> None:
    # RFC 7606 3 (b).
    octets = bytes.fromhex(body)
    with pytest.raises(UpdateError, match=f"{missing} are missing") as caught:
        decode(MARKER + uint16(19 + len(octets)) + b"\x02" + octets, NEGOTIATED)
    assert (caught.value.subcode, caught.value.data) == (1, b"")


@pytest.mark.parametrize("nlri", ["21 0000000000", "18 c000", "20 cb007107 08", "ff"])
def test_prefixes_that_cannot_be_read(nlri: str) -> None:
    # RFC 7606 3 (i), (j), 5.3.
    assert refusal(message(ATTRIBUTES, nlri)) == (10, b"")
    assert refusal(message(ATTRIBUTES, PREFIX, nlri)) == (10, b"")
    assert refusal(message("", "", nlri)) == (10, b"")


def test_paths_that_cannot_be_read() -> None:
    assert refusal(message(ATTRIBUTES, PREFIX), PATHS) == (10, b"")
    assert read(message(ATTRIBUTES, "00000007" + PREFIX), PATHS).announced == NLRI(
        [Path("203.0.113.7/32", 7)]
    )
    assert read(message("", "", "00000007 00"), PATHS).withdrawn == NLRI([Path("0.0.0.0/0", 7)])


def test_path_identifiers_of_another_family_change_nothing() -> None:
    other = Negotiated(four_octet_as=True, add_path_receive={IPV6_UNICAST})
    assert read(message(ATTRIBUTES, PREFIX), other).announced == NLRI(["203.0.113.7/32"])


@pytest.mark.parametrize(
    "block",
    [
        REACH + REACH,
        UNREACH + UNREACH,
        REACH + ATTRIBUTES + REACH,
        ATTRIBUTES + UNREACH + REACH + UNREACH,
        REACH + "c00e00",  # whatever is in the second
    ],
)
def test_routes_of_other_families_twice(block: str) -> None:
    # RFC 7606 3 (g).
    assert refusal(message(block, PREFIX)) == (1, b"")


@pytest.mark.parametrize(
    "attribute", ["800e00", "800e02 0002", "800f00", "800f02 0002", "400e00", "c00f01 00"]
)
def test_routes_without_a_family(attribute: str) -> None:
    # RFC 7606 5.3; RFC 4271 6.3: the data is the attribute.
    for block in (attribute, attribute + ATTRIBUTES, ATTRIBUTES + attribute):
        assert refusal(message(block)) == (9, bytes.fromhex(attribute))
        assert refusal(message(block, PREFIX)) == (9, bytes.fromhex(attribute))


@pytest.mark.parametrize("cut", ["800e", "800f08 0002 01 20 200107", "900f00", "800e1a 0002 01"])
def test_routes_that_run_over(cut: str) -> None:
    # RFC 7606 4: the list of attributes ends there, and what came before it counts.
    for block in (ATTRIBUTES + cut, REACH + WITHOUT_HOP + cut):
        update = read(message(block, PREFIX if block.startswith(ATTRIBUTES) else ""))
        assert [(fault.code, fault.treatment) for fault in update.faults] == [
            (0, Treatment.TREAT_AS_WITHDRAW)
        ]
        assert update.mp_unreach is None
    assert refusal(message(WITHOUT_HOP + cut)) == (1, b"")
    assert refusal(message(cut)) == (1, b"")


# AFI/SAFI disable.

REACH_HEAD = "0002 01 10 20010db8000000000000000000000001 00"


@pytest.mark.parametrize(
    "attribute",
    [
        "800e04 0002 01 00",  # shorter than 5 octets
        "800e09 0002 01 04 c0000201 00",  # 7.11: a next hop of another length
        "800e15 0002 01 11 20010db8000000000000000000000001 00",  # 7.11: one that runs over
        "800e17" + REACH_HEAD + "81 00",  # 5.3: too many bits
        "800e17" + REACH_HEAD + "10 20",  # 5.3: cut short
        "c00e1a" + REACH_HEAD + "20 20010db8",  # 5.3: flags
        "400e1a" + REACH_HEAD + "20 20010db8",
        "000e1a" + REACH_HEAD + "20 20010db8",
        "800f04 0002 01 81",
        "800f05 0002 01 10 20",
        "c00f08 0002 01 20 20010db8",
        "400f03 0002 01",
    ],
)
def test_routes_that_cannot_be_told_disable_their_family(attribute: str) -> None:
    octets = bytes.fromhex(attribute)
    for block in (attribute + WITHOUT_HOP, WITHOUT_HOP + attribute):
        update = read(message(block))
        (fault,) = update.faults
        assert fault.treatment is update.treatment is Treatment.AFI_SAFI_DISABLE
        assert (fault.code, fault.family, fault.subcode) == (octets[1], IPV6_UNICAST, 9)
        assert fault.data == octets
        assert isinstance(fault.code, AttributeCode)
        assert fault.reason.startswith(f"{fault.code.name}: ")
        assert (update.mp_reach, update.mp_unreach) == (None, None)
        assert update.attributes == ROUTE.evolve(next_hop=None)
        assert update.end_of_rib is None
    with_route = read(message(attribute + ATTRIBUTES, PREFIX))
    assert with_route.announced == NLRI(["203.0.113.7/32"])
    assert with_route.treatment is Treatment.AFI_SAFI_DISABLE


def test_both_families_may_be_disabled() -> None:
    update = read(message("800e04 0002 01 00 800f04 0001 01 21" + WITHOUT_HOP))
    assert [(fault.code, fault.family) for fault in update.faults] == [(14, IPV6_UNICAST), (15, IPV4_UNICAST)]


# RFC 7606 5.2.


def test_a_fault_beside_routes_that_are_hidden() -> None:
    # The family's routes go anyhow, so there is none that would have to be named.
    update = read(message("800e04 0002 01 00 400101 03"))
    assert {fault.treatment for fault in update.faults} == {
        Treatment.AFI_SAFI_DISABLE,
        Treatment.TREAT_AS_WITHDRAW,
    }


@pytest.mark.parametrize("others", ["", UNREACH, "800f04 0002 01 81", "c00f03 000201"])
def test_a_fault_without_a_route_that_is_there(others: str) -> None:
    for block in (others + "400101 03", "400101 03" + others):
        assert refusal(message(block)) == (6, bytes.fromhex("400101 03"))
        assert refusal(message(block, withdrawn="080a")) == (6, bytes.fromhex("400101 03"))
    assert read(message(others + "400101 00 400601 00")).faults


def test_a_fault_beside_an_empty_list_of_routes() -> None:
    empty = "800e15" + REACH_HEAD
    assert refusal(message(empty + "400101 03")) == (6, bytes.fromhex("400101 03"))
    assert read(message(empty)).faults == ()


def test_a_fault_beside_routes_of_another_family() -> None:
    update = read(message(REACH + "400101 03 400200"))
    assert [(fault.code, fault.treatment) for fault in update.faults] == [(1, Treatment.TREAT_AS_WITHDRAW)]
    assert update.mp_reach == SIX


@pytest.mark.parametrize(
    ("block", "nlri", "negotiated", "missing"),
    [
        ("", PREFIX, NEGOTIATED, [1, 2, 3]),
        ("400101 00 400304 c0000201", PREFIX, NEGOTIATED, [2]),
        (WITHOUT_HOP, PREFIX, NEGOTIATED, [3]),
        (ATTRIBUTES, PREFIX, INTERNAL, [5]),
        # RFC 4760 3: a next hop of IPv4 has no meaning for others.
        (REACH + WITHOUT_HOP, "", NEGOTIATED, []),
        (WITHOUT_HOP + REACH, "", INTERNAL, [5]),
        (REACH, "", NEGOTIATED, [1, 2]),
        (REACH + WITHOUT_HOP, PREFIX, NEGOTIATED, [3]),
        # Nothing is announced.
        (UNREACH, "", NEGOTIATED, []),
        ("400101 00", "", NEGOTIATED, []),
    ],
)
def test_what_every_route_has_to_have(
    block: str, nlri: str, negotiated: Negotiated, missing: list[int]
) -> None:
    # RFC 7606 3 (d); the data is the code (RFC 4271 6.3).
    update = read(message(block, nlri), negotiated)
    assert [fault.code for fault in update.faults] == missing
    for fault in update.faults:
        assert fault == Fault(
            fault.code,
            Treatment.TREAT_AS_WITHDRAW,
            f"{AttributeCode(fault.code).name} is missing",
            3,
            bytes([fault.code]),
        )


# An UPDATE leaves as it came.


@st.composite
def written_oddly(draw: st.DrawFn, negotiated: Negotiated) -> bytes:
    """A faultless UPDATE in a form that is not ours: order, lengths and low flag bits of attributes."""
    update = draw(updates(negotiated))
    block = encode(attrs.evolve(update, withdrawn=NLRI(), announced=NLRI()), negotiated)[23:]
    pieces = []
    for flags, code, value in draw(st.permutations(list(split(block)))):
        low, long = draw(st.integers(0, 15)), draw(st.booleans()) or len(value) > 0xFF
        length = uint16(len(value)) if long else bytes([len(value)])
        pieces.append(bytes([flags | low | 0x10 * long, code]) + length + value)
    return message(b"".join(pieces), update.announced.encode(), update.withdrawn.encode())


@given(st.data(), negotiated_sessions())
def test_an_odd_form_is_kept(data: st.DataObject, negotiated: Negotiated) -> None:
    octets = data.draw(written_oddly(negotiated))
    update = read(octets, negotiated)
    assert update.faults == ()
    if len(octets) <= 4096 or negotiated.extended_message:
        assert encode(update, negotiated) == octets
    # In a form of our own it means the same.
    assert read(encode(attrs.evolve(update), negotiated), negotiated) == update


def test_a_form_is_kept_but_not_compared() -> None:
    odd = message("400304 c0000201 5f020006 02010000fc00 430101 00", PREFIX)
    update, usual = read(odd), read(message(ATTRIBUTES, PREFIX))
    assert update == usual
    assert hash(update) == hash(usual)
    assert repr(update) == repr(usual)
    assert encode(update, NEGOTIATED) == odd
    assert encode(attrs.evolve(update), NEGOTIATED) == message(ATTRIBUTES, PREFIX)


def test_routes_in_the_middle_of_the_attributes() -> None:
    for block in ("400101 00" + REACH + UNREACH + "400206 02010000fc00", WITHOUT_HOP + UNREACH + REACH):
        update = read(message(block))
        assert update == Update(attributes=ROUTE.evolve(next_hop=None), mp_reach=SIX, mp_unreach=GONE)
        assert encode(update, NEGOTIATED) == message(block)
    assert read(message(UNREACH + REACH + WITHOUT_HOP)).mp_unreach == GONE


def test_routes_with_a_long_length() -> None:
    block = REACH.replace("800e1a", "900e001a") + WITHOUT_HOP
    assert read(message(block)).mp_reach == SIX
    many = MPUnreach([f"2001:db8:{n:x}::/48" for n in range(64)])
    octets = encode(Update(mp_unreach=many), NEGOTIATED)
    assert octets[23:27] == bytes.fromhex("900f") + uint16(3 + 64 * 7)
    assert read(octets).mp_unreach == many


def test_bits_after_the_length_of_a_prefix() -> None:
    # RFC 4271 4.3: they mean nothing; among the attributes they stay.
    update = read(message(ATTRIBUTES, "14 c0002f", "09 ffff"))
    assert update == Update(announced=["192.0.32.0/20"], withdrawn=["255.128.0.0/9"], attributes=ROUTE)
    assert encode(update, NEGOTIATED) == message(ATTRIBUTES, "14 c00020", "09 ff80")
    odd = message("800f05 0002 01 09 ffff".replace("f05", "f06"))
    assert read(odd).mp_unreach == MPUnreach(["ff80::/9"])
    assert encode(read(odd), NEGOTIATED) == odd


def test_a_form_belongs_to_an_as_width() -> None:
    narrow = message("400304 c0000201 400101 00 400204 0201 fc00", PREFIX)
    update = read(narrow, TWO_OCTETS)
    assert encode(update, TWO_OCTETS) == narrow
    assert encode(update, NEGOTIATED) == message(ATTRIBUTES, PREFIX)
    assert encode(read(message(ATTRIBUTES, PREFIX)), TWO_OCTETS)[23:] == bytes.fromhex(
        "400101 00 400204 0201 fc00 400304 c0000201" + PREFIX
    )


def test_a_changed_update_has_a_form_of_its_own() -> None:
    update = read(message(REACH + WITHOUT_HOP))
    changed = attrs.evolve(update, attributes=update.attributes.evolve(med=5))
    assert encode(changed, NEGOTIATED) == message(REACH + WITHOUT_HOP + "800404 00000005")


def test_what_was_malformed_does_not_leave() -> None:
    update = read(message(ATTRIBUTES + "400601 00" + "800e04 0002 01 00", PREFIX))
    assert encode(update, NEGOTIATED) == message(ATTRIBUTES, PREFIX)


# RFC 6793: OLD speakers.


def test_wide_numbers_travel_beside_narrow_ones() -> None:
    attributes = PathAttributes(
        as_path="64512 70000 {70001}", aggregator=Aggregator(70000, "192.0.2.1"), communities=[1]
    )
    octets = message(
        "40020a 0202 fc00 5ba0 0101 5ba0"
        "c00706 5ba0 c0000201"
        "c00804 00000001"
        "c01110 0202 0000fc00 00011170 0101 00011171"
        "c01208 00011170 c0000201"
    )
    assert encode(Update(attributes=attributes), TWO_OCTETS) == octets
    assert read(octets, TWO_OCTETS) == Update(attributes=attributes)


def test_narrow_numbers_travel_alone() -> None:
    attributes = PathAttributes(as_path=[64512], aggregator=Aggregator(65535, "192.0.2.1"))
    octets = message("400204 0201 fc00 c00706 ffff c0000201")
    assert encode(Update(attributes=attributes), TWO_OCTETS) == octets
    assert read(octets, TWO_OCTETS) == Update(attributes=attributes)
    assert encode(Update(attributes=PathAttributes(med=5)), TWO_OCTETS) == message("800404 00000005")


def test_members_of_a_confederation_stay_out_of_as4_path() -> None:
    attributes = PathAttributes(as_path="(64512) 70000")
    octets = message("400208 0301 fc00 0201 5ba0 c01106 0201 00011170")
    assert encode(Update(attributes=attributes), TWO_OCTETS) == octets
    # A path of narrow numbers needs none, even if a member's number is wide (RFC 6793 4.2.2).
    only_member = PathAttributes(as_path="(70000) 64512")
    assert encode(Update(attributes=only_member), TWO_OCTETS) == message("400208 0301 5ba0 0201 fc00")


def test_the_partial_bit_travels_with_the_true_aggregator() -> None:
    attributes = PathAttributes(aggregator=Aggregator(70000, "192.0.2.1"), partial=[7])
    octets = encode(Update(attributes=attributes), TWO_OCTETS)
    assert octets == message("e00706 5ba0 c0000201 e01208 00011170 c0000201")
    assert read(octets, TWO_OCTETS).attributes == attributes


@given(st.data(), st.sampled_from(PeerType))
def test_wide_numbers_come_through_an_old_speaker(data: st.DataObject, peer_type: PeerType) -> None:
    new = Negotiated(four_octet_as=True, peer_type=peer_type)
    old = Negotiated(four_octet_as=False, peer_type=peer_type)
    attributes = data.draw(path_attributes(new))
    assert attributes.as_path is not None
    path = attributes.as_path.without_confederations()
    if peer_type is not PeerType.CONFEDERATION:
        attributes = attributes.evolve(as_path=path)
    received = read(encode(Update(attributes=attributes), old), old)
    assert received.faults == ()
    assert received.attributes.as_path is not None
    # Neighbouring sequences may have melted into one.
    assert received.attributes.as_path.without_confederations().asns == path.asns
    assert received.attributes.aggregator == attributes.aggregator
    assert received.attributes.evolve(as_path=None) == attributes.evolve(as_path=None)


# What does not fit.


def test_an_update_that_does_not_fit() -> None:
    prefixes = [f"10.{high}.{low}.0/24" for high in range(16) for low in range(64)]
    update = Update(announced=prefixes, attributes=ROUTE)
    with pytest.raises(LocalError, match="UPDATE of 4139 octets, at most 4096 fit"):
        encode(update, NEGOTIATED)
    assert read(encode(update, EXTENDED), EXTENDED) == update


@pytest.mark.parametrize(
    "update",
    [
        Update(withdrawn=NLRI.from_wire([b"\x18\x0a\0\0"] * 16384)),
        Update(attributes=PathAttributes(unknown=[UnknownAttribute(0x80, code, bytes(40000)) for code in (99, 100)])),
    ],
    ids=["withdrawn", "attributes"],
)  # fmt: skip
def test_lengths_that_have_no_room(update: Update) -> None:
    with pytest.raises(LocalError, match="UPDATE of more than 65535 octets"):
        encode(update, EXTENDED)


def test_an_attribute_that_has_no_room() -> None:
    routes = NLRI.from_wire([b"\x18\x20\x01\x0d"] * 16384, IPV6_UNICAST)
    with pytest.raises(LocalError, match="attribute 15 of 65539 octets, at most 65535 fit"):
        encode(Update(mp_unreach=MPUnreach(routes)), EXTENDED)


@pytest.mark.parametrize(
    ("update", "negotiated", "message"),
    [
        (Update(announced=["10.0.0.0/8"]), PATHS, "NLRI of ipv4 unicast without path identifiers"),
        (Update(withdrawn=[Path("10.0.0.0/8", 1)]), NEGOTIATED, "NLRI of ipv4 unicast with path identifiers"),
        (
            Update(mp_reach=MPReach([Path("2001:db8::/32", 1)], "2001:db8::1")),
            PATHS,
            "with path identifiers, this session is without",
        ),
        (
            Update(mp_unreach=MPUnreach([Path("2001:db8::/32", 1)])),
            NEGOTIATED,
            "with path identifiers, this session is without",
        ),
    ],
)
def test_path_identifiers_have_to_be_negotiated(update: Update, negotiated: Negotiated, message: str) -> None:
    with pytest.raises(LocalError, match=message):
        encode(update, negotiated)


def test_a_received_update_needs_the_same_path_identifiers() -> None:
    v6 = Negotiated(four_octet_as=True, add_path_receive={IPV6_UNICAST}, add_path_send={IPV6_UNICAST})
    update = read(message("800f0c 0002 01 00000007 20 20010db8"), v6)
    assert encode(update, v6) == message("800f0c 0002 01 00000007 20 20010db8")
    with pytest.raises(LocalError, match="with path identifiers, this session is without"):
        encode(update, NEGOTIATED)


def test_unknown_families_have_their_identifiers_inside() -> None:
    both = Negotiated(four_octet_as=True, add_path_receive={EVPN}, add_path_send={EVPN})
    update = Update(mp_unreach=MPUnreach([OpaqueNLRI(EVPN, b"\0\0\0\7\0")]))
    for negotiated in (both, NEGOTIATED):
        assert read(encode(update, negotiated), negotiated) == update


# Any octets.


def withstand(octets: bytes, negotiated: Negotiated) -> None:
    """Check that octets are an UPDATE that can be used, or an error of the peer's."""
    try:
        update = read(octets, negotiated)
    except PeerError:
        return
    assert hash(update) == hash(decode(octets, negotiated))
    assert update == decode(octets, negotiated)
    assert repr(update)
    assert str(list(update.announced) + list(update.withdrawn))
    assert str([list(part.nlri) for part in (update.mp_reach, update.mp_unreach) if part])
    again = read(encode(update, negotiated), negotiated)
    assert again.attributes == update.attributes
    if not update.faults:
        assert again == update
        assert len(encode(update, negotiated)) == len(octets)


@given(st.binary(max_size=40), st.binary(max_size=60), st.binary(max_size=20), negotiated_sessions())
def test_any_octets(withdrawn: bytes, block: bytes, nlri: bytes, negotiated: Negotiated) -> None:
    withstand(message(block, nlri, withdrawn), negotiated)
    withstand(message(b"", b"", withdrawn + nlri), negotiated)


@given(
    st.lists(st.tuples(st.integers(0, 255), st.integers(0, 40), st.binary(max_size=24)), max_size=5),
    st.sampled_from([b"", b"\0", b"\x08\x0a"]),
    negotiated_sessions(),
)
def test_any_attributes(
    attributes: list[tuple[int, int, bytes]], nlri: bytes, negotiated: Negotiated
) -> None:
    block = b"".join(encode_attribute(flags & 0xE0, code, value) for flags, code, value in attributes)
    withstand(message(block, nlri), negotiated)


@given(st.data(), negotiated_sessions(), st.sampled_from(list(PeerType)))
def test_a_damaged_update(data: st.DataObject, negotiated: Negotiated, peer_type: PeerType) -> None:
    body = bytearray(encode(data.draw(updates(negotiated)), negotiated)[19:])
    for place, octet in data.draw(st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), max_size=3)):
        body[place % len(body)] = octet
    body = body[: data.draw(st.just(len(body)) | st.integers(4, len(body)))]
    # The receiver may be in another mind about the session, too.
    withstand(MARKER + uint16(19 + len(body)) + b"\x02" + body, attrs.evolve(negotiated, peer_type=peer_type))


@given(st.data(), negotiated_sessions())
def test_routes_anywhere_among_the_attributes(data: st.DataObject, negotiated: Negotiated) -> None:
    reach, unreach = data.draw(mp_reaches(negotiated)), data.draw(mp_unreaches(negotiated))
    pieces = [bytes.fromhex(item) for item in ("400101 00", "400200", "c00804 00000001", "400504 00000064")]
    pieces.append(encode_attribute(0x80, 14, encode_reach(reach)))
    pieces.append(encode_attribute(0x80, 15, encode_unreach(unreach)))
    block = b"".join(data.draw(st.permutations(pieces)))
    update = read(message(block), negotiated)
    assert (update.mp_reach, update.mp_unreach) == (reach, unreach)
    assert update.attributes.communities
    withstand(message(block), negotiated)
    odd = data.draw(st.sampled_from(["400101 07", "40", "800eff", "c06300", "800e00", "400f00"]))
    withstand(message(block + bytes.fromhex(odd)), negotiated)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("announced", "10.0.0.0/8", "NLRI '10.0.0.0/8', must be a list"),
        ("withdrawn", 5, "NLRI 5, must be a list"),
        ("attributes", None, "attributes None, must be PathAttributes"),
        ("mp_reach", 5, "mp_reach 5, must be MPReach or None"),
        ("mp_unreach", 5, "mp_unreach 5, must be MPUnreach or None"),
        ("faults", [5], "faults 5, must be Fault"),
    ],
)
def test_refuses_parts_of_other_types(field: str, value: object, message: str) -> None:
    values: Any = {field: value}
    with pytest.raises(LocalError, match=message):
        Update(**values)
