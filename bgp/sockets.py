"""TCP sockets as a peer's configuration wants them: options of the Linux kernel, and what it says when it refuses.

Two kinds of failures are told apart. What somebody asked for and this machine cannot do is a `LocalError` that names the
setting, its value, and what is missing (a privilege, a kernel option, a device); the kernel's own error is its cause. All
else, such as an unreachable network or too many open files, is an `OSError` as always.

Sockets speak one version of IP each: those for IPv6 have IPV6_V6ONLY, so no IPv4 address ever comes in the clothes of
an IPv6 one, and a key for 192.0.2.0/24 need not be set twice.

A listening socket serves peers that want different things, hence what is strict can be set only on the connection that
it accepted, when TCP is up already. The SYN that began it is kept for that (TCP_SAVE_SYN): `admit` first has the
kernel be strict from now on, then looks whether that SYN would have passed. So a host too far away, or one without
the password, may see its handshake succeed, but is reset before anything it said is read. For the same reason listening sockets send
with a TTL of 255: the SYN-ACK has to please a peer that checks.
"""

import errno
import os
import socket
import struct
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Address, IPv6Network
from typing import Final

import attrs

from bgp.config import PeerConfig
from bgp.errors import LocalError
from bgp.values import Address, any_address

Network = IPv4Network | IPv6Network

BACKLOG: Final = 128
"""How many connections may wait in the kernel to be accepted."""

LISTENING_TTL: Final = 255
LISTENING_DSCP: Final = 48


def dialling(config: PeerConfig) -> socket.socket:
    """Make a socket to connect to a peer with, bound and signing as configured, not blocking."""
    peer = _peer_address(config)
    sock = socket.socket(_family(peer), socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        _restrict(sock, config.interface)
        _adjust(sock, config)
        if config.password is not None:
            set_key(sock, host_network(peer), config.password)
        if config.local_address is not None:
            _bind_for(sock, config.local_address, peer, config.interface)
    except BaseException:
        sock.close()
        raise
    return sock


def destination(config: PeerConfig) -> tuple[str, int] | tuple[str, int, int, int]:
    """Where to connect to, as `connect` takes it. Raises `LocalError` if the interface in a zone is not there."""
    return _sockaddr(_peer_address(config), config.port, config.interface)


def listening(
    address: Address, port: int, interface: str | None = None, keys: Mapping[Network, bytes] | None = None
) -> socket.socket:
    """Make a socket that listens, with keys in force before the first SYN comes, not blocking.

    Raises `LocalError` if the address is not ours, the port is taken or needs a privilege, or an option is refused.
    """
    sock = socket.socket(_family(address), socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _restrict(sock, interface)
        _set_ttl(sock, LISTENING_TTL, "listening")
        _set_dscp(sock, LISTENING_DSCP)
        _SAVE_SYN.set(sock, 1, "listening")
        for network, password in (keys or {}).items():
            set_key(sock, network, password)
        _bind(sock, _sockaddr(address, port, interface), f"cannot listen on {address} port {port}")
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def admit(sock: socket.socket, config: PeerConfig) -> None:
    """Make an accepted socket what the peer's configuration wants.

    Raises `LocalError` if an option is refused, and if the SYN came from too far away (RFC 5082) or was not signed.
    """
    _adjust(sock, config)
    if config.password is not None:
        # It inherits the key that signed the SYN; but the password may be another one by now.
        set_key(sock, host_network(_peer_address(config)), config.password)
    if config.password is None and config.ttl_security is None:
        return
    syn = _SYN.of(sock)
    if config.ttl_security is not None and syn.ttl < _minimum_ttl(config.ttl_security):
        raise LocalError(
            f"its SYN came with TTL {syn.ttl}, ttl_security {config.ttl_security} wants"
            f" {_minimum_ttl(config.ttl_security)} or more"
        )
    if config.password is not None and not syn.is_signed:
        raise LocalError("its SYN was not signed, although there is a password")


def reset_on_close(sock: socket.socket) -> None:
    """Let `close` send a RST, forget what was not sent yet, and keep no state: no FIN_WAIT, no TIME_WAIT."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
