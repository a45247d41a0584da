"""The kernel packet filters of an interface: classic BPF programs that pass what somebody here wants to know.

They run in the kernel for each frame, so a busy segment costs this process nothing unless somebody speaks of its
addresses. They also settle what the octets of a frame cannot tell:

- *VLANs.* The kernel takes a VLAN tag off before it looks for receivers, and hands the frame of a VLAN's interface to
  sockets on the parent as well. By then neither the octets nor PACKET_AUXDATA show the tag. What shows is the
  frame's interface, which is the VLAN's and not the parent's, or, if no interface has that VLAN, its type, which is
  PACKET_OTHERHOST. So both are compared here, and a tag that is still there (switch drivers of DSA) is refused.
  Tag 0 carries a priority only; the kernel treats its frames as untagged, and so do we.
- *Direction.* Frames that this host sends have the type PACKET_OUTGOING.

*Addresses.* Classic BPF has neither loops nor tables, so a binary search is written out. Consecutive addresses are one
range of it. Where there are more ranges than fit in a program, those with the smallest gaps between them are joined
until they fit; what passes then is a little more than what is wanted, and never less. Addresses of IPv6 are four words,
searched one after the other.

A program has at most 1200 instructions. The kernel has room for 4096; but it charges them, about doubled by its own
translation, against net.core.optmem_max, which was 20 KiB until Linux 6.8.

A program is a value, plain octets: an array of `struct sock_filter` in native byte order, 8 octets each, for
SO_ATTACH_FILTER. So it can be tried without a kernel.
"""

import struct
from collections.abc import Callable, Iterable
from heapq import nlargest
from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise

import attrs

from arp.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV6
from arp.ipv6 import ICMPV6
from arp.ndp import NDPType

MOST_INSTRUCTIONS = 1200
"""The length of a program, at most."""
_MOST_RANGES = 256

# linux/bpf_common.h: operation codes.
_LOAD_WORD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_LOAD_HALF = 0x28  # BPF_LD | BPF_H | BPF_ABS
_LOAD_BYTE = 0x30  # BPF_LD | BPF_B | BPF_ABS
_JUMP = 0x05  # BPF_JMP | BPF_JA
_JUMP_IF_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JUMP_IF_GREATER = 0x25  # BPF_JMP | BPF_JGT | BPF_K
_JUMP_UNLESS_LESS = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K
_LONGEST_BRANCH = 0xFF  # of a jump with a condition
_INSTRUCTION = struct.Struct("=HBBI")  # struct sock_filter: code, jump if true, jump if false, operand

# linux/filter.h: loads from these offsets read what the kernel knows about the frame.
_ANCILLARY = 0xFFFFF000  # SKF_AD_OFF
_PACKET_TYPE = _ANCILLARY + 4  # SKF_AD_PKTTYPE
_INTERFACE_INDEX = _ANCILLARY + 8  # SKF_AD_IFINDEX
_VLAN_TAG_PRESENT = _ANCILLARY + 48  # SKF_AD_VLAN_TAG_PRESENT

# linux/if_packet.h: PACKET_HOST is 0; other stations and outgoing frames are above.
_PACKET_BROADCAST, _PACKET_MULTICAST = 1, 2
_WORD_BITS = 32

# Offsets of addresses in a frame.
_ARP_SENDER, _ARP_TARGET = 28, 38
_NDP_SOURCE, _NDP_TARGET = 22, 62
_REDIRECT = 137  # RFC 4861 4.5

Instruction = tuple[int, int, int, int]
Range = tuple[int, int]
"""The first and the last of consecutive addresses, as numbers."""
Address = IPv4Address | IPv6Address

_PASS: Instruction = (_RETURN, 0, 0, 0xFFFF)  # the whole frame
_REFUSE: Instruction = (_RETURN, 0, 0, 0)
_MISS: Instruction = (_JUMP, 0, 0, 0)  # to the end of the search; resolved there


