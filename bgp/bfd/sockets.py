"""UDP for BFD: sockets to receive on, which all sessions share, and sockets to send from (RFC 5881 4, RFC 5883 5)."""

import errno
import ipaddress
import random
import socket
import struct
from collections.abc import Iterator
from typing import Final

from bgp.bfd.config import SOURCE_PORTS, BFDConfig
from bgp.bfd.table import Arrival, BFDPath
from bgp.values import Address

_IP_PKTINFO: Final = 8  # linux/in.h; the socket module lacks them
_IP_RECVTTL: Final = 12
_TTL: Final = 255  # RFC 5881 5; RFC 5883 does not say
_TRAFFIC_CLASS: Final = 48 << 2  # CS6, as for other routing protocols
_LARGEST_PACKET: Final = 512  # octets; a Control packet has at most 255
_BUFFER: Final = 1 << 20
"""Octets of datagrams that may wait to be read."""

_MAX_AT_ONCE: Final = 4096
"""How many datagrams to read before others are served: more than fit into the buffer.

So after a standstill all that had arrived is read before anybody is taken for dead, and yet a flood does not keep the
timers waiting for ever.
"""

_TRIES: Final = 64
"""How many source ports to try."""


class Listener:
    """A socket that takes all packets to a port."""

    def __init__(self, version: int, port: int) -> None:
        """Bind it, for IP version 4 or 6; raise OSError if the port is taken."""
        self.port = port
        self.socket = socket.socket(_family(version), socket.SOCK_DGRAM)
        try:
            self.socket.setblocking(False)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            if version == 4:
                self.socket.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
                self.socket.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
            else:
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            self.socket.bind(("", port))
        except BaseException:
            self.socket.close()
            raise

    def receive(self) -> Iterator[Arrival]:
        """Read what has arrived."""
        for _ in range(_MAX_AT_ONCE):
            try:
                data, ancillary, _, source = self.socket.recvmsg(_LARGEST_PACKET, 256)
            except OSError:  # nothing is left
                return
            yield self._arrival(data, ancillary, source[0])

    def _arrival(self, data: bytes, ancillary: list[tuple[int, int, bytes]], source: str) -> Arrival:
        ttl, index, destination = 0, 0, bytes(4)
        for level, kind, value in ancillary:
            match level, kind:
                case (socket.IPPROTO_IP, socket.IP_TTL) | (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT):
                    (ttl,) = struct.unpack_from("=i", value)
                case socket.IPPROTO_IP, 8:  # _IP_PKTINFO: interface, local address, address in the header
                    index, destination = struct.unpack_from("=i4x4s", value)
                case socket.IPPROTO_IPV6, socket.IPV6_PKTINFO:
                    destination, index = struct.unpack_from("=16si", value)
        return Arrival(
            data=data,
            peer=ipaddress.ip_address(source.partition("%")[0]),
            local_address=ipaddress.ip_address(destination),
            interface=_interface(index),
            port=self.port,
            ttl=ttl,
        )


class Sender:
    """Sends the packets of one session; opens its socket anew when that has failed."""

    def __init__(self, path: BFDPath, config: BFDConfig) -> None:
        self._path = path
        self._port = config.destination_port
        self._socket: socket.socket | None = None
        self._source_port: int | None = None

    def send(self, data: bytes) -> None:
        """Send a packet; raise OSError if it cannot be."""
        try:
            if self._socket is None:
                self._socket = self._open()
            self._socket.sendto(data, self._address(self._path.peer, self._port))
        except OSError:
            # The interface may have gone, and come back as another one.
            self.close()
            raise

    def close(self) -> None:
        """Release the socket; the next packet opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _open(self) -> socket.socket:
        path = self._path
        sock = socket.socket(_family(path.peer.version), socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            if path.peer.version == 4:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, _TTL)
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _TRAFFIC_CLASS)
            else:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, _TTL)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _TRAFFIC_CLASS)
            if path.interface is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, path.interface.encode() + b"\0")
            self._bind(sock)
        except BaseException:
            sock.close()
            raise
        return sock

    def _bind(self, sock: socket.socket) -> None:
        """Bind to a source port that is the session's own, and the same as before if there was one (RFC 5881 4)."""
        ports = random.sample(SOURCE_PORTS, _TRIES)
        for port in ports if self._source_port is None else (self._source_port, *ports):
            try:
                sock.bind(self._address(self._path.local_address, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                self._source_port = port
                return
        raise OSError(errno.EADDRINUSE, f"none of {_TRIES} source ports is free")

    def _address(self, address: Address | None, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
        """What the socket module calls an address and a port."""
        if self._path.peer.version == 4:
            return "" if address is None else str(address), port
        scope = 0
        if address is not None and address.is_link_local and self._path.interface is not None:
            scope = socket.if_nametoindex(self._path.interface)
        return "" if address is None else str(address).partition("%")[0], port, 0, scope


def _family(version: int) -> socket.AddressFamily:
    return socket.AF_INET if version == 4 else socket.AF_INET6


def _interface(index: int) -> str | None:
    try:
        return socket.if_indextoname(index)
    except OSError:  # gone meanwhile
        return None
