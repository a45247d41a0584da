"""What a frame says about owned addresses: a question, the use of one by its sender, or nothing that concerns us.

*A question* is (RFC 826 "Packet Reception", RFC 5227 2.5) an ARP request for an owned address, sent to everyone or
to our own MAC address; probes, whose sender address is 0.0.0.0, among them. And (RFC 4861 7.2.3) a neighbour
solicitation for one, sent to its solicited-node group, or to our MAC address and that group or the address itself.
The latter is how hosts find out whether a neighbour is still there; such a solicitation may lack the source
link-layer address, and then the answer goes where the frame came from (RFC 4861 7.2.4 would have us ask first).

*A use* is ARP whose sender address is owned (RFC 5227 2.4 wants *any* packet watched for it, also a reply, also one
sent to somebody else), an advertisement of an owned address, or another message of Neighbor Discovery from one. The
user is the station that the packet tells, or, where it does not, the Ethernet source.

The rules apply in the order of the members of `Reason`, and the first is whether the frame is about owned addresses
at all, which on a busy segment it hardly ever is. That costs a dictionary lookup for the sender and one for the
target, however many are owned. Two forms of solicitation, from a host's address with a source link-layer address
and nothing else, are read in place as well; everything else of Neighbor Discovery is left to the codecs. They say
the same slower and more readably, and tests hold this file to them.
"""

import struct
from collections.abc import Container
from typing import NamedTuple

from arp.errors import DecodeError
from arp.ethernet import BROADCAST, C_TAG, ETHERTYPE_ARP, ETHERTYPE_IPV6, S_TAG, UNKNOWN
from arp.ipv6 import ICMPV6, solicited_node_group
from arp.ndp import (
    HOP_LIMIT,
    NDPMessage,
    NDPType,
    NeighborAdvertisement,
    decode_packet,
)
from arp.options import Nonce, SourceLinkLayerAddress, TargetLinkLayerAddress
from arp.outputs import Reason
from arp.packet import IPV4_OVER_ETHERNET, Operation

_ARP_TYPE, _IPV6_TYPE = (ethertype.to_bytes(2, "big") for ethertype in (ETHERTYPE_ARP, ETHERTYPE_IPV6))
_TAG_TYPES = {tag.to_bytes(2, "big") for tag in (C_TAG, S_TAG)}
_ARP = struct.Struct("!6s6s2x6sH6s4s6s4s")  # Ethernet header, then the packet
_NDP = struct.Struct("!6s6s2xB3xHBB16s16sBB")  # Ethernet and IPv6 headers, then type and code
_MESSAGE = 54  # where an ICMPv6 message begins
_ADDRESSES, _NEXT_HEADER, _TARGET = 22, 20, 62
_SHORTEST, _SHORTEST_OF_NEIGHBORS = 8, 24  # RFC 4861 4.1; 4.3 and 4.4
_SOURCE_LINK_LAYER = b"\x01\x01"  # RFC 4861 4.6.1: an option's kind, and its length of 8 octets
_SOLICITATION, _ADVERTISEMENT = int(NDPType.NEIGHBOR_SOLICITATION), int(NDPType.NEIGHBOR_ADVERTISEMENT)
_REQUEST = int(Operation.REQUEST)
_NDP_TYPES = frozenset(map(int, NDPType))
_GROUP_START = solicited_node_group("::").packed[:13]
_GROUP_MAC_START = b"\x33\x33\xff"  # RFC 2464 7, of a solicited-node group
_BROADCAST, _UNKNOWN = BROADCAST.packed, UNKNOWN.packed
_UNSPECIFIED = bytes(16)


class Question(NamedTuple):
    """Somebody asks for an owned address, and wants to be answered."""

    key: bytes
    """The address, packed."""
    mac: bytes
    """The station that asks."""
    asker: bytes
    """Its address, packed; all zero if it probes for the address itself."""
    nonces: tuple[bytes, ...] = ()
    """Those of a probe (RFC 7527), by which we know our own."""


class Use(NamedTuple):
    """Somebody uses an owned address as its own."""

    key: bytes
    """The address, packed."""
    mac: bytes
    """The station that does."""


Reading = Question | Use | Reason
"""What was read: a question, a use, or why it is neither."""


def read(frame: bytes, ours: bytes, owned: Container[bytes]) -> Reading:
    """Read any octets at all, for a station with the MAC address `ours` and these packed addresses."""
    ethertype = frame[12:14]
    if ethertype == _ARP_TYPE:
        return _read_arp(frame, ours, owned)
    if ethertype == _IPV6_TYPE:
        return _read_ipv6(frame, ours, owned)
    return Reason.TAGGED if ethertype in _TAG_TYPES else Reason.OTHER_PROTOCOL