@attrs.frozen(kw_only=True)
class Interest:
    """What is wanted from one interface."""

    index: int
    """The kernel's number for the interface."""
    owned: frozenset[Address] = frozenset()
    """Addresses to answer for: who asks for them, and who uses them."""
    asked: frozenset[Address] = frozenset()
    """Addresses that were asked for: who says to have them."""
    everything: bool = False
    """Whether all of ARP and neighbour discovery is wanted, whatever the addresses."""

    @property
    def has_ipv6(self) -> bool:
        """Whether anything of IPv6 is wanted."""
        return self.everything or any(address.version == 6 for address in self.owned | self.asked)


def arp_filter(interest: Interest) -> bytes:
    """Make the program that passes ARP for IPv4 over Ethernet, of any operation, that is of interest.

    It is, if the target is owned, or the sender is owned (a conflict) or was asked for.
    """
    head = [
        *_reaches_the_interface(interest.index, _PACKET_BROADCAST),
        *_must_be(_LOAD_HALF, 12, ETHERTYPE_ARP),
        *_must_be(_LOAD_WORD, 14, 0x0001_0800),  # hardware type 1, protocol type IPv4
        *_must_be(_LOAD_HALF, 18, 0x06_04),  # address lengths
    ]
    if interest.everything:
        return _assemble([*head, _PASS])
    target, sender = _ranges(interest.owned, 4), _ranges(interest.owned | interest.asked, 4)
    return _assemble_fitting(
        max(len(target), len(sender)),
        lambda most: [
            *head,
            *_search(_joined(target, most), _ARP_TARGET, 1),
            *_search(_joined(sender, most), _ARP_SENDER, 1),
            _REFUSE,
        ],
    )


def ndp_filter(interest: Interest) -> bytes:
    """Make the program that passes neighbour discovery (RFC 4861) that is of interest and comes from this link.

    It is a solicitation or advertisement whose target is owned or was asked for, or any message whose source is owned
    (a conflict). One behind an extension header is not found, nor understood by those who would judge it.
    """
    head = [
        *_reaches_the_interface(interest.index, _PACKET_MULTICAST),
        *_must_be(_LOAD_HALF, 12, ETHERTYPE_IPV6),
        *_must_be(
            _LOAD_HALF, 20, ICMPV6 << 8 | 255
        ),  # next header, and the hop limit of a neighbour (RFC 4861 7.1)
        *_must_be(_LOAD_BYTE, 55, 0),  # code
        *_must_be_between(_LOAD_BYTE, 54, NDPType.ROUTER_SOLICITATION, _REDIRECT),
    ]
    if interest.everything:
        return _assemble([*head, _PASS])
    source, target = _ranges(interest.owned, 6), _ranges(interest.owned | interest.asked, 6)
    has_target = _must_be_between(
        _LOAD_BYTE, 54, NDPType.NEIGHBOR_SOLICITATION, NDPType.NEIGHBOR_ADVERTISEMENT
    )
    return _assemble_fitting(
        max(len(source), len(target)),
        lambda most: [
            *head,
            *_search(_joined(source, most), _NDP_SOURCE, 4),
            *has_target,
            *_search(_joined(target, most), _NDP_TARGET, 4),
            _REFUSE,
        ],
    )


def _reaches_the_interface(index: int, highest_type: int) -> list[Instruction]:
    return [
        *_must_be_between(_LOAD_WORD, _PACKET_TYPE, 0, highest_type),
        *_must_be(_LOAD_WORD, _INTERFACE_INDEX, index),
        *_must_be(_LOAD_WORD, _VLAN_TAG_PRESENT, 0),
    ]


def _must_be(load: int, offset: int, value: int) -> list[Instruction]:
    return [(load, 0, 0, offset), (_JUMP_IF_EQUAL, 1, 0, value), _REFUSE]


def _must_be_between(load: int, offset: int, low: int, high: int) -> list[Instruction]:
    return [
        (load, 0, 0, offset),
        (_JUMP_UNLESS_LESS, 1, 0, low),
        _REFUSE,
        (_JUMP_IF_GREATER, 0, 1, high),
        _REFUSE,
    ]


