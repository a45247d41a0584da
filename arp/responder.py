"""Answers ARP for a set of addresses that no interface holds, and announces them; one responder per interface.

It does no input or output and reads no clock: frames and the time go in, frames to send come out, and `next_timeout`
says when to call `handle_timeout`. `arp.interface` carries that out on a real interface; a test moves a variable.

What is answered (RFC 826 "Packet Reception", RFC 5227 2.5): a request for an owned address, sent to everyone or to
our own MAC address; probes, whose sender address is 0.0.0.0, among them. What is not answered has a `Reason`, and
each is counted. The rules apply in the order of the members of `Reason`, first match wins: first what cannot
be judged, then our own echo, then a conflict (RFC 5227 2.4 wants *any* packet watched for it, also a reply, also
one sent to somebody else), and only then whether it is a question, to us, about an address of ours.

What is announced: an address that is added, by a request and a reply whose sender and target are both the address,
sent to everyone (RFC 5944 4.6; the request is also the announcement of RFC 5227 2.3). Either alone is ignored by some
stacks. RFC 5227 sends two announcements two seconds apart; here they go out at once and then every
1.1 s for 5 s, as MetalLB does, because a take-over whose only two frames are lost leaves clients without service until
their caches expire. The odd interval steps over Linux's `locktime` of 1 s, in which a fresh neighbour entry resists
change.

The cost of a frame does not depend on how many addresses are owned: one dictionary lookup on four octets, and
a reply whose constant middle part was made when the address was added. `EthernetFrame` and `ARPPacket` say the same
things slower and more readably; tests hold this fast path to them. Deadlines are a heap, so an announcement
costs the logarithm.

Left out so far: IPv6 (NDP), probing before a claim and defence after it, periodic refresh.
"""

import heapq
import struct
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

import attrs

from arp.errors import AddressError
from arp.ethernet import BROADCAST, ETHERTYPE_ARP, UNKNOWN, EthernetFrame, MACAddress
from arp.outputs import Ignored, Output, Reason, SendFrame, Statistics
from arp.packet import IPV4_OVER_ETHERNET, ARPPacket, Operation

ANNOUNCE_INTERVAL = 1.1
"""Seconds between the announcements of an added address."""

ANNOUNCE_DURATION = 5.0
"""Seconds after its addition in which an address is announced."""

_FRAME = struct.Struct("!6s6sH6sH6s4s6s4s")  # Ethernet header, then the ARP packet
_ETHERTYPE = struct.Struct("!12xH")
_BROADCAST = BROADCAST.packed
_UNKNOWN = UNKNOWN.packed
_LIMITED_BROADCAST = IPv4Address("255.255.255.255")
_IGNORED = {reason: Ignored(reason) for reason in Reason}


def _station(value: MACAddress | str | bytes) -> MACAddress:
    mac = MACAddress(value)
    if mac.is_multicast or mac.is_zero:
        raise AddressError(f"{mac} is no station's own MAC address")
    return mac


@attrs.define(eq=False)
class _Claim:
    """An owned address and all that is the same in each frame about it."""

    address: IPv4Address
    reply: bytes  # what stands between the two copies of the asker's MAC address in a reply
    announcement: tuple[SendFrame, SendFrame]
    announce_until: float
    next_announcement: float
    replies: int = 0
    announcements: int = 0


