"""The kernel packet filter for an interface: a classic BPF program that passes what the responder could answer.

It runs in the kernel for each frame, so a busy segment costs this process nothing unless somebody asks by ARP. It also
settles what the octets of a frame cannot tell:

- *VLANs.* The kernel takes a VLAN tag off before it looks for receivers, and hands the frame of a VLAN's interface to
  sockets on the parent as well. By then neither the octets nor PACKET_AUXDATA show the tag. What shows is the
  frame's interface, which is the VLAN's and not the parent's, or, if no interface has that VLAN, its type, which is
  PACKET_OTHERHOST. So both are compared here, and a tag that is still there (switch drivers of DSA) is refused.
  Tag 0 carries a priority only; the kernel treats its frames as untagged, and so do we.
- *Direction.* Frames that this host sends have the type PACKET_OUTGOING.

The program is made for one interface index. It is a value, plain octets, so that it can be tried without a kernel.
"""

import struct

from arp.ethernet import ETHERTYPE_ARP

# linux/bpf_common.h: operation codes.
_LOAD_WORD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_LOAD_HALF = 0x28  # BPF_LD | BPF_H | BPF_ABS
_JUMP_IF_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JUMP_IF_GREATER = 0x25  # BPF_JMP | BPF_JGT | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K

# linux/filter.h: loads from these offsets read what the kernel knows about the frame.
_ANCILLARY = 0xFFFFF000  # SKF_AD_OFF
_PACKET_TYPE = _ANCILLARY + 4  # SKF_AD_PKTTYPE
_INTERFACE_INDEX = _ANCILLARY + 8  # SKF_AD_IFINDEX
_VLAN_TAG_PRESENT = _ANCILLARY + 48  # SKF_AD_VLAN_TAG_PRESENT

# linux/if_packet.h: PACKET_HOST is 0; groups, other stations and outgoing frames are above.
_PACKET_BROADCAST = 1
_WHOLE_FRAME = 0xFFFF
_INSTRUCTION = struct.Struct("=HBBI")  # struct sock_filter


def arp_request_filter(interface_index: int) -> bytes:
    """Make the program that passes ARP requests for IPv4 over Ethernet that reach this interface itself.

    Gives an array of `struct sock_filter` in native byte order, 8 octets each, for SO_ATTACH_FILTER.
    """
    must_be_equal = (
        (_LOAD_WORD, _INTERFACE_INDEX, interface_index),
        (_LOAD_WORD, _VLAN_TAG_PRESENT, 0),
        (_LOAD_HALF, 12, ETHERTYPE_ARP),
        (_LOAD_WORD, 14, 0x0001_0800),  # hardware type 1, protocol type IPv4
        (_LOAD_WORD, 18, 0x06_04_0001),  # address lengths 6 and 4, operation request
    )
    # Each test is a load and a jump, when it fails, over the rest of the program to its end, which refuses.
    rest = 2 * len(must_be_equal) + 1
    program = _INSTRUCTION.pack(_LOAD_WORD, 0, 0, _PACKET_TYPE)
    program += _INSTRUCTION.pack(_JUMP_IF_GREATER, rest, 0, _PACKET_BROADCAST)
    for load, offset, value in must_be_equal:
        rest -= 2
        program += _INSTRUCTION.pack(load, 0, 0, offset) + _INSTRUCTION.pack(_JUMP_IF_EQUAL, 0, rest, value)
    return program + _INSTRUCTION.pack(_RETURN, 0, 0, _WHOLE_FRAME) + _INSTRUCTION.pack(_RETURN, 0, 0, 0)
