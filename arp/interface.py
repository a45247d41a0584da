"""A responder on a network interface of Linux, with asyncio.

    async with Interface("eth0") as interface:
        interface.replace(["203.0.113.7", "2001:db8::7"])
        async for event in interface.events():
            print(event)

The driver is four steps and a timer: frames arrive, the responder judges them, what it returns is sent, the timer is
set to what it asks for. It knows no rule of ARP or Neighbor Discovery. What it has in the kernel is `arp.channel`.

*Answers* come from threads, which `arp.exchange` keeps apart from the event loop, so that nobody who asks has to wait
until the program has time. All that people call is to be called in the event loop, and all else is done there.

*Changes are carried out at the end of the turn* of the event loop in which they were made, all at once: first the
filter and the groups, so that nothing said in reply is missed, and then the frames. Thousands of groups or frames go
a few in each turn, lest those who ask have to wait.

*Sending* never waits. A frame for which there is no room is dropped and counted: ARP is made for loss, those who ask
repeat their question, and announcements are sent several times.

*The link* comes and goes. `arp.links` tells, and the responder falls silent, or announces everything again. An
interface that is made again under its old name is another one to the kernel, so the channel is made anew. An interface
that is part of a bridge or bond counts as down: the master takes its frames, and what we announced through it
would have the wrong MAC address. A VRF takes none.
"""

import asyncio
import logging
import random
import socket
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Self
from weakref import WeakSet

import attrs

from arp.addresses import host_address
from arp.asker import Asker
from arp.bpf import Interest
from arp.channel import Channel
from arp.errors import (
    InterfaceClosedError,
    InterfaceDownError,
    InterfaceError,
    InterfaceNotFoundError,
    LocalError,
    NotEthernetError,
)
from arp.ethernet import MACAddress
from arp.events import Event, InterfaceBack, InterfaceGone, LinkDown, LinkUp, MACChanged, State
from arp.exchange import Exchange, Left
from arp.links import InterfaceInfo, LinkWatcher, describe, list_interfaces
from arp.netlink import Link
from arp.outputs import ClaimState, Ignored, Output, SendFrame, Statistics
from arp.prober import Answer, Prober
from arp.responder import Responder
from arp.settings import Settings
from arp.stream import EventStream

__all__ = ["EventStream", "Interface", "InterfaceInfo", "list_interfaces"]

_log = logging.getLogger("arp")

_FRAMES_PER_TURN = 256
_GROUPS_PER_TURN = 64
_EVENTS = 4096

Address = IPv4Address | IPv6Address


@attrs.define(eq=False)
class _Opened:
    """What an interface has from `open` on."""

    loop: asyncio.AbstractEventLoop
    watcher: LinkWatcher
    channel: Channel  # closed while the interface is missing
    link: Link  # as last heard of, also once it is gone
    exchange: Exchange
    asker: Asker
    state: State
    groups: frozenset[IPv6Address] = frozenset()
    changed: bool = False  # whether the filter or the groups have to follow the owned addresses
    outbox: list[bytes] = attrs.field(factory=list)  # to be sent once they do
    turn_end: asyncio.Handle | None = None
    timer: asyncio.TimerHandle | None = None


