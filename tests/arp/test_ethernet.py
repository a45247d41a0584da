"""MAC addresses and Ethernet frames: what they accept, refuse, and carry unchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arp import BROADCAST, UNKNOWN, AddressError, DecodeError, EthernetFrame, LocalError, MACAddress
from arp.testing import ethernet_frames, mac_addresses

MAC = "02:00:00:00:00:01"


@pytest.mark.parametrize("value", [MAC, "02-00-00-00-00-01", bytes.fromhex("020000000001"), MACAddress(MAC)])
def test_a_mac_address_is_made_from_text_octets_or_another(value: str | bytes | MACAddress) -> None:
    assert MACAddress(value) == MACAddress(MAC)


@pytest.mark.parametrize(
    "value",
    ["", "02:00:00:00:00", MAC + ":02", "02:00-00:00:00:01", "0g:00:00:00:00:01", MAC + "\n", b"12345"],
)
def test_what_is_no_mac_address_is_refused_with_its_text(value: str | bytes) -> None:
    with pytest.raises(AddressError) as raised:
        MACAddress(value)
    assert repr(value) in str(raised.value)


@given(mac_addresses())
def test_a_mac_address_prints_as_something_to_paste_back(mac: MACAddress) -> None:
    assert eval(repr(mac), {"MACAddress": MACAddress}) == mac
    assert MACAddress(str(mac)) == mac


def test_groups_and_the_unknown_address_tell_what_they_are() -> None:
    assert BROADCAST.is_multicast
    assert MACAddress("01:00:5e:00:00:01").is_multicast
    assert not MACAddress(MAC).is_multicast
    assert UNKNOWN.is_zero
    assert not MACAddress(MAC).is_zero


@given(ethernet_frames())
def test_a_frame_survives_the_round_trip(frame: EthernetFrame) -> None:
    assert EthernetFrame.decode(frame.encode()) == frame


@given(st.binary(max_size=80))
def test_any_octets_decode_to_themselves_or_raise_the_documented_error(data: bytes) -> None:
    try:
        frame = EthernetFrame.decode(data)
    except DecodeError:
        assert len(data) < 14 or data[12] < 6
    else:
        assert frame.encode() == data


@pytest.mark.parametrize(("length", "type_field"), [(13, "0806"), (14, "05ff")])
def test_a_short_frame_and_an_802_3_frame_are_refused(length: int, type_field: str) -> None:
    data = (bytes(12) + bytes.fromhex(type_field))[:length]
    with pytest.raises(DecodeError):
        EthernetFrame.decode(data)


@pytest.mark.parametrize("ethertype", [-1, 0x05FF, 0x10000])
def test_an_ethertype_out_of_range_cannot_be_built(ethertype: int) -> None:
    with pytest.raises(LocalError):
        EthernetFrame(destination=BROADCAST, source=MAC, ethertype=ethertype, payload=b"")
