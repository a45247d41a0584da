"""The packet filter, run on a small interpreter of the instructions that it uses (linux/filter.h)."""

import struct

from hypothesis import given

from arp import Operation, Responder
from arp.bpf import arp_request_filter
from arp.testing import frames

MAC = "02:00:00:00:00:01"
VIP = "203.0.113.7"
INDEX = 0x1234
REQUEST = bytes.fromhex(
    "ffffffffffff 020000000002 0806 0001080006040001 020000000002cb007101 000000000000cb007107"
)
ANCILLARY = {0xFFFFF004: "packet_type", 0xFFFFF008: "interface", 0xFFFFF030: "vlan"}


def passes(frame: bytes, *, packet_type: int = 1, interface: int = INDEX, vlan: int = 0) -> bool:
    """Run the filter as the kernel does: a load beyond the end of the frame refuses it."""
    known = {"packet_type": packet_type, "interface": interface, "vlan": vlan}
    program = list(struct.iter_unpack("=HBBI", arp_request_filter(INDEX)))
    counter = accumulator = 0
    while True:
        code, if_true, if_false, k = program[counter]
        counter += 1
        if code in (0x20, 0x28):
            size = 4 if code == 0x20 else 2
            if k not in ANCILLARY and k + size > len(frame):
                return False
            accumulator = (
                known[ANCILLARY[k]] if k in ANCILLARY else int.from_bytes(frame[k : k + size], "big")
            )
        elif code in (0x15, 0x25):
            counter += if_true if (accumulator == k if code == 0x15 else accumulator > k) else if_false
        else:
            assert code == 0x06
            return bool(k)


def test_a_request_that_reaches_the_interface_itself_passes() -> None:
    assert passes(REQUEST, packet_type=0)
    assert passes(REQUEST, packet_type=1)


def test_other_interfaces_vlans_stations_and_our_own_frames_do_not() -> None:
    assert not passes(REQUEST, interface=INDEX + 1)  # an interface for a VLAN on top of ours
    assert not passes(REQUEST, vlan=1)
    assert not any(passes(REQUEST, packet_type=packet_type) for packet_type in (2, 3, 4))


@given(frames(mac=MAC, addresses=[VIP]))
def test_it_passes_exactly_arp_requests_for_ipv4(frame: bytes) -> None:
    arp_for_ipv4 = frame[12:14] == b"\x08\x06" and frame[14:20] == REQUEST[14:20]
    request = len(frame) >= 22 and int.from_bytes(frame[20:22], "big") == Operation.REQUEST
    assert passes(frame) == (arp_for_ipv4 and request)


@given(frames(mac=MAC, addresses=[VIP]))
def test_nothing_that_would_be_answered_is_kept_back(frame: bytes) -> None:
    responder = Responder(mac=MAC)
    responder.add(VIP, now=0.0)
    responder.receive_frame(frame, now=0.1)
    if sum(responder.statistics.replies.values()):
        assert passes(frame)
