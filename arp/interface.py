"""A responder on a network interface of Linux, with asyncio: the only input and output of this package.

    async with Interface("eth0") as interface:
        interface.replace(["203.0.113.7"])
        await interface.wait_closed()

The driver is four steps and a timer: frames arrive, the responder judges them, what it returns is sent, the timer is
set to what it asks for. It knows no rule of ARP.

*One socket.* A packet socket of protocol 0 receives nothing; so the filter (`arp.bpf`) is attached first and the
socket bound to the interface and to ARP after, and no frame slips in between. Bound to one protocol it never sees
what this host sends.

*Reading.* All frames that wait are read at once, up to a bound, so that a flood of questions cannot keep the event
loop from its other work.

*Sending* never waits. A frame for which there is no room is dropped and counted: ARP is made for loss, those who ask
repeat their question, and announcements are sent several times.

*The end.* When the interface goes down or away the kernel tells the socket. The driver then closes, logs why, and
`wait_closed` raises it. It does not come back by itself: an interface of the same name may by then have another index
or MAC address; whoever watches interfaces opens a new one.
"""

import asyncio
import ctypes
import errno
import fcntl
import logging
import os
import socket
import struct
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Self

import attrs

from arp.bpf import Interest, arp_filter
from arp.errors import (
    InterfaceClosedError,
    InterfaceDownError,
    InterfaceError,
    InterfaceNotFoundError,
    LocalError,
    NotEthernetError,
    PrivilegeError,
)
from arp.ethernet import ETHERTYPE_ARP, MACAddress
from arp.outputs import Output, SendFrame, Statistics
from arp.responder import Responder

__all__ = ["Interface", "InterfaceInfo", "list_interfaces"]

_log = logging.getLogger("arp")

_SO_ATTACH_FILTER = 26  # asm-generic/socket.h
_SIOCGIFINDEX, _SIOCGIFFLAGS, _SIOCGIFHWADDR = 0x8933, 0x8913, 0x8927  # linux/sockios.h
_IFF_UP, _IFF_BROADCAST, _IFF_LOOPBACK, _IFF_NOARP = 0x1, 0x2, 0x8, 0x80  # linux/if.h
_ARPHRD_ETHER = 1  # linux/if_arp.h
_NAME_OCTETS = 15  # linux/if.h: IFNAMSIZ, less the final NUL
_NO_ROOM = {errno.EAGAIN, errno.ENOBUFS}

_FRAMES_PER_WAKE_UP = 256
_LONGEST_FRAME = 2048


@attrs.frozen(kw_only=True)
class InterfaceInfo:
    """A network interface, as it was at one moment."""

    name: str
    """Its name, such as eth0."""
    index: int
    """The kernel's number for it; another one once it is removed and made again."""
    mac: MACAddress | None
    """Its hardware address; None if it is not an Ethernet interface."""
    up: bool
    """Whether it is switched on (IFF_UP); not whether a cable is plugged in."""
    broadcast: bool
    """Whether a frame can be sent to all stations (IFF_BROADCAST)."""
    noarp: bool
    """Whether ARP is switched off (IFF_NOARP)."""
    loopback: bool
    """Whether it leads only back to this host (IFF_LOOPBACK)."""
    enslaved: str | None
    """The bridge, bond or other master that takes its frames, so that none reach it; None if it stands alone.

    Read from /sys, which has to be mounted in the network namespace of the process.
    """


def list_interfaces() -> list[InterfaceInfo]:
    """List the interfaces of this network namespace; needs no privilege."""
    found = []
    for _, name in socket.if_nameindex():
        try:
            found.append(_describe(name))
        except InterfaceNotFoundError:
            continue  # removed while we looked
    return found


