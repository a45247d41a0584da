"""A responder on a network interface of Linux, with asyncio.

    async with Interface("eth0") as interface:
        interface.replace(["203.0.113.7", "2001:db8::7"])
        async for event in interface.events():
            print(event)

The driver is four steps and a timer: frames arrive, the responder judges them, what it returns is sent, the timer is
set to what it asks for. It knows no rule of ARP or Neighbor Discovery. What it has in the kernel is `arp.channel`.

*Changes are carried out at the end of the turn* of the event loop in which they were made, all at once: first the
filter and the groups, so that nothing said in reply is missed, and then the frames. Thousands of groups or frames go
a few in each turn, lest those who ask have to wait.

*Reading.* All frames that wait are read at once, up to a bound, so that a flood of questions cannot keep the event
loop from its other work. What is read is answered at once, on the same socket.

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
_LONGEST_FRAME = 2048
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
    responder: Responder
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
    _unsent: int = attrs.field(init=False, default=0)  # by channels that are closed
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
        channel = Channel(self.name, link.index, loop, self._read)
        try:
            if link.mac is None or link.mac.is_zero or link.noarp:
                raise NotEthernetError(f"{self.name}: not an Ethernet interface with ARP")
            channel.open(Interest(index=link.index))
        except InterfaceError:
            channel.close()
            watcher.close()
            raise
        responder = Responder(
            mac=link.mac, interface=self.name, settings=self._settings, random=random.random
        )
        opened = self._opened = _Opened(
            loop, watcher, channel, link, responder, Asker(Prober(mac=link.mac), loop), State.UP
        )
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
        self._drop_channel(opened)
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
        return self._require_opened().responder.addresses

    @property
    def claims(self) -> Mapping[Address, ClaimState]:
        """The state of the claim to each owned address. Raises `InterfaceClosedError` before it is opened."""
        return self._require_opened().responder.claims

    @property
    def statistics(self) -> Statistics:
        """What the responder has counted; frames that the filter keeps from it are in no count.

        Raises `InterfaceClosedError` before the interface is opened.
        """
        return self._require_opened().responder.statistics

    @property
    def unsent(self) -> int:
        """Frames dropped because the kernel had no room for them, or the interface had just gone."""
        return self._unsent + (0 if self._opened is None else self._opened.channel.unsent)

    def add(self, address: Address | str) -> None:
        """Own an address and announce it, as `Responder.add`. Raises `InterfaceClosedError` if not open."""
        opened = self._require_open()
        self._change(opened.responder.add(address, opened.loop.time()))

    def remove(self, address: Address | str, successor: MACAddress | str | None = None) -> None:
        """Disown an address, as `Responder.remove`. Raises `InterfaceClosedError` if not open."""
        opened = self._require_open()
        self._change(opened.responder.remove(address, opened.loop.time(), successor))

    def replace(self, addresses: Iterable[Address | str]) -> None:
        """Own exactly these addresses, as `Responder.replace`. Raises `InterfaceClosedError` if not open."""
        opened = self._require_open()
        self._change(opened.responder.replace(addresses, opened.loop.time()))

    def change_settings(self, settings: Settings) -> None:
        """Go on with other settings, as `Responder.change_settings`. Raises `InterfaceClosedError` if not open."""
        opened = self._require_open()
        self._change(opened.responder.change_settings(settings, opened.loop.time()))

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

    def _read(self, readable: socket.socket) -> None:
        opened = self._require_open()
        responder, asker, channel = opened.responder, opened.asker, opened.channel
        now = opened.loop.time()
        try:
            for _ in range(_FRAMES_PER_TURN):
                frame = readable.recv(_LONGEST_FRAME)
                for output in responder.receive_frame(frame, now):
                    if isinstance(output, SendFrame):
                        channel.send_on(readable, output.frame)
                    elif not isinstance(output, Ignored):
                        self._tell(output)
                asker.receive_frame(frame, now)
        except BlockingIOError:
            pass  # nothing is left to read
        except OSError as error:
            _log.debug("%s: %s", self.name, error.strerror)  # the link is down; the watcher tells what to do
        self._arm_timer(opened)

    def _expire(self) -> None:
        opened = self._require_open()
        opened.timer = None
        now = opened.loop.time()
        opened.asker.handle_timeout(now)
        self._carry_out(opened.responder.handle_timeout(now))

    def _arm_timer(self, opened: _Opened) -> None:
        deadlines = opened.responder.next_timeout(), opened.asker.next_timeout()
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
            owned, asked = opened.responder.addresses, opened.asker.addresses
            opened.channel.open(Interest(index=opened.channel.index, owned=owned, asked=asked))
            opened.groups = opened.responder.groups
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
        self._drop_channel(opened)
        _log.warning("%s: the interface is gone; waiting for its return", self.name)
        self._tell(InterfaceGone(self.name))

    def _regain_interface(self, opened: _Opened, link: Link) -> None:
        opened.state = State.DOWN
        opened.channel = Channel(self.name, link.index, opened.loop, self._read)
        opened.changed = True
        _log.info("%s: the interface is back", self.name)
        self._tell(InterfaceBack(self.name))

    def _follow_link(self, opened: _Opened, link: Link) -> None:
        opened.link = link
        now, obstacle = opened.loop.time(), _obstacle(link)
        outputs: list[Output] = []
        if link.mac is not None and not link.mac.is_zero and link.mac != opened.responder.mac:
            outputs += opened.responder.change_mac(link.mac, now)
            opened.asker.prober.mac = link.mac
            _log.info("%s: answering as %s", self.name, link.mac)
            self._tell(MACChanged(self.name, link.mac))
        if obstacle is not None and opened.state is State.UP:
            self._fall_silent(opened, State.DOWN)
            _log.warning("%s: silent, since %s", self.name, obstacle)
        elif obstacle is None and opened.state is State.DOWN:
            opened.state = State.UP
            outputs += opened.responder.link_up(now)
            _log.info("%s: the link is up", self.name)
            self._tell(LinkUp(self.name))
        elif link.event is not None:
            outputs += opened.responder.notify_peers(now)
        self._carry_out(outputs)

    def _fall_silent(self, opened: _Opened, state: State) -> None:
        if opened.state is State.UP:
            self._tell(LinkDown(self.name))
        opened.state = state
        opened.outbox.clear()
        opened.responder.link_down(opened.loop.time())
        opened.asker.give_up(InterfaceDownError(f"{self.name}: the link went down"))

    def _drop_channel(self, opened: _Opened) -> None:
        self._unsent += opened.channel.unsent
        opened.channel.unsent = 0
        opened.channel.close()

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
