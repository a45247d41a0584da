"""The questions of an interface, and the coroutines that wait for their answers."""

import asyncio
from ipaddress import IPv4Address, IPv6Address

import attrs

from arp.errors import InterfaceError
from arp.ethernet import MACAddress
from arp.outputs import SendFrame
from arp.prober import Answer, Prober

__all__ = ["Asker", "Pending"]

_MOST_REMEMBERED = 64

Address = IPv4Address | IPv6Address


@attrs.define(eq=False)
class Pending:
    """A question that somebody waits for."""

    number: int
    """The prober's number for it."""
    over: asyncio.Future[None]
    """Done when no more answers are expected."""
    first_is_enough: bool
    """Whether that is after the first one."""
    answers: list[Answer] = attrs.field(factory=list)
    """The answers so far."""

    def end(self, error: InterfaceError | None = None) -> None:
        """Wake who waits, with an error if one is given. Nothing happens the second time."""
        if self.over.done():
            return
        if error is None:
            self.over.set_result(None)
        else:
            self.over.set_exception(error)


@attrs.define(eq=False)
class Asker:
    """A prober whose answers are awaited."""

    prober: Prober
    """Who puts the questions, and reads the answers."""
    loop: asyncio.AbstractEventLoop = attrs.field(repr=False)
    """The event loop."""
    addresses: frozenset[Address] = attrs.field(init=False, default=frozenset())
    """What was asked for, for a filter. Some old questions are among them: what is asked once is often asked again,
    and a filter takes longer to make than an answer to come."""
    _pending: dict[int, Pending] = attrs.field(init=False, factory=dict, repr=False)

    def ask(
        self, address: Address | str, mac: MACAddress | str | None, timeout: float
    ) -> tuple[Pending, list[SendFrame]]:
        """Begin a question, as `Prober.ask`: give what to pass to `wait_answers`, and what to send."""
        number, frames = self.prober.ask(address, self.loop.time(), mac=mac, timeout=timeout)
        pending = self._pending[number] = Pending(number, self.loop.create_future(), mac is not None)
        asked = self.prober.addresses
        if not asked <= self.addresses:
            self.addresses = asked | self.addresses if len(self.addresses) < _MOST_REMEMBERED else asked
        return pending, frames

    async def wait_answers(self, pending: Pending) -> list[Answer]:
        """Wait until a question is over; raise what `give_up` is called with."""
        try:
            await pending.over
        finally:
            self.prober.cancel(pending.number)
            del self._pending[pending.number]
        return pending.answers

    def receive_frame(self, frame: bytes, now: float) -> None:
        """Take the answers in a frame."""
        for answer in self.prober.receive_frame(frame, now):
            pending = self._pending[answer.question]
            pending.answers.append(answer)
            if pending.first_is_enough:
                pending.end()

    def next_timeout(self) -> float | None:
        """Tell when to call `handle_timeout` next; None if there is nothing to wait for."""
        return self.prober.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """End the questions whose time is over."""
        for number in self.prober.handle_timeout(now):
            self._pending[number].end()

    def give_up(self, error: InterfaceError) -> None:
        """End all questions with an error."""
        for pending in self._pending.values():
            pending.end(error)
