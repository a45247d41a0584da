"""Who has this address, and does that station still answer: questions by ARP and neighbour discovery, without I/O."""

from ipaddress import IPv4Address, IPv6Address

import attrs

from arp.addresses import station
from arp.ethernet import MACAddress
from arp.outputs import SendFrame


@attrs.frozen(kw_only=True)
class Answer:
    """A station answered a question."""

    question: int
    """The number that `Prober.ask` gave."""
    address: IPv4Address | IPv6Address
    """The address that was asked for."""
    mac: MACAddress
    """The station that says it has it."""
    elapsed: float
    """Seconds from the question to this answer."""


@attrs.define(eq=False)
class Prober:
    """The questions of one interface."""

    mac: MACAddress = attrs.field(converter=station)
    link_local: IPv6Address | None = None

    def ask(
        self,
        address: IPv4Address | IPv6Address | str,
        now: float,
        *,
        mac: MACAddress | str | None = None,
        timeout: float = 1.0,
    ) -> tuple[int, list[SendFrame]]:
        """Ask who has an address."""
        raise NotImplementedError

    def cancel(self, question: int) -> None:
        """Forget a question."""
        raise NotImplementedError

    def receive_frame(self, frame: bytes, now: float) -> list[Answer]:
        """Judge a frame."""
        raise NotImplementedError

    def next_timeout(self) -> float | None:
        """Tell when to call `handle_timeout` next."""
        raise NotImplementedError

    def handle_timeout(self, now: float) -> list[int]:
        """Give the questions that are over."""
        raise NotImplementedError

    @property
    def busy(self) -> bool:
        """Whether a question is open."""
        raise NotImplementedError

    @property
    def addresses(self) -> frozenset[IPv4Address | IPv6Address]:
        """The addresses that are asked for."""
        raise NotImplementedError
