"""Listening for peers: a socket for each version of IP, the keys of all peers, and who may come in.

    listener = Listener.open(None, 179, accept)     # accept: Callable[[Incoming], None]
    listener.set_key("192.0.2.0/24", b"secret")

For each connection `accept` is called with an `Incoming`, and decides, then or later: `claim` it for a peer or `refuse`
it. A refused connection is reset. Nothing was said on it, so nothing can be lost; FIN would leave a socket in
TIME_WAIT for every attempt, and whoever knocks a thousand times a second would fill the machine with them. How many
may wait for the decision is bounded; one more is refused.

Running out of descriptors must not end listening, nor spin: new connections then wait in the kernel for a second, and
the log says it once.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, Self

from bgp.config import PeerConfig, check_interface
from bgp.errors import LocalError
from bgp.sockets import (
    Network,
    SocketAddress,
    address_of,
    admit,
    listening,
    only,
    remove_key,
    reset_on_close,
    set_key,
)
from bgp.values import Address, any_address, integer, shown

MAX_WAITING: Final = 64
"""Connections that may wait for somebody to claim or refuse them."""

PAUSE: Final = 1.0
"""Seconds without accepting when the system has no descriptor or no memory for one more socket."""

_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_AT_ONCE: Final = 64  # connections to accept before it is the turn of others in the event loop

_log = logging.getLogger("bgp")


class Incoming:
    """A connection that a peer has opened: nobody's until it is claimed."""

    def __init__(self, sock: socket.socket, remote_address: Address, waiting: "set[Incoming]") -> None:
        self.local_address: Final = address_of(sock.getsockname())
        """Our address, a link-local one with its zone."""
        self.remote_address: Final = remote_address
        """The peer's address, a link-local one with its zone."""
        self._socket: socket.socket | None = sock
        self._waiting = waiting
        waiting.add(self)

    def claim(self, config: PeerConfig) -> socket.socket:
        """Return the socket, for `Connection.accepted`, with the options that the configuration of its peer wants.

        Raises `LocalError`, and refuses the connection, if it came from too far away or is not signed as it has to be,
        or if the system refuses an option. Raises it as well if somebody has claimed or refused it already.
        """
        if self._socket is None:
            raise LocalError(f"the connection from {self.remote_address} is claimed or refused already")
        try:
            admit(self._socket, self.remote_address, config)
        except BaseException:
            self.refuse()
            raise
        sock, self._socket = self._socket, None
        self._waiting.discard(self)
        return sock

    def refuse(self) -> None:
        """Reset the connection; nothing happens if somebody has claimed or refused it already."""
        if self._socket is not None:
            _reset(self._socket)
        self._socket = None
        self._waiting.discard(self)


