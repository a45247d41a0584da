from typing import ClassVar

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp.attributes import PathAttributes
from bgp.errors import LocalError, UpdateError
from bgp.faults import Treatment
from bgp.iana import AttributeCode
from bgp.mrt.parts import Attributed, check_asn, encode_block, read_address
from bgp.multiprotocol import NextHop
from bgp.negotiated import Negotiated, PeerType
from bgp.testing import path_attributes
from bgp.values import any_address
from bgp.wire import Reader, WireError

SESSION = Negotiated(four_octet_as=True, peer_type=PeerType.INTERNAL)


@attrs.frozen
class Wide(Attributed):
    block: bytes
    _four_octet_as: ClassVar[bool] = True


@attrs.frozen
class Narrow(Attributed):
    block: bytes
    _four_octet_as: ClassVar[bool] = False


ORIGIN = b"\x40\x01\x01\x00"
PATH = b"\x40\x02\x06\x02\x01\x00\x01\x11\x70"
GLOBAL = bytes.fromhex("20010db8000000000000000000000001")


@given(path_attributes(SESSION))
def test_attributes_are_those_of_a_session_in_one_as(attributes: PathAttributes) -> None:
    entry = Wide(encode_block(attributes))
    assert entry.attributes == attributes
    assert entry.faults == ()
    assert attributes.next_hop is not None
    assert entry.next_hop == NextHop(attributes.next_hop)


@given(path_attributes(SESSION), st.sampled_from([NextHop("2001:db8::1"), NextHop("2001:db8::1", "fe80::1")]))
def test_a_next_hop_beside_them(attributes: PathAttributes, hop: NextHop) -> None:
    entry = Wide(encode_block(attributes, hop))
    assert (entry.attributes, entry.next_hop, entry.faults) == (attributes, hop, ())


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        (b"\x10" + GLOBAL, GLOBAL),
        (b"\x00\x02\x01\x10" + GLOBAL + b"\x00\x20\x20\x01\x0d\xb8", GLOBAL),
        (b"\x10" + GLOBAL[:4], GLOBAL[:4]),
        (b"\x00\x02\x01", b""),
        (b"", b""),
    ],
    ids=["shortened", "whole", "cut short", "whole and cut short", "empty"],
)
def test_mp_reach_nlri_as_dumps_have_it(value: bytes, octets: bytes) -> None:
    entry = Wide(ORIGIN + bytes([0x80, 14, len(value)]) + value + PATH)
    assert entry.next_hop is not None
    assert entry.next_hop.wire == octets
    assert entry.attributes == PathAttributes(origin=0, as_path=[70000])


def test_routes_of_the_router_itself() -> None:
    entry = Wide(ORIGIN + PATH + b"\x40\x03\x04" + bytes(4))  # as FRR writes them
    assert entry.attributes == PathAttributes(origin=0, as_path=[70000])
    assert str(entry.next_hop) == "0.0.0.0"
    assert entry.faults == ()
    assert (Wide(b"").next_hop, Wide(b"").faults) == (None, ())  # as BIRD does


def test_flags_are_those_that_the_code_asks_for() -> None:
    # BIRD 2.0.12 writes these two without flags.
    entry = Wide(ORIGIN + PATH + b"\x00\x03\x04\x0a\x00\x00\x01\x00\x05\x04\x00\x00\x00\x64")
    assert entry.attributes == PathAttributes(origin=0, as_path=[70000], next_hop="10.0.0.1", local_pref=100)
    assert entry.faults == ()
    partial = Wide(ORIGIN + PATH + b"\x60\x08\x04\x00\x01\x00\x02\xe0\xfa\x00")
    assert partial.attributes.partial == {AttributeCode.COMMUNITIES}
    assert [attribute.code for attribute in partial.attributes.unknown] == [250]


def test_withdrawals_have_no_place_among_them() -> None:
    entry = Wide(ORIGIN + b"\x80\x0f\x03\x00\x02\x01" + PATH)
    assert entry.attributes == PathAttributes(origin=0, as_path=[70000])
    assert entry.next_hop is None
    assert entry.faults == ()


def test_as_numbers_of_two_octets() -> None:
    block = ORIGIN + b"\x40\x02\x04\x02\x01\x5b\xa0" + b"\xc0\x11\x06\x02\x01\x00\x01\x11\x70"
    assert Narrow(block).attributes == PathAttributes(origin=0, as_path=[70000])


def test_a_list_cut_short() -> None:
    entry = Wide(ORIGIN + PATH[:-1])
    assert entry.attributes == PathAttributes(origin=0)
    (fault,) = entry.faults
    assert fault.treatment is Treatment.TREAT_AS_WITHDRAW
    assert fault.reason == "the list of attributes is cut short: 6 octets expected, 5 left"


def test_faults_are_told() -> None:
    entry = Wide(b"\x40\x01\x01\x07" + PATH)
    assert entry.attributes == PathAttributes(as_path=[70000])
    assert [fault.code for fault in entry.faults] == [AttributeCode.ORIGIN]


def test_what_would_end_a_session_is_raised() -> None:
    entry = Wide(b"\x40\xfa\x00")
    for name in ("attributes", "next_hop", "faults"):
        with pytest.raises(UpdateError, match="claims to be well-known"):
            getattr(entry, name)


@pytest.mark.parametrize(("afi", "text"), [(1, "192.0.2.1"), (2, "2001:db8::1")])
def test_addresses(afi: int, text: str) -> None:
    address = any_address(text)
    assert read_address(Reader(address.packed), afi) == address


def test_an_address_of_another_afi() -> None:
    with pytest.raises(WireError, match="AFI 3, must be 1 or 2"):
        read_address(Reader(bytes(16)), 3)


def test_as_numbers_have_to_fit() -> None:
    check_asn("asn", 70000, True)
    check_asn("asn", 65535, False)
    with pytest.raises(LocalError, match="asn 65536 in two octets, must be 0 to 65535"):
        check_asn("asn", 65536, False)
