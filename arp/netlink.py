"""The kernel's messages about network interfaces and their IPv6 addresses (rtnetlink), as values, without I/O.

Requests are octets to send on a NETLINK_ROUTE socket. `decode` reads what comes back, and what the kernel tells unasked
to those who joined its groups. Everything is in the byte order of the machine. Names stand in linux/rtnetlink.h,
linux/if_link.h and linux/if_addr.h, without their prefixes.

Two kinds of message are not what they look like, and are left out:

- A bridge tells of its ports by the same types, with the family AF_BRIDGE. Its RTM_DELLINK says that an interface is no
  port any more, not that it is gone.
- Wireless drivers wrap their events (a scan has finished, a station is associated) in an RTM_NEWLINK that holds the
  name, the event, and nothing else. Read as a description, it would say that the interface has lost its MAC address.

What an interface lacks is left out of its description, so a missing IFLA_MASTER means that it has none. A move to
another network namespace is told as a removal here, and so it is treated.
"""

import enum
import struct
from collections.abc import Iterator
from ipaddress import IPv6Address

import attrs

from arp.errors import DecodeError
from arp.ethernet import MACAddress

LINK_GROUP = 1
"""RTNLGRP_LINK: whoever joins it is told of every change of an interface."""
IPV6_ADDRESS_GROUP = 9
"""RTNLGRP_IPV6_IFADDR: the same for IPv6 addresses of interfaces."""

_NEWLINK, _DELLINK, _GETLINK = 16, 17, 18
_NEWADDR, _DELADDR, _GETADDR = 20, 21, 22
_ERROR, _DONE = 2, 3
_REQUEST, _DUMP, _DUMP_INTERRUPTED = 0x1, 0x300, 0x10
_AF_UNSPEC, _AF_INET6 = 0, 10
_EXT_MASK, _SKIP_STATS = 29, 8

_MESSAGE = struct.Struct("=IHHII")  # struct nlmsghdr
_LINK = struct.Struct("=BxHiII")  # struct ifinfomsg
_ADDRESS = struct.Struct("=BBBBi")  # struct ifaddrmsg
_ATTRIBUTE = struct.Struct("=HH")  # struct nlattr
_INT = struct.Struct("=i")
_UNSIGNED = struct.Struct("=I")
_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER

_ARPHRD_ETHER = 1
_IFF_UP, _IFF_BROADCAST, _IFF_LOOPBACK, _IFF_RUNNING, _IFF_NOARP = 0x1, 0x2, 0x8, 0x40, 0x80
_IFA_F_DADFAILED, _IFA_F_TENTATIVE = 0x08, 0x40


class _IFLA(enum.IntEnum):
    """Attributes of a link message, linux/if_link.h."""

    ADDRESS = 1
    IFNAME = 3
    LINK = 5
    MASTER = 10
    WIRELESS = 11
    LINKINFO = 18
    CARRIER = 33
    LINK_NETNSID = 37
    EVENT = 44


_INFO_KIND, _INFO_SLAVE_KIND = 1, 4
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8


class LinkEvent(enum.Enum):
    """Why the kernel tells of an interface, where it is more than a change of its description (IFLA_EVENT)."""

    BONDING_FAILOVER = 3
    """A bond sends by another one of its interfaces from now on, and so is behind another port of a switch."""
    NOTIFY_PEERS = 4
    """Neighbours should be told again: a virtual machine was moved, say, or a bond changed over."""


@attrs.frozen(kw_only=True)
class Link:
    """A network interface, as the kernel describes it (RTM_NEWLINK)."""

    index: int
    """The kernel's number for it."""
    name: str
    """Its name."""
    mac: MACAddress | None
    """Its hardware address; None if it is not an Ethernet interface."""
    up: bool
    """Whether it is switched on (IFF_UP)."""
    running: bool
    """Whether frames can pass (IFF_RUNNING): it is on, has a carrier and, on a wireless link, is admitted."""
    broadcast: bool
    """Whether a frame can be sent to all stations (IFF_BROADCAST)."""
    noarp: bool
    """Whether ARP is switched off (IFF_NOARP)."""
    loopback: bool
    """Whether it leads only back to this host (IFF_LOOPBACK)."""
    carrier: bool | None
    """Whether the cable is plugged in, or what stands for a cable; None if the kernel does not tell."""
    master: int | None
    """Index of the bridge, bond or VRF that it is part of."""
    master_kind: str | None
    """What that is: bridge, bond, vrf, team, openvswitch."""
    parent: int | None
    """Index of the interface below a VLAN or macvlan one; None also if that is in another network namespace."""
    kind: str | None
    """Who made it: vlan, macvlan, veth, bridge, bond; None for hardware."""
    event: LinkEvent | None = attrs.field(default=None, eq=False)
    """Why it is told just now; no part of the description, nor of equality."""