def _read_arp(frame: bytes, ours: bytes, owned: Container[bytes]) -> Reading:
    if len(frame) < _ARP.size:
        return Reason.TRUNCATED
    destination, source, head, operation, sender_mac, sender, _, target = _ARP.unpack_from(frame)
    if head != IPV4_OVER_ETHERNET:
        return Reason.NOT_IPV4
    used = sender in owned
    if not used and target not in owned:
        return Reason.NOT_OURS
    reason = _distrust(ours, source, sender_mac)
    if reason is not None:
        return reason
    if used:
        return Use(sender, sender_mac)
    if operation != _REQUEST:
        return Reason.NOT_A_REQUEST
    if destination != _BROADCAST and destination != ours:
        return Reason.NOT_TO_US
    return Question(target, sender_mac, sender)


def _read_ipv6(frame: bytes, ours: bytes, owned: Container[bytes]) -> Reading:
    if len(frame) < _MESSAGE + _SHORTEST:
        return _read_short(frame)
    destination, source, version, length, next_header, hop_limit, sender, receiver, kind, code = (
        _NDP.unpack_from(frame)
    )
    if next_header != ICMPV6 or kind not in _NDP_TYPES:
        return Reason.OTHER_PROTOCOL
    target = b""
    if kind in (_SOLICITATION, _ADVERTISEMENT):
        if len(frame) < _MESSAGE + _SHORTEST_OF_NEIGHBORS:
            return Reason.TRUNCATED
        target = frame[_TARGET : _MESSAGE + _SHORTEST_OF_NEIGHBORS]
    used = sender in owned
    if not used and target not in owned:
        return Reason.NOT_OURS
    plain = length == 24 or (length == 32 and frame[78:80] == _SOURCE_LINK_LAYER)
    if used or kind != _SOLICITATION or sender == _UNSPECIFIED or not plain:
        return _read_message(frame, ours, owned)
    end = _MESSAGE + length
    # RFC 4861 7.1.1. Adding 16-bit words with an end-around carry is arithmetic modulo 0xffff (RFC 1071 2).
    checksum = (int.from_bytes(frame[_ADDRESSES:end], "big") + length + ICMPV6) % 0xFFFF
    if (
        version >> 4 != 6
        or hop_limit != HOP_LIMIT
        or code
        or end > len(frame)
        or sender[0] == 0xFF
        or checksum
    ):
        return Reason.INVALID
    mac = frame[80:86] if length == 32 else source
    return _distrust(ours, source, mac) or _read_question(
        destination, ours, Question(target, mac, sender), receiver
    )


def _read_short(frame: bytes) -> Reason:
    told = frame[_NEXT_HEADER : _NEXT_HEADER + 1], frame[_MESSAGE : _MESSAGE + 1]
    could_be = told[0] in (b"", bytes([ICMPV6])) and (not told[1] or told[1][0] in _NDP_TYPES)
    return Reason.TRUNCATED if could_be else Reason.OTHER_PROTOCOL


def _read_message(frame: bytes, ours: bytes, owned: Container[bytes]) -> Reading:
    try:
        packet, message = decode_packet(frame[14:])
    except DecodeError:
        return Reason.INVALID
    destination, source = frame[0:6], frame[6:12]
    mac = _link_layer_address(message) or source
    reason = _distrust(ours, source, mac)
    if reason is not None:
        return reason
    if packet.source.packed in owned:
        return Use(packet.source.packed, mac)
    if isinstance(message, NeighborAdvertisement):
        return Use(message.target.packed, mac)
    nonces = tuple(option.nonce for option in message.options if isinstance(option, Nonce))
    question = Question(frame[_TARGET:78], mac, packet.source.packed, nonces)
    return _read_question(destination, ours, question, packet.destination.packed)


def _link_layer_address(message: NDPMessage) -> bytes | None:
    wanted = TargetLinkLayerAddress if isinstance(message, NeighborAdvertisement) else SourceLinkLayerAddress
    return next((option.mac.packed for option in message.options if isinstance(option, wanted)), None)


def _distrust(ours: bytes, source: bytes, mac: bytes) -> Reason | None:
    if mac == ours or source == ours:
        return Reason.OWN_FRAME
    # The two are one and the same in almost every frame.
    if mac[0] & 1 or mac == _UNKNOWN or (source != mac and (source[0] & 1 or source == _UNKNOWN)):
        return Reason.BAD_SENDER
    return None


def _read_question(destination: bytes, ours: bytes, question: Question, receiver: bytes) -> Reading:
    target = question.key
    to_group = receiver == _GROUP_START + target[13:]
    # RFC 6085: what goes to a group may be sent to one station.
    if destination == ours:
        to_us = to_group or receiver == target
    else:
        to_us = to_group and destination == _GROUP_MAC_START + target[13:]
    return question if to_us else Reason.NOT_TO_US