@attrs.define(eq=False)
class Responder:
    """The owned addresses of one interface, and what to send for them.

    Every verb takes `now`, seconds of any monotonic clock, and returns what to do in the order to do it. Carry it out,
    then ask `next_timeout`. Raises `AddressError` when `mac` is not the address of a single station.
    """

    mac: MACAddress = attrs.field(converter=_station, on_setattr=attrs.setters.frozen)
    """The hardware address that is given as the answer, and that frames are sent from."""
    _claims: dict[bytes, _Claim] = attrs.field(init=False, factory=dict, repr=False)  # by packed address
    # Deadlines of announcements. An entry is void once its claim is gone or has moved on to another deadline.
    _schedule: list[tuple[float, bytes]] = attrs.field(init=False, factory=list, repr=False)
    _ignored: dict[Reason, int] = attrs.field(
        init=False, factory=lambda: dict.fromkeys(Reason, 0), repr=False
    )

    @property
    def addresses(self) -> frozenset[IPv4Address | IPv6Address]:
        """The owned addresses."""
        return frozenset(claim.address for claim in self._claims.values())

    @property
    def statistics(self) -> Statistics:
        """What has been counted until now."""
        claims = self._claims.values()
        return Statistics(
            ignored=dict(self._ignored),
            replies={claim.address: claim.replies for claim in claims},
            probes={},
            conflicts={},
            defences={},
            gratuitous={claim.address: claim.announcements for claim in claims},
        )

    def add(self, address: IPv4Address | IPv6Address | str, now: float) -> list[SendFrame]:
        """Own an address: answer for it, and announce it. Nothing happens if it is owned already.

        Raises `AddressError`, without any change, for what is no unicast IPv4 address (IPv6 is not supported by
        this version).
        """
        return self._claim(_ownable(address), now)

    def remove(self, address: IPv4Address | IPv6Address | str, now: float) -> list[SendFrame]:
        """Disown an address: fall silent about it. Nothing happens if it is not owned. Raises as `add` does."""
        self._claims.pop(_ownable(address).packed, None)
        return []

    def replace(self, addresses: Iterable[IPv4Address | IPv6Address | str], now: float) -> list[SendFrame]:
        """Own exactly these addresses: remove what is missing here, then add what is new; leave the rest alone.

        Raises as `add` does, and then nothing has changed.
        """
        wanted = {address.packed: address for address in map(_ownable, addresses)}
        for key in self._claims.keys() - wanted.keys():
            del self._claims[key]
        return [frame for address in wanted.values() for frame in self._claim(address, now)]

    def receive_frame(self, frame: bytes, now: float) -> list[Output]:
        """Judge a frame from the wire, any octets at all: the reply to send, or the reason for silence.

        Never raises for what a frame contains.
        """
        verdict = self._judge(frame)
        if isinstance(verdict, Reason):
            self._ignored[verdict] += 1
            return [_IGNORED[verdict]]
        return [SendFrame(verdict)]

    def next_timeout(self) -> float | None:
        """Tell when to call `handle_timeout` next, on the clock of `now`; None if there is nothing to wait for."""
        while self._schedule:
            due, key = self._schedule[0]
            claim = self._claims.get(key)
            if claim is not None and claim.next_announcement == due:
                return due
            heapq.heappop(self._schedule)
        return None

    def handle_timeout(self, now: float) -> list[SendFrame]:
        """Give the announcements that are due; none if called early."""
        frames: list[SendFrame] = []
        while (due := self.next_timeout()) is not None and due <= now:
            _, key = heapq.heappop(self._schedule)
            frames += self._announce(key, now)
        return frames

    def _claim(self, address: IPv4Address, now: float) -> list[SendFrame]:
        key = address.packed
        if key in self._claims:
            return []
        self._claims[key] = _Claim(
            address=address,
            reply=_reply_middle(self.mac.packed, key),
            announcement=_gratuitous_frames(self.mac, address),
            announce_until=now + ANNOUNCE_DURATION,
            next_announcement=now,
        )
        return list(self._announce(key, now))

    def _announce(self, key: bytes, now: float) -> tuple[SendFrame, SendFrame]:
        claim = self._claims[key]
        # Counted from now, not from the deadline: a caller that was held up must not send what it missed in a heap.
        claim.next_announcement = now + ANNOUNCE_INTERVAL
        if claim.next_announcement <= claim.announce_until:
            heapq.heappush(self._schedule, (claim.next_announcement, key))
        claim.announcements += len(claim.announcement)
        return claim.announcement

    def _judge(self, frame: bytes) -> bytes | Reason:
        if len(frame) < _FRAME.size:
            return _judge_short(frame)
        destination, source, ethertype, head, operation, sender_mac, sender, _, target = _FRAME.unpack_from(
            frame
        )
        ours = self.mac.packed
        if ethertype != ETHERTYPE_ARP:
            return Reason.OTHER_PROTOCOL
        if head != IPV4_OVER_ETHERNET:
            return Reason.NOT_IPV4
        if ours in (source, sender_mac):
            return Reason.OWN_FRAME
        if source[0] & 1 or sender_mac[0] & 1 or _UNKNOWN in (source, sender_mac):
            return Reason.BAD_SENDER
        if sender in self._claims:
            return Reason.CONFLICT
        if operation != Operation.REQUEST:
            return Reason.NOT_A_REQUEST
        if destination not in (_BROADCAST, ours):
            return Reason.NOT_TO_US
        claim = self._claims.get(target)
        if claim is None:
            return Reason.NOT_OURS
        claim.replies += 1
        return b"".join((sender_mac, claim.reply, sender_mac, sender))


def _ownable(value: IPv4Address | IPv6Address | str) -> IPv4Address:
    try:
        address = ip_address(value) if isinstance(value, str) else value
    except ValueError as error:
        raise AddressError(f"{value!r} is no IP address") from error
    if isinstance(address, IPv6Address):
        raise AddressError(f"IPv6 address {address} is not supported by this version")
    if not isinstance(address, IPv4Address):
        raise AddressError(f"{value!r} is no IP address")
    if address.is_multicast or address.is_unspecified or address.is_loopback or address == _LIMITED_BROADCAST:
        raise AddressError(f"{address} is no address that a host on the segment can own")
    return address


def _judge_short(frame: bytes) -> Reason:
    is_arp = len(frame) >= _ETHERTYPE.size and _ETHERTYPE.unpack_from(frame) == (ETHERTYPE_ARP,)
    return Reason.TRUNCATED if is_arp else Reason.OTHER_PROTOCOL


def _reply_middle(mac: bytes, address: bytes) -> bytes:
    ethertype, operation = ETHERTYPE_ARP.to_bytes(2, "big"), Operation.REPLY.to_bytes(2, "big")
    return mac + ethertype + IPV4_OVER_ETHERNET + operation + mac + address


def _gratuitous_frames(mac: MACAddress, address: IPv4Address) -> tuple[SendFrame, SendFrame]:
    return (
        _gratuitous_frame(
            Operation.REQUEST, mac, address, target_mac=UNKNOWN
        ),  # RFC 5227 2.3, 2.1.1: all zero
        _gratuitous_frame(Operation.REPLY, mac, address, target_mac=mac),  # RFC 5944 4.6: the sender's own
    )


def _gratuitous_frame(
    operation: Operation, mac: MACAddress, address: IPv4Address, target_mac: MACAddress
) -> SendFrame:
    packet = ARPPacket(
        operation=operation, sender_mac=mac, sender_ip=address, target_mac=target_mac, target_ip=address
    )
    frame = EthernetFrame(destination=BROADCAST, source=mac, ethertype=ETHERTYPE_ARP, payload=packet.encode())
    return SendFrame(frame.encode())