@attrs.frozen
class LinkRemoved:
    """An interface is gone (RTM_DELLINK)."""

    index: int
    """The number that it had."""


@attrs.frozen
class AddressFound:
    """An interface has an IPv6 address (RTM_NEWADDR)."""

    index: int
    """Which interface."""
    address: IPv6Address
    """The address."""
    usable: bool
    """Whether one may send from it: duplicate address detection is over, and found none (RFC 4862 5.4)."""


@attrs.frozen
class AddressRemoved:
    """An interface does not have this IPv6 address any more (RTM_DELADDR)."""

    index: int
    """Which interface."""
    address: IPv6Address
    """The address."""


@attrs.frozen
class Refused:
    """The kernel does not do what was asked (NLMSG_ERROR)."""

    errno: int
    """Why, as in the module `errno`."""


@attrs.frozen
class ListEnd:
    """A list is complete (NLMSG_DONE)."""


@attrs.frozen
class ListInterrupted:
    """Something changed while the list was written (NLM_F_DUMP_INTR): it may lack something."""


Message = Link | LinkRemoved | AddressFound | AddressRemoved | Refused | ListEnd | ListInterrupted
"""What `decode` gives."""


def link_request(name: str) -> bytes:
    """Ask for the interface of a name: answered by a `Link`, or by `Refused` with ENODEV if there is none.

    The name must have 1 to 15 octets.
    """
    octets = name.encode(errors="surrogateescape") + b"\0"
    return _request(_GETLINK, _REQUEST, _LINK.pack(0, 0, 0, 0, 0) + _attribute(_IFLA.IFNAME, octets))


def links_request() -> bytes:
    """Ask for all interfaces: answered by a `Link` each, and `ListEnd`."""
    return _request(_GETLINK, _REQUEST | _DUMP, _LINK.pack(0, 0, 0, 0, 0))


def ipv6_addresses_request() -> bytes:
    """Ask for the IPv6 addresses of all interfaces: answered by an `AddressFound` each, and `ListEnd`."""
    return _request(_GETADDR, _REQUEST | _DUMP, _ADDRESS.pack(_AF_INET6, 0, 0, 0, 0))


