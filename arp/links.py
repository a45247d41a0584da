"""Which network interfaces there are, and what becomes of one of them: the netlink socket of this package.

The kernel answers a request before the call that sends it returns, and what it tells unasked waits in the same queue.
So nothing here waits: to ask is to send, and then to read until nothing is left. Should the queue overflow, the kernel
says so, and whoever follows asks again, once the queue is empty and has room for an answer; what it then learns is the
present state, not each step of the way there.
"""

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable, Iterator
from ipaddress import IPv6Address

import attrs

from arp import netlink
from arp.errors import DecodeError, InterfaceError, InterfaceNotFoundError
from arp.ethernet import MACAddress
from arp.netlink import AddressFound, AddressRemoved, Link, LinkRemoved, ListInterrupted, Message, Refused

__all__ = ["InterfaceInfo", "LinkWatcher", "list_interfaces"]

_log = logging.getLogger("arp")

_GROUPS = (1 << netlink.LINK_GROUP - 1) | (1 << netlink.IPV6_ADDRESS_GROUP - 1)
_NAME_OCTETS = 15  # linux/if.h: IFNAMSIZ, less the final NUL
_LONGEST_DATAGRAM = 65536  # the kernel splits lists into datagrams of up to 32 KiB
_READS_PER_WAKE_UP = 256
_TRIES = 5


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
    """The bridge, bond, VRF or other master that it is part of; None if it stands alone."""
    kind: str | None
    """Who made it: vlan, macvlan, veth, bridge, bond; None for hardware."""
    parent: str | None
    """The interface below a VLAN or macvlan one; None if there is none in this network namespace."""
    carrier: bool
    """Whether the cable is plugged in, or what stands for a cable."""


def list_interfaces() -> list[InterfaceInfo]:
    """List the interfaces of this network namespace; needs no privilege.

    Raises `InterfaceError` if the system has no more sockets.
    """
    with _open_socket("interfaces") as asking:
        for _ in range(_TRIES):
            asking.send(netlink.links_request())
            messages = list(_receive(asking))
            if ListInterrupted() not in messages:
                break
    links = {message.index: message for message in messages if isinstance(message, Link)}
    names = {index: link.name for index, link in links.items()}
    return [describe(link, names.get) for link in links.values()]


def describe(link: Link, name_of: Callable[[int], str | None]) -> InterfaceInfo:
    """Put names in place of the indexes in a description."""
    return InterfaceInfo(
        name=link.name,
        index=link.index,
        mac=link.mac,
        up=link.up,
        broadcast=link.broadcast,
        noarp=link.noarp,
        loopback=link.loopback,
        enslaved=None if link.master is None else name_of(link.master) or f"interface {link.master}",
        kind=link.kind,
        parent=None if link.parent is None else name_of(link.parent),
        carrier=bool(link.carrier),
    )


@attrs.define(eq=False)
class LinkWatcher:
    """Follows the interface of a name, from `open` to `close`: whichever has that name, while one has it.

    `changed` is called with each new description, with None when there is no such interface any more, and again with
    the same description if that comes with an event. It is not called for what `open` finds.
    """

    name: str
    """The name."""
    changed: Callable[[Link | None], None] = attrs.field(repr=False)
    """What to call, in the event loop."""
    link: Link | None = attrs.field(init=False, default=None)
    """The interface as last heard of; None while there is none."""
    _addresses: set[tuple[int, IPv6Address]] = attrs.field(init=False, factory=set, repr=False)
    _loop: asyncio.AbstractEventLoop | None = attrs.field(init=False, default=None, repr=False)
    _socket: socket.socket | None = attrs.field(init=False, default=None, repr=False)

    @property
    def link_local(self) -> IPv6Address | None:
        """The link-local IPv6 address to send from, or None."""
        index = None if self.link is None else self.link.index
        return min((address for owner, address in self._addresses if owner == index), default=None)

    def open(self) -> Link:
        """Learn the present state, and follow it in the running event loop.

        Raises `InterfaceNotFoundError` if there is no such interface, `InterfaceError` if the system has no more
        sockets, and then nothing is left open.
        """
        if not 0 < len(os.fsencode(self.name)) <= _NAME_OCTETS or "\0" in self.name:
            raise InterfaceNotFoundError(
                f"{self.name}: no such interface; a name has 1 to {_NAME_OCTETS} octets"
            )
        self._socket = _open_socket(self.name, _GROUPS)
        self._ask()
        if self.link is None:
            self._socket.close()
            raise InterfaceNotFoundError(f"{self.name}: no such interface")
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._read)
        return self.link

    def close(self) -> None:
        """Follow no more. Nothing happens if it is not open."""
        if self._loop is not None and self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _ask(self) -> None:
        """Learn the present state, after all that the kernel has told so far."""
        assert self._socket is not None
        for _ in range(_TRIES):
            self._addresses.clear()
            complete = True
            for request in (netlink.link_request(self.name), netlink.ipv6_addresses_request()):
                self._socket.send(request)
                for message in _receive(self._socket):
                    complete = complete and message != ListInterrupted()
                    self._take(message)
            if complete:
                return

    def _read(self) -> None:
        assert self._socket is not None
        lost = False
        for message in _receive(self._socket):
            lost = lost or message == ListInterrupted()
            before = self.link
            self._take(message)
            if self.link != before or (isinstance(message, Link) and message is self.link and message.event):
                self._tell()
        if lost:
            _log.warning("%s: news of interfaces were lost; asking again", self.name)
            before = self.link
            self._ask()
            if self.link != before:
                self._tell()

    def _tell(self) -> None:
        if self._socket is not None:  # not closed by an earlier call
            self.changed(self.link)

    def _take(self, message: Message) -> None:
        match message:
            case Link():
                if message.name == self.name:
                    self.link = message
                elif self.link is not None and message.index == self.link.index:
                    self.link = None  # it has another name now
            case LinkRemoved(index):
                self._addresses = {held for held in self._addresses if held[0] != index}
                if self.link is not None and index == self.link.index:
                    self.link = None
            case AddressFound(index, address, usable=True) if address.is_link_local:
                self._addresses.add((index, address))
            case AddressFound(index, address) | AddressRemoved(index, address):
                self._addresses.discard((index, address))
            case Refused(number):
                if number == errno.ENODEV:
                    self.link = None
            case _:
                pass


def _open_socket(name: str, groups: int = 0) -> socket.socket:
    try:
        opened = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
    except OSError as error:
        raise InterfaceError(f"{name}: no netlink socket ({error.strerror})") from error
    opened.bind((0, groups))
    return opened


def _receive(opened: socket.socket) -> Iterator[Message]:
    """Give all that waits, up to a bound that keeps a flood from stopping the event loop."""
    for _ in range(_READS_PER_WAKE_UP):
        try:
            datagram, sender = opened.recvfrom(_LONGEST_DATAGRAM)
            if sender[0] == 0:  # the kernel, and not another process
                yield from netlink.decode(datagram)
        except BlockingIOError:
            return
        except DecodeError as error:
            _log.warning("netlink: %s", error)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            yield ListInterrupted()  # the queue was full: whatever came then is lost