@attrs.define(eq=False)
class Interface:
    """Answers and announces on one interface, from `open` to `close`; `async with` does both. It lives once.

    Addresses can be owned while the link is down or the interface is missing; they are announced once it is up.
    """

    name: str
    """Name of the interface, in the network namespace of the process."""
    _settings: Settings = attrs.field(factory=Settings, alias="settings")
    _opened: _Opened | None = attrs.field(init=False, default=None, repr=False)
    _closed: asyncio.Event = attrs.field(init=False, factory=asyncio.Event, repr=False)
    _error: InterfaceError | None = attrs.field(init=False, default=None, repr=False)
    _unsent: int = attrs.field(init=False, default=0)  # by channels that were replaced
    _streams: WeakSet[EventStream] = attrs.field(init=False, factory=WeakSet, repr=False)

    def open(self) -> None:
        """Start to answer; to be called in a running event loop. The link may be down.

        Raises `InterfaceNotFoundError`, `NotEthernetError`, `PrivilegeError` or, should the system have no more
        sockets, a plain `InterfaceError`, and then nothing is left open. Raises `LocalError` the second time.
        """
        if self._opened is not None:
            raise LocalError(f"{self.name}: was opened before; make another Interface")
        loop = asyncio.get_running_loop()
        watcher = LinkWatcher(self.name, self._follow)
        link = watcher.open()
        try:
            if link.mac is None or link.mac.is_zero or link.noarp:
                raise NotEthernetError(f"{self.name}: not an Ethernet interface with ARP")
            responder = Responder(
                mac=link.mac, interface=self.name, settings=self._settings, random=random.random
            )
            asker = Asker(Prober(mac=link.mac), loop)
            exchange = Exchange(responder, loop, self._collect, lambda: asker.prober.busy)
            channel = Channel(self.name, link.index, exchange)
            channel.open(Interest(index=link.index))
        except InterfaceError:
            watcher.close()
            raise
        opened = self._opened = _Opened(loop, watcher, channel, link, exchange, asker, State.UP)
        _log.info("%s: answering as %s", self.name, link.mac)
        if (obstacle := _obstacle(link)) is not None:
            self._fall_silent(opened, State.DOWN)
            _log.warning("%s: silent, since %s", self.name, obstacle)

    def close(self) -> None:
        """Send what is due, such as a farewell, fall silent and release everything. Nothing happens if not open."""
        if self._opened is None or self._closed.is_set():
            return
        opened = self._opened
        for frame in opened.outbox:
            opened.channel.send(frame)
        self._closed.set()
        for handle in (opened.turn_end, opened.timer):
            if handle is not None:
                handle.cancel()
        opened.channel.close()
        self._take(opened.exchange.collect(), opened)
        opened.watcher.close()
        opened.asker.give_up(InterfaceClosedError(f"{self.name}: closed"))
        for stream in self._streams:
            stream.close()
        _log.info("%s: closed", self.name)

    async def wait_closed(self) -> None:
        """Wait until closed: return after `close`; raise the `InterfaceError` from which there was no recovery.

        That is one of making sockets for an interface that has come back: the privilege has been given up, say.
        """
        await self._closed.wait()
        if self._error is not None:
            raise self._error

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether it was opened, and not closed since."""
        return self._opened is not None and not self._closed.is_set()

    @property
    def state(self) -> State:
        """Whether the interface can be used. Raises `InterfaceClosedError` before it is opened."""
        return self._require_opened().state

    @property
    def info(self) -> InterfaceInfo:
        """The interface as last heard of. Raises `InterfaceClosedError` before it is opened."""
        return describe(self._require_opened().link, _name_of)

    @property
    def addresses(self) -> frozenset[Address]:
        """The owned addresses. Raises `InterfaceClosedError` before it is opened."""
        return self._require_opened().exchange.responder.addresses

    @property
    def claims(self) -> Mapping[Address, ClaimState]:
        """The state of the claim to each owned address. Raises `InterfaceClosedError` before it is opened."""
        return self._require_opened().exchange.responder.claims

    @property
    def statistics(self) -> Statistics:
        """What the responder has counted; frames that the filter keeps from it are in no count.

        Raises `InterfaceClosedError` before the interface is opened.
        """
        return self._require_opened().exchange.responder.statistics

    @property
    def unsent(self) -> int:
        """Frames dropped because the kernel had no room for them, or the interface had just gone."""
        return self._unsent + (0 if self._opened is None else self._opened.channel.unsent)

    def add(self, address: Address | str) -> None:
        """Own an address and announce it, as `Responder.add`. Raises `InterfaceClosedError` if not open."""
        opened = self._require_open()
        with opened.exchange as responder:
            outputs = responder.add(address, opened.loop.time())
        self._change(outputs)

    def remove(self, address: Address | str, successor: MACAddress | str | None = None) -> None:
        """Disown an address, as `Responder.remove`. Raises `InterfaceClosedError` if not open."""
        opened = self._require_open()
        with opened.exchange as responder:
            outputs = responder.remove(address, opened.loop.time(), successor)
        self._change(outputs)

    def replace(self, addresses: Iterable[Address | str]) -> None:
        """Own exactly these addresses, as `Responder.replace`. Raises `InterfaceClosedError` if not open."""
        opened = self._require_open()
        wanted = dict.fromkeys(map(host_address, addresses))
        owned, now = opened.exchange.responder.addresses, opened.loop.time()
        outputs: list[Output] = []
        # One by one, so that whoever asks meanwhile need not wait for thousands.
        for address in owned - wanted.keys():
            with opened.exchange as responder:
                outputs += responder.remove(address, now)
        for address in wanted:
            if address not in owned:
                with opened.exchange as responder:
                    outputs += responder.add(address, now)
        self._change(outputs)

    def change_settings(self, settings: Settings) -> None:
        """Go on with other settings, as `Responder.change_settings`. Raises `InterfaceClosedError` if not open."""
        opened = self._require_open()
        with opened.exchange as responder:
            outputs = responder.change_settings(settings, opened.loop.time())
        self._change(outputs)

    async def probe(
        self, address: Address | str, mac: MACAddress | str | None = None, timeout: float = 1.0
    ) -> list[Answer]:
        """Ask who has an address, and give the answers of `timeout` seconds; of a station that is named, the first.

        Raises `InterfaceClosedError` if not open, or closed meanwhile, and `InterfaceDownError` while frames can not
        pass: nobody can be blamed then for not answering. Otherwise raises as `Prober.ask`.
        """
        opened = self._require_open()
        if opened.state is not State.UP:
            raise InterfaceDownError(f"{self.name}: the link is {opened.state.value}, nobody can be asked")
        asker = opened.asker
        asker.prober.link_local = opened.watcher.link_local
        known = asker.addresses
        pending, frames = asker.ask(address, mac, timeout)
        opened.changed |= asker.addresses is not known
        self._carry_out(frames)
        return await asker.wait_answers(pending)

    def events(self, limit: int = _EVENTS) -> EventStream:
        """Iterate over what happens from now on, until closed; the oldest of more than `limit` events are dropped.

        Raises `InterfaceClosedError` if not open.
        """
        self._require_open()
        stream = EventStream(limit)
        self._streams.add(stream)
        return stream

    def _require_opened(self) -> _Opened:
        if self._opened is None:
            raise InterfaceClosedError(f"{self.name}: not opened yet")
        return self._opened

    def _require_open(self) -> _Opened:
        if self._closed.is_set():
            raise InterfaceClosedError(f"{self.name}: closed")
        return self._require_opened()

    # Frames and time

    def _collect(self) -> None:
        if not self.is_open:
            return  # woken before, and closed since
        opened = self._require_open()
        self._take(opened.exchange.collect(), opened)
        if opened.exchange.failure is not None:
            self._fail(opened.exchange.failure)
        else:
            self._arm_timer(opened)

    def _take(self, left: Left, opened: _Opened) -> None:
        for event in left.events:
            self._tell(event)
        for frame, when in left.frames:
            opened.asker.receive_frame(frame, when)

    def _expire(self) -> None:
        opened = self._require_open()
        opened.timer = None
        # After a busy while a question and its answer may both have waited, and the answer came in time.
        self._take(opened.exchange.collect(), opened)
        now = opened.loop.time()
        opened.asker.handle_timeout(now)
        with opened.exchange as responder:
            outputs = responder.handle_timeout(now)
        self._carry_out(outputs)

    def _arm_timer(self, opened: _Opened) -> None:
        deadlines = opened.exchange.next_timeout(), opened.asker.next_timeout()
        deadline = min((deadline for deadline in deadlines if deadline is not None), default=None)
        if opened.timer is not None:
            if opened.timer.when() == deadline:
                return
            opened.timer.cancel()
        opened.timer = None if deadline is None else opened.loop.call_at(deadline, self._expire)

    # Changes

    def _change(self, outputs: Sequence[Output]) -> None:
        self._require_open().changed = True
        self._carry_out(outputs)

    def _carry_out(self, outputs: Iterable[Output]) -> None:
        opened = self._require_open()
        for output in outputs:
            if isinstance(output, SendFrame):
                opened.outbox.append(output.frame)
            elif not isinstance(output, Ignored):
                self._tell(output)
        if opened.turn_end is None and (opened.outbox or opened.changed):
            opened.turn_end = opened.loop.call_soon(self._end_turn)
        self._arm_timer(opened)

    def _end_turn(self) -> None:
        opened = self._require_open()
        opened.turn_end = None
        try:
            joined = opened.state is State.MISSING or self._follow_addresses(opened)
        except InterfaceNotFoundError as error:
            _log.debug("%s", error)  # the watcher is about to tell, and what to do
            joined = True
        except InterfaceError as error:
            self._fail(error)
            return
        for frame in opened.outbox[:_FRAMES_PER_TURN]:
            opened.channel.send(frame)
        del opened.outbox[:_FRAMES_PER_TURN]
        if opened.outbox or not joined:
            opened.turn_end = opened.loop.call_soon(self._end_turn)

    def _follow_addresses(self, opened: _Opened) -> bool:
        """Adjust the filter, and the groups by a few; tell whether that was all."""
        if opened.changed:
            opened.changed = False
            owned, asked = opened.exchange.responder.addresses, opened.asker.addresses
            opened.channel.open(Interest(index=opened.channel.index, owned=owned, asked=asked))
            opened.groups = opened.exchange.responder.groups
        try:
            return opened.channel.join(opened.groups, _GROUPS_PER_TURN)
        except InterfaceError as error:
            _log.warning("%s", error)  # questions to the other addresses arrive all the same
            return True

    # The link

    def _follow(self, link: Link | None) -> None:
        opened = self._require_open()
        if opened.state is not State.MISSING and (link is None or link.index != opened.link.index):
            self._lose_interface(opened)
        if link is not None:
            if opened.state is State.MISSING:
                self._regain_interface(opened, link)
            self._follow_link(opened, link)

    def _lose_interface(self, opened: _Opened) -> None:
        self._fall_silent(opened, State.MISSING)
        opened.channel.close()
        _log.warning("%s: the interface is gone; waiting for its return", self.name)
        self._tell(InterfaceGone(self.name))

    def _regain_interface(self, opened: _Opened, link: Link) -> None:
        opened.state = State.DOWN
        self._unsent += opened.channel.unsent
        opened.channel = Channel(self.name, link.index, opened.exchange)
        opened.changed = True
        _log.info("%s: the interface is back", self.name)
        self._tell(InterfaceBack(self.name))

    def _follow_link(self, opened: _Opened, link: Link) -> None:
        opened.link = link
        now, obstacle = opened.loop.time(), _obstacle(link)
        outputs: list[Output] = []
        if link.mac is not None and not link.mac.is_zero and link.mac != opened.exchange.responder.mac:
            with opened.exchange as responder:
                outputs += responder.change_mac(link.mac, now)
            opened.asker.prober.mac = link.mac
            _log.info("%s: answering as %s", self.name, link.mac)
            self._tell(MACChanged(self.name, link.mac))
        if obstacle is not None and opened.state is State.UP:
            self._fall_silent(opened, State.DOWN)
            _log.warning("%s: silent, since %s", self.name, obstacle)
        elif obstacle is None and opened.state is State.DOWN:
            opened.state = State.UP
            with opened.exchange as responder:
                outputs += responder.link_up(now)
            _log.info("%s: the link is up", self.name)
            self._tell(LinkUp(self.name))
        elif link.event is not None:
            with opened.exchange as responder:
                outputs += responder.notify_peers(now)
        self._carry_out(outputs)

    def _fall_silent(self, opened: _Opened, state: State) -> None:
        if opened.state is State.UP:
            self._tell(LinkDown(self.name))
        opened.state = state
        opened.outbox.clear()
        with opened.exchange as responder:
            responder.link_down(opened.loop.time())
        opened.asker.give_up(InterfaceDownError(f"{self.name}: the link went down"))

    def _fail(self, error: InterfaceError) -> None:
        _log.error("%s", error)
        self._error = error
        self.close()

    def _tell(self, event: Event) -> None:
        for stream in self._streams:
            stream.put(event)


def _obstacle(link: Link) -> str | None:
    """Tell what keeps frames from passing, if anything does."""
    if link.mac is None or link.mac.is_zero or link.noarp:
        return "it is not an Ethernet interface with ARP"
    if link.master is not None and link.master_kind != "vrf":
        master = _name_of(link.master) or f"interface {link.master}"
        return f"it is part of {master}, which takes its frames"
    if not link.up:
        return "it is switched off"
    return None if link.running else "it has no carrier"


def _name_of(index: int) -> str | None:
    try:
        return socket.if_indextoname(index)
    except OSError:
        return None