def _request(kind: int, flags: int, body: bytes) -> bytes:
    if kind == _GETLINK:
        body += _attribute(_EXT_MASK, _UNSIGNED.pack(_SKIP_STATS))  # counters are most of a description
    return _MESSAGE.pack(_MESSAGE.size + len(body), kind, flags, 0, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def decode(data: bytes) -> list[Message]:
    """Read what was received at once. Messages of other types, families and kinds of event are left out.

    Raises `DecodeError` for octets that the kernel does not send.
    """
    return list(_messages(data))


def _messages(data: bytes) -> Iterator[Message]:
    position = 0
    while position < len(data):
        if len(data) - position < _MESSAGE.size:
            raise DecodeError(f"netlink header of {len(data) - position} octets, must have {_MESSAGE.size}")
        length, kind, flags, _, _ = _MESSAGE.unpack_from(data, position)
        if not _MESSAGE.size <= length <= len(data) - position:
            raise DecodeError(
                f"netlink message of {length} octets, must have {_MESSAGE.size} to {len(data) - position}"
            )
        if flags & _DUMP_INTERRUPTED:
            yield ListInterrupted()
        message = _message(kind, data[position + _MESSAGE.size : position + length])
        if message is not None:
            yield message
        position += length + -length % 4


def _message(kind: int, body: bytes) -> Message | None:
    if kind in (_NEWLINK, _DELLINK):
        return _link(kind, body)
    if kind in (_NEWADDR, _DELADDR):
        return _address(kind, body)
    if kind == _ERROR:
        (number,) = _unpack(_INT, body[: _INT.size], "netlink error")
        return Refused(-number)
    return ListEnd() if kind == _DONE else None


def _link(kind: int, body: bytes) -> Link | LinkRemoved | None:
    family, hardware, index, flags, _ = _unpack(_LINK, body[: _LINK.size], "link message")
    if family != _AF_UNSPEC:
        return None
    if kind == _DELLINK:
        return LinkRemoved(index)
    found = _attributes(body[_LINK.size :])
    if _IFLA.WIRELESS in found:
        return None
    if _IFLA.IFNAME not in found:
        raise DecodeError(f"link message about interface {index} without a name")
    mac = found.get(_IFLA.ADDRESS, b"") if hardware == _ARPHRD_ETHER else b""
    info = _attributes(found.get(_IFLA.LINKINFO, b""))
    carrier = found.get(_IFLA.CARRIER)
    master_kind, made_by = info.get(_INFO_SLAVE_KIND), info.get(_INFO_KIND)
    return Link(
        index=index,
        name=_text(found[_IFLA.IFNAME]),
        mac=MACAddress(mac) if len(mac) == 6 else None,
        up=bool(flags & _IFF_UP),
        running=bool(flags & _IFF_RUNNING),
        broadcast=bool(flags & _IFF_BROADCAST),
        noarp=bool(flags & _IFF_NOARP),
        loopback=bool(flags & _IFF_LOOPBACK),
        carrier=None if carrier is None else any(carrier),
        master=_number(found, _IFLA.MASTER),
        master_kind=None if master_kind is None else _text(master_kind),
        parent=_parent(found, made_by),
        kind=None if made_by is None else _text(made_by),
        event=_event(found),
    )


def _parent(found: dict[int, bytes], made_by: bytes | None) -> int | None:
    # A peer in a veth pair is no parent, and an index of another namespace is of no use here. Tunnels have index 0.
    if made_by == b"veth\0" or _IFLA.LINK_NETNSID in found:
        return None
    return _number(found, _IFLA.LINK) or None


def _event(found: dict[int, bytes]) -> LinkEvent | None:
    try:
        return LinkEvent(_number(found, _IFLA.EVENT))
    except ValueError:
        return None  # none, or one of no importance here


def _address(kind: int, body: bytes) -> AddressFound | AddressRemoved | None:
    family, _, flags, _, index = _unpack(_ADDRESS, body[: _ADDRESS.size], "address message")
    if family != _AF_INET6:
        return None
    found = _attributes(body[_ADDRESS.size :])
    octets = found.get(_IFA_LOCAL) or found.get(
        _IFA_ADDRESS, b""
    )  # LOCAL is there only beside a peer's ADDRESS
    if len(octets) != 16:
        raise DecodeError(f"IPv6 address of {len(octets)} octets on interface {index}, must have 16")
    address = IPv6Address(octets)
    if kind == _DELADDR:
        return AddressRemoved(index, address)
    all_flags = _number(found, _IFA_FLAGS) or flags
    return AddressFound(index, address, usable=not all_flags & (_IFA_F_TENTATIVE | _IFA_F_DADFAILED))


def _attributes(data: bytes) -> dict[int, bytes]:
    found, position = {}, 0
    while position < len(data):
        length, kind = _unpack(_ATTRIBUTE, data[position : position + _ATTRIBUTE.size], "netlink attribute")
        if not _ATTRIBUTE.size <= length <= len(data) - position:
            raise DecodeError(
                f"netlink attribute of {length} octets, must have {_ATTRIBUTE.size} to {len(data) - position}"
            )
        found[kind & _TYPE_MASK] = data[position + _ATTRIBUTE.size : position + length]
        position += length + -length % 4
    return found


def _number(found: dict[int, bytes], kind: int) -> int | None:
    if kind not in found:
        return None
    (number,) = _unpack(_INT, found[kind], "number in a netlink attribute")
    return int(number)


def _text(octets: bytes) -> str:
    return octets.rstrip(b"\0").decode(errors="surrogateescape")


def _unpack(form: struct.Struct, octets: bytes, what: str) -> tuple[int, ...]:
    if len(octets) != form.size:
        raise DecodeError(f"{what} of {len(octets)} octets, must have {form.size}")
    return form.unpack(octets)
