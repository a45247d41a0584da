"""What this process has of one interface in the kernel: packet sockets with their filters, and multicast groups.

*One socket for each protocol*, bound to ARP and to IPv6, and never one for all protocols: that is a tap, through which
the kernel would hand every packet of the host, those that it sends included. A socket that is bound to a
protocol sees nothing of what this host sends. The one for IPv6 exists only while there is an IPv6 address of interest.
Each has a thread that answers; what the event loop sends goes through the same sockets.

*No gap.* A socket of protocol 0 receives nothing; so the filter is attached first and the socket bound after. Another
filter replaces the old one at once, so what both pass is never missed.

*One index.* All belongs to the interface with that index. If it goes down, the sockets are silent, and go on once it is
up; if it goes away, they are of no use any more.
"""

import ctypes
import errno
import socket
import struct
from ipaddress import IPv6Address

import attrs

from arp.answerer import Answerer
from arp.bpf import Interest, arp_filter, ndp_filter
from arp.errors import InterfaceError, InterfaceNotFoundError, PrivilegeError
from arp.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV6
from arp.exchange import Exchange
from arp.memberships import Memberships

__all__ = ["Channel"]

_SO_ATTACH_FILTER, _SO_RCVBUFFORCE = 26, 33  # asm-generic/socket.h
_GONE = {errno.ENODEV, errno.ENXIO}
# Room for a burst of some 20,000 questions, at the 768 octets that the kernel charges for a short frame.
_RECEIVE_BUFFER = 16 << 20
_ETHERTYPE = slice(12, 14)
_IPV6 = ETHERTYPE_IPV6.to_bytes(2, "big")


@attrs.define(eq=False)
class Channel:
    """The sockets and groups on the interface with one index, from `open` to `close`."""

    name: str
    """Name of the interface, for errors and the log."""
    index: int
    """The kernel's number for it."""
    exchange: Exchange = attrs.field(repr=False)
    """Where frames are judged."""
    _unsent: int = attrs.field(init=False, default=0)
    _answerers: dict[int, Answerer] = attrs.field(init=False, factory=dict, repr=False)  # by EtherType
    _programs: dict[int, bytes] = attrs.field(init=False, factory=dict, repr=False)
    _memberships: Memberships = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Make the memberships of the same interface."""
        self._memberships = Memberships(self.name, self.index)

    @property
    def unsent(self) -> int:
        """Frames for which the kernel had no room, or no interface."""
        return self._unsent + sum(answerer.unsent for answerer in self._answerers.values())

    def open(self, interest: Interest) -> None:
        """Receive what is of interest from now on; called again, that and nothing else.

        Raises `PrivilegeError` without CAP_NET_RAW, `InterfaceNotFoundError` if the interface is gone, and a plain
        `InterfaceError` if the system has no more sockets or threads; what was open stays open.
        """
        self._filter(ETHERTYPE_ARP, arp_filter(interest))
        if interest.has_ipv6:
            self._filter(ETHERTYPE_IPV6, ndp_filter(interest))
        elif ETHERTYPE_IPV6 in self._answerers:
            self._end(ETHERTYPE_IPV6)

    def join(self, groups: frozenset[IPv6Address], most: int) -> bool:
        """Be a member of these groups, as `Memberships.replace`: after so many changes, tell whether it is done."""
        return self._memberships.replace(groups, most)

    def send(self, frame: bytes) -> None:
        """Send a frame without waiting, or count it as unsent. Nothing depends on a single frame in ARP."""
        ethertype = ETHERTYPE_IPV6 if frame[_ETHERTYPE] == _IPV6 else ETHERTYPE_ARP
        # The last word about an IPv6 address is sent when its socket is gone. To the wire it makes no difference.
        answerer = self._answerers.get(ethertype) or self._answerers.get(ETHERTYPE_ARP)
        if answerer is None:
            self._unsent += 1
        else:
            with self.exchange:
                answerer.send(frame)

    def close(self) -> None:
        """Release everything; nothing is answered any more once this returns."""
        for ethertype in list(self._answerers):
            self._end(ethertype)
        self._memberships.close()

    def _filter(self, ethertype: int, program: bytes) -> None:
        if self._programs.get(ethertype) == program:
            return
        known = self._answerers.get(ethertype)
        opened = self._new_socket() if known is None else known.opened
        try:
            _attach_filter(opened, program)
            if known is None:
                opened.bind((socket.if_indextoname(self.index), ethertype))
                self._answerers[ethertype] = self._new_answerer(opened)
        except OSError as error:
            if known is None:
                opened.close()
            if error.errno in _GONE:
                raise InterfaceNotFoundError(f"{self.name}: the interface went away") from error
            raise InterfaceError(f"{self.name}: no packet filter ({error.strerror})") from error
        self._programs[ethertype] = program

    def _new_socket(self) -> socket.socket:
        try:
            opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        except PermissionError as error:
            raise PrivilegeError(f"{self.name}: a packet socket needs the capability CAP_NET_RAW") from error
        except OSError as error:
            raise InterfaceError(f"{self.name}: no packet socket ({error.strerror})") from error
        try:
            opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        except PermissionError:  # without CAP_NET_ADMIN: as much as net.core.rmem_max lets everybody have
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        return opened

    def _new_answerer(self, opened: socket.socket) -> Answerer:
        answerer = Answerer(self.name, opened, self.exchange)
        try:
            answerer.start()
        except InterfaceError:
            opened.close()
            raise
        return answerer

    def _end(self, ethertype: int) -> None:
        answerer = self._answerers.pop(ethertype)
        del self._programs[ethertype]
        answerer.stop()
        answerer.opened.close()
        self._unsent += answerer.unsent


def _attach_filter(opened: socket.socket, program: bytes) -> None:
    instructions = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions, of 8 octets each, and where they are.
    described = struct.pack("HP", len(program) // 8, ctypes.addressof(instructions))
    opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)