def _describe(name: str) -> InterfaceInfo:
    encoded = os.fsencode(name)
    if not 0 < len(encoded) <= _NAME_OCTETS:
        raise InterfaceNotFoundError(f"{name}: no such interface; a name has 1 to {_NAME_OCTETS} octets")
    request = struct.pack("16s24x", encoded)  # struct ifreq
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            answers = [
                fcntl.ioctl(control, code, request) for code in (_SIOCGIFINDEX, _SIOCGIFFLAGS, _SIOCGIFHWADDR)
            ]
    except OSError as error:
        if error.errno == errno.ENODEV:
            raise InterfaceNotFoundError(f"{name}: no such interface") from error
        raise InterfaceError(f"{name}: cannot be examined ({error.strerror})") from error
    (index,) = struct.unpack_from("16xi", answers[0])
    (flags,) = struct.unpack_from("16xH", answers[1])
    hardware_type, mac = struct.unpack_from("16xH6s", answers[2])
    return InterfaceInfo(
        name=name,
        index=index,
        mac=MACAddress(mac) if hardware_type == _ARPHRD_ETHER else None,
        up=bool(flags & _IFF_UP),
        broadcast=bool(flags & _IFF_BROADCAST),
        noarp=bool(flags & _IFF_NOARP),
        loopback=bool(flags & _IFF_LOOPBACK),
        enslaved=_master(name),
    )


def _master(name: str) -> str | None:
    try:
        return os.path.basename(os.readlink(f"/sys/class/net/{name}/master"))
    except OSError:
        return None


@attrs.frozen(eq=False)
class _Opened:
    info: InterfaceInfo
    responder: Responder
    socket: socket.socket
    loop: asyncio.AbstractEventLoop


