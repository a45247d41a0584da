"""The multicast groups of an interface, joined so that frames for them arrive.

Three parties must let such a frame pass, and all of them learn from the kernel's own membership in the IPv6 group: the
network card's filter; the switch, if it snoops MLD, by the report that the kernel sends and repeats for each
query (RFC 3810); and the bridge or bond below, in the same ways. Opening the card for the group's MAC address alone
(PACKET_ADD_MEMBERSHIP) does the first only. So that is what remains where the kernel does not do IPv6 on an
interface, and whoever joins is told in the log that a snooping switch will keep the group from it.

A membership belongs to a socket, and ends with it. A socket holds as many as net.core.optmem_max has room for, some
hundreds on older systems, so there is a chain of sockets. Nothing is ever read from them: they are bound to no port.
"""

import errno
import logging
import socket
import struct
from ipaddress import IPv6Address
from itertools import islice
from pathlib import Path

import attrs

from arp.errors import InterfaceError
from arp.ipv6 import group_mac

__all__ = ["Memberships"]

_log = logging.getLogger("arp")

_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, _PACKET_DROP_MEMBERSHIP, _PACKET_MR_MULTICAST = 263, 1, 2, 0
_FULL = {errno.ENOBUFS, errno.ENOMEM}


@attrs.define(eq=False)
class Memberships:
    """The groups joined on one interface, from the first `replace` to `close`."""

    name: str
    """Name of the interface, for the log."""
    index: int
    """The kernel's number for the interface."""
    _joined: dict[IPv6Address, socket.socket] = attrs.field(init=False, factory=dict, repr=False)
    _sockets: list[socket.socket] = attrs.field(init=False, factory=list, repr=False)
    _packet_socket: socket.socket | None = attrs.field(init=False, default=None, repr=False)

    @property
    def groups(self) -> frozenset[IPv6Address]:
        """The groups that are joined, in one way or the other."""
        return frozenset(self._joined)

    def replace(self, groups: frozenset[IPv6Address], most: int = 1 << 16) -> bool:
        """Become a member of exactly these groups, by so many changes at most; tell whether that was enough.

        The kernel takes a fifth of a millisecond for each, so thousands at once would stop an event loop. Raises
        `InterfaceError` if the interface is gone or the system has no room.
        """
        for group in islice(self._joined.keys() - groups, most):
            self._leave(group)
            most -= 1
        for group in islice(groups - self._joined.keys(), most):
            try:
                self._joined[group] = self._join(group)
            except OSError as error:
                raise InterfaceError(f"{self.name}: cannot join {group} ({error.strerror})") from error
        return self._joined.keys() == groups

    def close(self) -> None:
        """Leave all groups."""
        for opened in self._sockets:
            opened.close()
        self._sockets.clear()
        self._joined.clear()
        self._packet_socket = None

    def _join(self, group: IPv6Address) -> socket.socket:
        if self._packet_socket is None and not _has_ipv6(self.name):
            self._do_without_ipv6()
        if self._packet_socket is not None:
            change = self._change_card(group)
            self._packet_socket.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, change)
            return self._packet_socket
        membership = self._membership(group)
        # The socket that was made last is the one with room, but for what others have left since.
        for opened in reversed(self._sockets):
            if _try_to_join(opened, membership):
                return opened
        opened = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self._sockets.append(opened)
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)
        return opened

    def _leave(self, group: IPv6Address) -> None:
        opened = self._joined.pop(group)
        try:
            if opened is self._packet_socket:
                opened.setsockopt(_SOL_PACKET, _PACKET_DROP_MEMBERSHIP, self._change_card(group))
            else:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_LEAVE_GROUP, self._membership(group))
        except OSError as error:
            # The interface is gone, and the membership with it.
            _log.debug("%s: %s was left already (%s)", self.name, group, error.strerror)

    def _do_without_ipv6(self) -> None:
        _log.warning(
            "%s: the kernel does no IPv6 here and will not report groups; a switch with MLD snooping keeps them back",
            self.name,
        )
        self._packet_socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._sockets.append(self._packet_socket)

    def _membership(self, group: IPv6Address) -> bytes:
        return group.packed + struct.pack("=I", self.index)  # struct ipv6_mreq

    def _change_card(self, group: IPv6Address) -> bytes:
        mac = group_mac(group).packed
        return struct.pack("=iHH8s", self.index, _PACKET_MR_MULTICAST, len(mac), mac)  # struct packet_mreq


def _try_to_join(opened: socket.socket, membership: bytes) -> bool:
    try:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        return False
    return True


def _has_ipv6(name: str) -> bool:
    try:
        return Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").read_text().strip() == "0"
    except OSError:
        return (
            False  # not compiled in, switched off at boot, or the MTU is below the 1280 octets of RFC 8200 5
        )
