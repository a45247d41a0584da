"""Who has this address, and does that station still answer: questions by ARP and Neighbor Discovery, without I/O.

    prober = arp.Prober(mac="02:00:00:00:00:01")
    question, frames = prober.ask("203.0.113.7", now=0.0)
    prober.receive_frame(frame, now=0.1)   # -> [Answer(question=1, address=…, mac=…, elapsed=0.1)]

A question goes to everyone, or to one station to find out whether that one answers. It is asked once: who wants to
allow for loss asks again. Any number may be open at once, also for the same address.

*No cache is touched.* An ARP question comes from 0.0.0.0, as probes do (RFC 5227 2.1.1): nobody learns from it, and
whoever has the address answers all the same. A solicitation comes from our link-local address if one is known.
Without one it comes from ::, and then the answer goes to all nodes (RFC 4861 7.2.4), where no one can tell it from
an announcement.

A station that is itself probing for the address takes a question from 0.0.0.0 or :: for a rival's (RFC 5227 2.1.1,
RFC 4862 5.4.3) and gives way. For responders of this package the remedy is to declare each other friends.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

import attrs

from arp.addresses import host_address, station
from arp.errors import DecodeError, LocalError
from arp.ethernet import BROADCAST, ETHERTYPE_ARP, ETHERTYPE_IPV6, UNKNOWN, EthernetFrame, MACAddress
from arp.ipv6 import UNSPECIFIED, group_mac, solicited_node_group
from arp.ndp import NeighborAdvertisement, NeighborSolicitation, decode_packet, encode_packet
from arp.options import SourceLinkLayerAddress, TargetLinkLayerAddress
from arp.outputs import SendFrame
from arp.packet import ARPPacket, Operation
from arp.values import ipv6_address

_MOST_ANSWERS = 256


@attrs.frozen(kw_only=True)
class Answer:
    """A station answered a question."""

    question: int
    """The number that `Prober.ask` gave."""
    address: IPv4Address | IPv6Address
    """The address that was asked for."""
    mac: MACAddress
    """The station that says that it has it."""
    elapsed: float
    """Seconds from the question to this answer."""


@attrs.define(eq=False)
class _Question:
    number: int
    address: IPv4Address | IPv6Address
    mac: MACAddress | None  # the one that is asked; None: everyone
    asked: float
    deadline: float
    answered: set[MACAddress] = attrs.field(factory=set)


def _source(value: IPv6Address | str | None) -> IPv6Address | None:
    return None if value is None else ipv6_address(value)


@attrs.define(eq=False, kw_only=True)
class Prober:
    """The questions of one interface.

    Every verb takes `now`, seconds of any monotonic clock. Send the frames that `ask` gives, hand over what
    arrives, and ask `next_timeout`. Raises `AddressError` when `mac` is not the address of a single station. Both
    addresses may be changed at any time; questions that are open are then not answered any more.
    """

    mac: MACAddress = attrs.field(converter=station)
    """The hardware address that questions come from."""
    link_local: IPv6Address | None = attrs.field(default=None, converter=_source)
    """The IPv6 address of the interface, from which solicitations come; None: from ::."""
    _questions: dict[int, _Question] = attrs.field(init=False, factory=dict, repr=False)
    _last: int = attrs.field(init=False, default=0, repr=False)

    @property
    def busy(self) -> bool:
        """Whether a question is open, so that frames are wanted."""
        return bool(self._questions)

    @property
    def addresses(self) -> frozenset[IPv4Address | IPv6Address]:
        """The addresses that are asked for, whose senders or targets a filter has to let pass."""
        return frozenset(question.address for question in self._questions.values())

    def ask(
        self,
        address: IPv4Address | IPv6Address | str,
        now: float,
        *,
        mac: MACAddress | str | None = None,
        timeout: float = 1.0,
    ) -> tuple[int, list[SendFrame]]:
        """Ask who has an address, everyone or the station `mac`: give the question's number, and what to send.

        A question to one station ends with its answer, every other one after `timeout` seconds. Raises
        `AddressError` for an address that no host can have and a MAC address of no station, `LocalError` for a
        timeout that is not above 0.
        """
        wanted, asked = host_address(address), None if mac is None else station(mac)
        if not 0 < timeout < float("inf"):
            raise LocalError(f"timeout {timeout!r}, must be a number of seconds above 0")
        self._last += 1
        self._questions[self._last] = _Question(self._last, wanted, asked, now, now + timeout)
        frame = self._question_frame(wanted, asked)
        return self._last, [SendFrame(frame.encode())]

    def cancel(self, question: int) -> None:
        """Forget a question. Nothing happens if it is over."""
        self._questions.pop(question, None)

    def receive_frame(self, frame: bytes, now: float) -> list[Answer]:
        """Give the answers in a frame, one for each open question about its address; never raises for its octets.

        A station answers a question once, and no more than 256 stations do.
        """
        if not self._questions:
            return []
        try:
            received = EthernetFrame.decode(frame)
            said = self._read(received)
        except DecodeError:
            return []
        if said is None or received.tags:
            return []
        address, mac = said
        if mac.is_multicast or mac.is_zero or self.mac in (mac, received.source):
            return []
        return list(self._answers(address, mac, now))

    def next_timeout(self) -> float | None:
        """Tell when to call `handle_timeout` next, on the clock of `now`; None if no question is open."""
        return min((question.deadline for question in self._questions.values()), default=None)

    def handle_timeout(self, now: float) -> list[int]:
        """Give the numbers of the questions whose time is over, in the order of asking."""
        over = [question.number for question in self._questions.values() if question.deadline <= now]
        for number in over:
            del self._questions[number]
        return over

    def _answers(self, address: IPv4Address | IPv6Address, mac: MACAddress, now: float) -> Iterator[Answer]:
        for question in list(self._questions.values()):
            if question.address != address or question.mac not in (None, mac):
                continue
            if mac in question.answered or len(question.answered) >= _MOST_ANSWERS:
                continue
            question.answered.add(mac)
            if question.mac is not None:
                self.cancel(question.number)
            yield Answer(question=question.number, address=address, mac=mac, elapsed=now - question.asked)

    def _read(self, frame: EthernetFrame) -> tuple[IPv4Address | IPv6Address, MACAddress] | None:
        """Read who says to us that it has which address."""
        if frame.ethertype == ETHERTYPE_ARP:
            packet = ARPPacket.decode(frame.payload)
            to_us = packet.operation == Operation.REPLY and packet.target_mac == self.mac
            return (packet.sender_ip, packet.sender_mac) if to_us else None
        if frame.ethertype != ETHERTYPE_IPV6:
            return None
        ipv6, message = decode_packet(frame.payload)
        if not isinstance(message, NeighborAdvertisement):
            return None
        if self.link_local is not None and (ipv6.destination != self.link_local or not message.solicited):
            return None
        told = (option.mac for option in message.options if isinstance(option, TargetLinkLayerAddress))
        return message.target, next(told, frame.source)

    def _question_frame(self, address: IPv4Address | IPv6Address, mac: MACAddress | None) -> EthernetFrame:
        if isinstance(address, IPv6Address):
            return self._solicitation(address, mac)
        return self._request(address, mac)

    def _request(self, address: IPv4Address, mac: MACAddress | None) -> EthernetFrame:
        packet = ARPPacket(
            operation=Operation.REQUEST,
            sender_mac=self.mac,
            sender_ip=IPv4Address(0),
            target_mac=UNKNOWN,
            target_ip=address,
        )
        return self._frame(mac or BROADCAST, ETHERTYPE_ARP, packet.encode())

    def _solicitation(self, address: IPv6Address, mac: MACAddress | None) -> EthernetFrame:
        group = solicited_node_group(address)
        if self.link_local is None:
            # RFC 4861 7.1.1: to a group, whomever the frame goes to (RFC 6085).
            packet = encode_packet(NeighborSolicitation(address), UNSPECIFIED, group)
        else:
            message = NeighborSolicitation(address, [SourceLinkLayerAddress(self.mac)])
            packet = encode_packet(message, self.link_local, group if mac is None else address)
        return self._frame(mac or group_mac(group), ETHERTYPE_IPV6, packet)

    def _frame(self, destination: MACAddress, ethertype: int, payload: bytes) -> EthernetFrame:
        return EthernetFrame(destination=destination, source=self.mac, ethertype=ethertype, payload=payload)
