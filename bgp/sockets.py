"""TCP sockets as a peer's configuration wants them: options of the Linux kernel, and what it says when it refuses.

Two kinds of failures are told apart. What somebody asked for and this machine cannot do is a `LocalError` that names
the setting, its value, and what is missing: a privilege, a kernel option, a device. The kernel's own error is its
cause. All else, such as a network out of reach or too many open files, is an `OSError` as always.

A socket speaks one version of IP. Those for IPv6 have IPV6_V6ONLY, so no IPv4 address ever comes in the clothes of an
IPv6 one, and no key has to be set for both.

A listening socket serves peers that want different things, hence what is strict can be set only on a connection that
it has accepted, when TCP is up already. So `admit` first makes the kernel strict from now on, and then looks whether
the SYN that began it all, which the kernel kept (TCP_SAVE_SYN), would have passed. A host too far away may see its
handshake succeed, but what it sends is not read, and it is reset. What is left to it is to guess, in the moment
between the handshake of a peer and `admit`, the sequence numbers of that. For the same reason a listening socket
sends with a TTL of 255: its SYN-ACK has to please a peer that checks.
"""

import errno
import socket
import struct
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import Final

import attrs

from bgp.config import PeerConfig
from bgp.errors import LocalError
from bgp.syn import Syn
from bgp.values import Address, any_address

Network = IPv4Network | IPv6Network

SocketAddress = tuple[str, int] | tuple[str, int, int, int]
"""What the socket module takes and returns: address and port; for IPv6 also flow label and number of the zone."""

_MAX_PASSWORD: Final = 80  # TCP_MD5SIG_MAXKEYLEN
_LISTENING_TTL: Final = 255
_LISTENING_DSCP: Final = 48
_BACKLOG: Final = 128  # connections that the kernel holds until they are accepted
_MAX_DEVICE: Final = 16  # IFNAMSIZ
_MAX_SYN: Final = 1024  # octets of two headers: 120, but for extension headers; as much as Python reads

# What the socket module lacks: linux/in.h, linux/in6.h, linux/tcp.h.
_IP_MINTTL: Final = 21
_IPV6_MINHOPCOUNT: Final = 73
_TCP_SAVE_SYN: Final = 27
_TCP_SAVED_SYN: Final = 28
_TCP_MD5SIG_EXT: Final = 32
_TCP_MD5SIG_FLAG_PREFIX: Final = 1


@attrs.frozen
class _Option:
    """A socket option, and what is missing when the kernel refuses it with a certain error."""

    name: str
    level: int
    number: int
    missing: Mapping[int, str] = attrs.field(factory=dict)

    def set(self, sock: socket.socket, value: int | bytes, setting: str) -> None:
        """Set it. `setting` is what the user knows it as, with the value."""
        try:
            sock.setsockopt(self.level, self.number, value)
        except OSError as error:
            raise LocalError(f"{setting}: no {self.name}: {_reason(error, self.missing)}") from error


_NOT_KNOWN = {errno.ENOPROTOOPT: "the kernel does not know it"}

_DEVICE = _Option(
    "SO_BINDTODEVICE",
    socket.SOL_SOCKET,
    socket.SO_BINDTODEVICE,
    {errno.ENODEV: "there is no such interface", errno.EPERM: "needs CAP_NET_RAW"},
)
_KEY = _Option(
    "TCP_MD5SIG_EXT",
    socket.IPPROTO_TCP,
    _TCP_MD5SIG_EXT,
    {
        errno.ENOPROTOOPT: "needs Linux 4.13 or newer with CONFIG_TCP_MD5SIG",
        errno.ENOMEM: "net.core.optmem_max leaves no room for one more",
        errno.ENOENT: "there is none",
    },
)
_SAVE_SYN = _Option("TCP_SAVE_SYN", socket.IPPROTO_TCP, _TCP_SAVE_SYN, _NOT_KNOWN)
_USER_TIMEOUT = _Option("TCP_USER_TIMEOUT", socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _NOT_KNOWN)

_TTL = {
    socket.AF_INET: _Option("IP_TTL", socket.IPPROTO_IP, socket.IP_TTL),
    socket.AF_INET6: _Option("IPV6_UNICAST_HOPS", socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS),
}
_LEAST_TTL = {
    socket.AF_INET: _Option("IP_MINTTL", socket.IPPROTO_IP, _IP_MINTTL, _NOT_KNOWN),
    socket.AF_INET6: _Option("IPV6_MINHOPCOUNT", socket.IPPROTO_IPV6, _IPV6_MINHOPCOUNT, _NOT_KNOWN),
}
_TRAFFIC_CLASS = {
    socket.AF_INET: _Option("IP_TOS", socket.IPPROTO_IP, socket.IP_TOS),
    socket.AF_INET6: _Option("IPV6_TCLASS", socket.IPPROTO_IPV6, socket.IPV6_TCLASS),
}