def _ranges(addresses: Iterable[Address], version: int) -> list[Range]:
    """Give the addresses of a version as ranges, in order, with gaps between them."""
    found: list[Range] = []
    for number in sorted(int(address) for address in addresses if address.version == version):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _joined(ranges: list[Range], most: int) -> list[Range]:
    """Join ranges, over the smallest gaps first, until there are no more than so many."""
    if len(ranges) <= most:
        return ranges
    widest = nlargest(most - 1, range(1, len(ranges)), key=lambda at: ranges[at][0] - ranges[at - 1][1])
    starts = [0, *sorted(widest), len(ranges)]
    return [(ranges[start][0], ranges[end - 1][1]) for start, end in pairwise(starts)]


def _search(ranges: list[Range], offset: int, words: int) -> list[Instruction]:
    """Pass the frame if the address at an offset is in a range; go on after these instructions if not."""
    code = _search_words(ranges, offset, words) if ranges else []
    return [(_JUMP, 0, 0, len(code) - at - 1) if code[at] == _MISS else code[at] for at in range(len(code))]


def _search_words(ranges: list[Range], offset: int, words: int) -> list[Instruction]:
    pieces = _by_first_word(ranges, words)
    first = pieces[0]
    if len(pieces) == 1 and first.low == first.high:
        test, found = (_JUMP_IF_EQUAL, 1, 0, first.low), _found(first, offset, words)
    else:
        test, found = (_JUMP_UNLESS_LESS, 1, 0, first.low), _tree(pieces, offset, words)
    return [(_LOAD_WORD, 0, 0, offset), test, _MISS, *found]


@attrs.define
class _Piece:
    """What to do for the words from low to high: look at the ranges of what follows; without such, it is a hit."""

    low: int
    high: int
    rest: list[Range]


def _by_first_word(ranges: list[Range], words: int) -> list[_Piece]:
    bits = _WORD_BITS * (words - 1)
    if not bits:
        return [_Piece(low, high, []) for low, high in ranges]
    pieces: list[_Piece] = []
    last = (1 << bits) - 1
    for low, high in ranges:
        first, end = low >> bits, high >> bits
        if pieces and pieces[-1].high == first:
            pieces[-1].rest.append((low & last, high & last if first == end else last))
        else:
            pieces.append(_Piece(first, first, [(low & last, high & last if first == end else last)]))
        if first < end - 1:
            pieces.append(_Piece(first + 1, end - 1, []))
        if first < end:
            pieces.append(_Piece(end, end, [(0, high & last)]))
    return pieces


def _tree(pieces: list[_Piece], offset: int, words: int) -> list[Instruction]:
    """Search among pieces for the word in the accumulator, which is not below the first of them."""
    if len(pieces) == 1:
        return [(_JUMP_IF_GREATER, 0, 1, pieces[0].high), _MISS, *_found(pieces[0], offset, words)]
    middle = len(pieces) // 2
    left, right = _tree(pieces[:middle], offset, words), _tree(pieces[middle:], offset, words)
    pivot = pieces[middle].low
    if len(left) <= _LONGEST_BRANCH:
        return [(_JUMP_UNLESS_LESS, len(left), 0, pivot), *left, *right]
    return [(_JUMP_UNLESS_LESS, 0, 1, pivot), (_JUMP, 0, 0, len(left)), *left, *right]


def _found(piece: _Piece, offset: int, words: int) -> list[Instruction]:
    return _search_words(piece.rest, offset + 4, words - 1) if piece.rest else [_PASS]


def _assemble_fitting(count: int, make: Callable[[int], list[Instruction]]) -> bytes:
    """Assemble the program that `make` gives for so many ranges, or for about as many as leave it short enough."""
    most = min(count, _MOST_RANGES)
    while len(program := make(most)) > MOST_INSTRUCTIONS:
        most = min(most - 1, most * MOST_INSTRUCTIONS // len(program))
    return _assemble(program)


def _assemble(program: list[Instruction]) -> bytes:
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in program)