@attrs.define(eq=False)
class Interface:
    """Answers and announces on one interface, from `open` to `close`; `async with` does both. It lives once.

    A verb that finds, while sending, that the interface is gone, closes it and returns; `wait_closed` tells, and from
    then on every verb raises the same error.
    """

    name: str
    """Name of the interface, in the network namespace of the process."""
    unsent: int = attrs.field(init=False, default=0)
    """Frames dropped because the kernel had no room for them."""
    _opened: _Opened | None = attrs.field(init=False, default=None, repr=False)
    _timer: asyncio.TimerHandle | None = attrs.field(init=False, default=None, repr=False)
    _closed: asyncio.Event = attrs.field(init=False, factory=asyncio.Event, repr=False)
    _lost: InterfaceDownError | None = attrs.field(init=False, default=None, repr=False)

    def open(self) -> None:
        """Start to answer; to be called in a running event loop.

        Raises `InterfaceNotFoundError`, `InterfaceDownError`, `NotEthernetError`, `PrivilegeError` or, should the
        system have no more sockets, a plain `InterfaceError`, and then nothing is left open. Raises `LocalError` the
        second time.
        """
        if self._opened is not None:
            raise LocalError(f"{self.name}: was opened before; make another Interface")
        loop = asyncio.get_running_loop()
        info = _describe(self.name)
        if info.mac is None or info.mac.is_zero or info.noarp:
            raise NotEthernetError(f"{self.name}: not an Ethernet interface with ARP")
        if not info.up:
            raise InterfaceDownError(f"{self.name}: the interface is down")
        responder = Responder(mac=info.mac)
        self._opened = _Opened(info, responder, _open_socket(info), loop)
        loop.add_reader(self._opened.socket, self._read)
        _log.info("%s: answering ARP as %s", self.name, info.mac)

    def close(self) -> None:
        """Fall silent and release everything. Nothing happens if it is not open."""
        if self._opened is None or self._closed.is_set():
            return
        self._closed.set()
        self._opened.loop.remove_reader(self._opened.socket)
        self._opened.socket.close()
        if self._timer is not None:
            self._timer.cancel()
        _log.info("%s: closed", self.name)

    async def wait_closed(self) -> None:
        """Wait until closed: return after `close`, raise `InterfaceDownError` once the interface goes down or away."""
        await self._closed.wait()
        if self._lost is not None:
            raise self._lost

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether it answers: opened, and neither closed nor lost since."""
        return self._opened is not None and not self._closed.is_set()

    @property
    def info(self) -> InterfaceInfo:
        """The interface as it was when opened; answers keep that MAC address. Raises `InterfaceClosedError` before."""
        return self._require_opened().info

    @property
    def addresses(self) -> frozenset[IPv4Address | IPv6Address]:
        """The owned addresses. Raises `InterfaceClosedError` before it is opened."""
        return self._require_opened().responder.addresses

    @property
    def statistics(self) -> Statistics:
        """What the responder has counted; frames that the filter keeps from it are in no count.

        Raises `InterfaceClosedError` before the interface is opened.
        """
        return self._require_opened().responder.statistics

    def add(self, address: IPv4Address | IPv6Address | str) -> None:
        """Own an address and announce it, as `Responder.add`. Raises `InterfaceError` if not open."""
        opened = self._require_open()
        self._carry_out(opened.responder.add(address, opened.loop.time()))

    def remove(self, address: IPv4Address | IPv6Address | str) -> None:
        """Disown an address, as `Responder.remove`. Raises `InterfaceError` if not open."""
        opened = self._require_open()
        self._carry_out(opened.responder.remove(address, opened.loop.time()))

    def replace(self, addresses: Iterable[IPv4Address | IPv6Address | str]) -> None:
        """Own exactly these addresses, as `Responder.replace`. Raises `InterfaceError` if not open."""
        opened = self._require_open()
        self._carry_out(opened.responder.replace(addresses, opened.loop.time()))

    def _require_opened(self) -> _Opened:
        if self._opened is None:
            raise InterfaceClosedError(f"{self.name}: not opened yet")
        return self._opened

    def _require_open(self) -> _Opened:
        if self._closed.is_set():
            raise self._lost or InterfaceClosedError(f"{self.name}: closed")
        return self._require_opened()

    def _read(self) -> None:
        opened = self._require_open()
        now = opened.loop.time()
        try:
            for _ in range(_FRAMES_PER_WAKE_UP):
                frame = opened.socket.recv(_LONGEST_FRAME)
                self._send(opened.responder.receive_frame(frame, now))
        except BlockingIOError:
            pass  # nothing is left to read
        except OSError as error:
            self._lose(error)
            return
        self._arm_timer()

    def _expire(self) -> None:
        self._timer = None
        opened = self._require_open()
        self._carry_out(opened.responder.handle_timeout(opened.loop.time()))

    def _carry_out(self, outputs: Sequence[Output]) -> None:
        try:
            self._send(outputs)
        except OSError as error:
            self._lose(error)
        else:
            self._arm_timer()

    def _send(self, outputs: Sequence[Output]) -> None:
        opened = self._require_open()
        for output in outputs:
            if not isinstance(output, SendFrame):
                continue
            try:
                opened.socket.send(output.frame)
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                self.unsent += 1

    def _arm_timer(self) -> None:
        opened = self._require_open()
        deadline = opened.responder.next_timeout()
        if self._timer is not None:
            if self._timer.when() == deadline:
                return
            self._timer.cancel()
        self._timer = None if deadline is None else opened.loop.call_at(deadline, self._expire)

    def _lose(self, error: OSError) -> None:
        self._lost = InterfaceDownError(f"{self.name}: the interface went down or away ({error.strerror})")
        _log.warning("%s", self._lost)
        self.close()


def _open_socket(info: InterfaceInfo) -> socket.socket:
    try:
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    except PermissionError as error:
        raise PrivilegeError(f"{info.name}: a packet socket needs the capability CAP_NET_RAW") from error
    except OSError as error:
        raise InterfaceError(f"{info.name}: no packet socket ({error.strerror})") from error
    try:
        _attach_filter(opened, arp_filter(Interest(index=info.index, everything=True)))
        opened.bind((info.name, ETHERTYPE_ARP))
    except OSError as error:
        opened.close()
        raise InterfaceDownError(f"{info.name}: the interface went away ({error.strerror})") from error
    return opened


def _attach_filter(opened: socket.socket, program: bytes) -> None:
    instructions = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions, of 8 octets each, and where they are.
    described = struct.pack("HP", len(program) // 8, ctypes.addressof(instructions))
    opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)