_BINDING = {
    errno.EACCES: "needs CAP_NET_BIND_SERVICE, or another port, such as port=1790",
    errno.EADDRINUSE: "something listens there already",
    errno.EADDRNOTAVAIL: "not an address of this machine",
}


# Sockets.


def dialling(config: PeerConfig) -> socket.socket:
    """Make a socket to connect to a peer with: bound, signing, not blocking.

    Raises `LocalError` for what this machine cannot do.
    """
    peer = _peer_address(config)
    sock = _new(peer)
    try:
        if config.interface is not None:
            _bind_to_device(sock, config.interface)
        _adjust(sock, config)
        if config.password is not None:
            set_key(sock, only(peer), config.password)
        if config.local_address is not None:
            _bind(
                sock,
                _source(config.local_address, peer, config.interface),
                f"local_address {config.local_address}",
            )
    except BaseException:
        sock.close()
        raise
    return sock


def destination(config: PeerConfig) -> SocketAddress:
    """Where to connect to, as `connect` takes it. Raises `LocalError` for a zone that is missing or not there."""
    return _socket_address("peer_address", _peer_address(config), config.port, config.interface)


def listening(
    address: Address, port: int, *, interface: str | None = None, keys: Mapping[Network, bytes] | None = None
) -> socket.socket:
    """Make a socket that listens, not blocking, with keys that hold before the first SYN comes.

    Raises `LocalError` if the address is not ours, if the port is taken or needs a privilege, and for what else this
    machine cannot do.
    """
    sock = _new(address)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if interface is not None:
            _bind_to_device(sock, interface)
        _TTL[sock.family].set(sock, _LISTENING_TTL, "listening")
        _TRAFFIC_CLASS[sock.family].set(sock, _LISTENING_DSCP << 2, "listening")
        _SAVE_SYN.set(sock, 1, "listening")
        for network, password in (keys or {}).items():
            set_key(sock, network, password)
        where = _socket_address("address", address, port, interface)
        _bind(sock, where, f"cannot listen on {address} port {port}")
        sock.listen(_BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def admit(sock: socket.socket, peer: Address, config: PeerConfig) -> None:
    """Make of a socket that was accepted from a peer what the configuration wants.

    Raises `LocalError` for what this machine cannot do, and if the SYN came from too far away (RFC 5082 3) or was not
    signed though there is a password. Call it once: the kernel tells but once what the SYN was.
    """
    if config.interface is not None and config.interface != _device(sock):
        # What comes by another way is dropped from now on.
        _bind_to_device(sock, config.interface)
    _adjust(sock, config)
    if config.password is None and config.ttl_security is None:
        return
    syn = _saved_syn(sock)
    if syn is None:
        raise LocalError("nothing is known of its SYN, which ttl_security and a password have to see")
    if config.ttl_security is not None and syn.ttl < _least_ttl(config.ttl_security):
        wanted = f"ttl_security {config.ttl_security} wants {_least_ttl(config.ttl_security)} or more"
        raise LocalError(f"its SYN came with a TTL of {syn.ttl}, {wanted}")
    if config.password is not None:
        if not syn.is_signed:
            raise LocalError("its SYN was not signed, though there is a password")
        # It has the key that the SYN was signed with; by now the password may be another one.
        set_key(sock, only(peer), config.password)


def reset_on_close(sock: socket.socket) -> None:
    """Let `close` send a RST, drop what is not sent yet, and leave no state behind: no FIN_WAIT, no TIME_WAIT."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


# Keys.


def set_key(sock: socket.socket, network: Network, password: bytes) -> None:
    """Demand of all hosts of a network that they sign with a key, 1 to 80 octets (TCP MD5, RFC 2385).

    Where several networks have keys, the longest prefix counts. Zones make no difference: a link-local address has one
    key on all interfaces.
    """
    if not 1 <= len(password) <= _MAX_PASSWORD:
        raise LocalError(f"password of {len(password)} octets, must be 1 to {_MAX_PASSWORD}")
    _KEY.set(sock, _tcp_md5sig(network, password), f"password for {network}")


def remove_key(sock: socket.socket, network: Network) -> None:
    """Demand it no more. Raises `LocalError` if there is no key for precisely this network."""
    _KEY.set(sock, _tcp_md5sig(network, b""), f"password for {network}")


def only(address: Address) -> Network:
    """The network of one address."""
    return IPv4Network(address) if isinstance(address, IPv4Address) else IPv6Network(address.packed)


def _tcp_md5sig(network: Network, password: bytes) -> bytes:
    """struct tcp_md5sig of linux/tcp.h: a sockaddr_storage, flags, prefix length, key length, interface, key."""
    if network.version == 4:
        address = struct.pack("=HH4s", socket.AF_INET, 0, network.network_address.packed)
    else:
        address = struct.pack("=HHI16s", socket.AF_INET6, 0, 0, network.network_address.packed)
    flags = _TCP_MD5SIG_FLAG_PREFIX
    return struct.pack("=128sBBHi80s", address, flags, network.prefixlen, len(password), 0, password)


# Addresses.


def address_of(found: SocketAddress) -> Address:
    """The address in what the socket module returns, a link-local one with its zone."""
    text, zone = found[0].partition("%")[0], found[3] if len(found) == 4 else 0
    return any_address(f"{text}%{_zone_name(zone)}" if zone else text)


def _zone_name(zone: int) -> str:
    try:
        return socket.if_indextoname(zone)
    except OSError:
        # The interface has just been taken away. A number is a name as well (RFC 4007 11.2).
        return str(zone)


def _peer_address(config: PeerConfig) -> Address:
    assert config.peer_address is not None, "the speaker takes no peer without an address"
    return config.peer_address


def _source(address: Address, peer: Address, interface: str | None) -> SocketAddress:
    zone = None if isinstance(peer, IPv4Address) else peer.scope_id
    return _socket_address("local_address", address, 0, interface or zone)


def _socket_address(name: str, address: Address, port: int, interface: str | None) -> SocketAddress:
    """An address as the socket module takes it; a link-local one without a zone is on `interface`."""
    if isinstance(address, IPv4Address):
        return str(address), port
    zone = address.scope_id or (interface if address.is_link_local else None)
    if zone is None and address.is_link_local:
        raise LocalError(f"{name} {address}, must have a zone, such as {address}%eth0")
    text = str(address).partition("%")[0]
    return text, port, 0, _index(f"{name} {address}", zone) if zone else 0


def _index(setting: str, zone: str) -> int:
    if zone.isdecimal():
        return int(zone)
    try:
        return socket.if_nametoindex(zone)
    except OSError as error:
        raise LocalError(f"{setting}: there is no interface {zone}") from error


# Options.


def _new(address: Address) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return sock


def _bind_to_device(sock: socket.socket, interface: str) -> None:
    _DEVICE.set(sock, interface.encode() + b"\0", f"interface {interface}")


def _device(sock: socket.socket) -> str:
    """The device that a socket is bound to, such as the one of the listening socket; to change it takes a privilege."""
    return (
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, _MAX_DEVICE).partition(b"\0")[0].decode()
    )


def _bind(sock: socket.socket, where: SocketAddress, setting: str) -> None:
    try:
        sock.bind(where)
    except OSError as error:
        raise LocalError(f"{setting}: {_reason(error, _BINDING)}") from error


def _adjust(sock: socket.socket, config: PeerConfig) -> None:
    """Set what may be set at any time."""
    # asyncio does so only for sockets that say that their protocol is TCP, which those from `accept` do not.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if config.ttl_security is not None:
        setting = f"ttl_security {config.ttl_security}"
        _LEAST_TTL[sock.family].set(sock, _least_ttl(config.ttl_security), setting)
        _TTL[sock.family].set(sock, 255, setting)  # RFC 5082 3
    else:
        # -1: the system's. An accepted socket has that of the listening one.
        _TTL[sock.family].set(sock, -1 if config.ttl is None else config.ttl, f"ttl {config.ttl}")
    _TRAFFIC_CLASS[sock.family].set(sock, config.dscp << 2, f"dscp {config.dscp}")
    if config.user_timeout is not None:
        _USER_TIMEOUT.set(sock, round(config.user_timeout * 1000), f"user_timeout {config.user_timeout}")


def _saved_syn(sock: socket.socket) -> Syn | None:
    try:
        headers = sock.getsockopt(socket.IPPROTO_TCP, _TCP_SAVED_SYN, _MAX_SYN)
    except OSError:
        # Longer than that: a fake.
        return None
    # Under a flood of SYNs the kernel answers with cookies and keeps none.
    return Syn.decode(headers) if headers else None


def _least_ttl(hops: int) -> int:
    # A neighbour's packets arrive with 255, and every router on the way takes one off (RFC 5082 3).
    return 256 - hops


def _reason(error: OSError, known: Mapping[int, str]) -> str:
    return known.get(error.errno or 0) or error.strerror or str(error)
