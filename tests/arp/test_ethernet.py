"""MAC addresses, VLAN tags and Ethernet frames: what they accept, refuse, and carry unchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import arp
from arp import (
    BROADCAST,
    C_TAG,
    S_TAG,
    UNKNOWN,
    AddressError,
    DecodeError,
    EthernetFrame,
    LocalError,
    MACAddress,
    VLANTag,
)
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
def test_a_frame_survives_the_round_trip_and_prints_as_something_to_paste_back(frame: EthernetFrame) -> None:
    assert EthernetFrame.decode(frame.encode()) == frame
    assert eval(repr(frame), vars(arp)) == frame


# IEEE 802.1ad: the provider's VLAN 5, then the customer's VLAN 0x123 with priority 6 and the drop bit, then ARP.
TWO_TAGS = bytes.fromhex("ffffffffffff 020000000001 88a80005 8100d123 0806 ab")


def frame(**changes: object) -> EthernetFrame:
    fields = {"destination": BROADCAST, "source": MAC, "ethertype": 0x0806, "payload": b"\xab"}
    return EthernetFrame(**(fields | changes))  # type: ignore[arg-type]  # tests pass what types forbid


def test_tags_have_the_octets_of_802_1q_the_outermost_first() -> None:
    customer = VLANTag(0x123, priority=6, drop_eligible=True)
    tagged = frame(tags=[VLANTag(5, protocol=S_TAG), customer])
    assert tagged.encode() == TWO_TAGS
    assert EthernetFrame.decode(TWO_TAGS) == tagged
    assert customer.protocol == C_TAG


@given(st.binary(max_size=80) | st.binary(max_size=12).map(lambda tail: TWO_TAGS[:-3] + tail))
def test_any_octets_decode_to_themselves_or_raise_the_documented_error(data: bytes) -> None:
    try:
        decoded = EthernetFrame.decode(data)
    except DecodeError:
        tagged = data[12:14] in (b"\x81\x00", b"\x88\xa8")
        assert tagged or len(data) < 14 or data[12] < 6
    else:
        assert decoded.encode() == data


@pytest.mark.parametrize("length", [0, 13])
def test_a_short_frame_is_refused(length: int) -> None:
    with pytest.raises(DecodeError, match=f"of {length} octets, the header alone has 14"):
        EthernetFrame.decode(TWO_TAGS[:length])


@pytest.mark.parametrize(("length", "tag"), [(14, 12), (17, 12), (18, 16), (21, 16)])
def test_a_frame_that_ends_within_a_tag_or_right_behind_it_is_refused(length: int, tag: int) -> None:
    with pytest.raises(
        DecodeError, match=f"of {length} octets, the VLAN tag at octet {tag} .* take {tag + 6}"
    ):
        EthernetFrame.decode(TWO_TAGS[:length])


@pytest.mark.parametrize("head", [TWO_TAGS[:12], TWO_TAGS[:16], TWO_TAGS[:20]])
def test_an_802_3_frame_is_refused_tagged_or_not(head: bytes) -> None:
    with pytest.raises(DecodeError, match="length 1535 "):
        EthernetFrame.decode(head + b"\x05\xff")
    assert EthernetFrame.decode(head + b"\x06\x00").ethertype == 0x0600


def test_the_tags_of_old_devices_are_ethertypes() -> None:
    data = TWO_TAGS[:12] + bytes.fromhex("9100 0005 0806")
    assert EthernetFrame.decode(data) == frame(ethertype=0x9100, payload=data[14:])


@pytest.mark.parametrize("ethertype", [-1, 0x05FF, 0x10000, C_TAG, S_TAG])
def test_an_ethertype_out_of_range_or_of_a_tag_cannot_be_built(ethertype: int) -> None:
    with pytest.raises(LocalError, match=f"EtherType {ethertype:#x}"):
        frame(ethertype=ethertype)


@pytest.mark.parametrize(
    "changes",
    [{"vlan": -1}, {"vlan": 4096}, {"priority": 8}, {"drop_eligible": 2}, {"protocol": 0x9100}],
)
def test_a_tag_out_of_range_cannot_be_built(changes: dict[str, int]) -> None:
    with pytest.raises(LocalError):
        VLANTag(**({"vlan": 5} | changes))  # type: ignore[arg-type]  # tests pass what types forbid


def test_tags_are_tags() -> None:
    with pytest.raises(LocalError, match="VLAN tags with 5 among them"):
        frame(tags=[5])