class Listener:
    """Takes connections on a port; `Listener.open` makes it."""

    def __init__(self, sockets: list[socket.socket], accept: Callable[[Incoming], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._sockets = sockets
        self._accept = accept
        self._waiting: set[Incoming] = set()
        self._is_exhausted = False
        self._resumption: asyncio.TimerHandle | None = None
        self._watch()

    @classmethod
    def open(
        cls,
        address: str | Address | None,
        port: int,
        accept: Callable[[Incoming], None],
        *,
        interface: str | None = None,
        keys: Mapping[Network, bytes] | None = None,
    ) -> Self:
        """Listen, and call `accept` with each connection from now on. Call it in a running event loop.

        `address` None is every address of both versions of IP, as far as the machine has them. `port` is 1 to 65535;
        with an address it may be 0, for any that is free. `interface` restricts it to a device or a VRF. `keys` are for
        `set_key`, in force before the first connection. Raises `LocalError` for an address that is not ours, a port
        that is taken or needs a privilege, and whatever else this machine cannot do.
        """
        integer("port", port, 1 if address is None else 0, 65535)
        if interface is not None:
            check_interface(interface)
        sockets: list[socket.socket] = []
        try:
            for one in _EVERYWHERE if address is None else [any_address(address)]:
                sockets += _listening(one, port, interface, keys or {})
            if not sockets:
                raise LocalError(f"cannot listen on {address} port {port}: no IP of this version here")
            return cls(sockets, accept)
        except BaseException:
            for sock in sockets:
                sock.close()
            raise

    @property
    def addresses(self) -> list[tuple[Address, int]]:
        """The addresses and ports that it listens on; none once it is closed."""
        return [(address_of(found), found[1]) for found in (sock.getsockname() for sock in self._sockets)]

    def set_key(self, network: str | Address | Network, password: bytes) -> None:
        """Demand of all hosts of a network that they sign (TCP MD5, RFC 2385) with a key of 1 to 80 octets.

        It replaces the key that the network has. Where networks overlap, the longest prefix counts. Established
        connections go on with the key that they have. A key for a version of IP that is not listened on has no
        effect. Raises `LocalError` if the system refuses it.
        """
        where = _network(network)
        for sock in self._of_version(where.version):
            set_key(sock, where, password)

    def remove_key(self, network: str | Address | Network) -> None:
        """Demand it no more; raise `LocalError` if there is no key for precisely this network."""
        where = _network(network)
        for sock in self._of_version(where.version):
            remove_key(sock, where)

    def close(self) -> None:
        """Listen no more; refuse whatever nobody has claimed."""
        self._unwatch()
        for sock in self._sockets:
            sock.close()
        self._sockets = []
        for incoming in list(self._waiting):
            incoming.refuse()

    def _of_version(self, version: int) -> list[socket.socket]:
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        return [sock for sock in self._sockets if sock.family == family]

    def _watch(self) -> None:
        self._resumption = None
        for sock in self._sockets:
            self._loop.add_reader(sock, self._accept_several, sock)

    def _unwatch(self) -> None:
        if self._resumption is not None:
            self._resumption.cancel()
        for sock in self._sockets:
            self._loop.remove_reader(sock)

    def _accept_several(self, listening_socket: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                sock, found = listening_socket.accept()
            except OSError as error:
                # Mostly there is nothing to accept any more, and at times what there was is gone again.
                if error.errno in _EXHAUSTED:
                    self._pause(error)
                return
            self._is_exhausted = False
            self._offer(sock, found)

    def _offer(self, sock: socket.socket, found: SocketAddress) -> None:
        sock.setblocking(False)
        remote_address = address_of(found)
        if len(self._waiting) >= MAX_WAITING:
            _log.debug("connection from %s refused: %s others wait", remote_address, MAX_WAITING)
            _reset(sock)
            return
        incoming = Incoming(sock, remote_address, self._waiting)
        try:
            self._accept(incoming)
        except BaseException:
            incoming.refuse()
            raise

    def _pause(self, error: OSError) -> None:
        if not self._is_exhausted:
            _log.error("cannot accept connections: %s; trying again every %s s", error.strerror, PAUSE)
        self._is_exhausted = True
        self._unwatch()
        self._resumption = self._loop.call_later(PAUSE, self._watch)


_EVERYWHERE: Final[list[Address]] = [IPv4Address("0.0.0.0"), IPv6Address("::")]


def _listening(
    address: Address, port: int, interface: str | None, keys: Mapping[Network, bytes]
) -> list[socket.socket]:
    own = {network: key for network, key in keys.items() if network.version == address.version}
    try:
        return [listening(address, port, interface=interface, keys=own)]
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:
            return []
        raise


def _network(value: str | Address | Network) -> Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    if isinstance(value, str) and "/" in value:
        try:
            return ip_network(value)
        except ValueError as error:
            raise LocalError(f"{shown(value)} is not a network: {error}") from error
    return only(any_address(value))


def _reset(sock: socket.socket) -> None:
    reset_on_close(sock)
    sock.close()
