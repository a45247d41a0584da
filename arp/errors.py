"""Everything that this package raises on purpose, as one tree under `ARPError`.

Who is to blame decides the branch: `DecodeError` blames the bytes, and so whoever sent them; `LocalError` blames the
caller; `InterfaceError` blames the machine. A responder raises none of them for a frame: what it will not
answer is a `Reason`, a value.
"""


class ARPError(Exception):
    """The root of all errors of this package."""


class DecodeError(ARPError):
    """These bytes are not the frame or packet that was asked for; the message tells what was found instead."""


class LocalError(ARPError, ValueError):
    """The caller passed a value that cannot be put on the wire, or called out of turn."""


class AddressError(LocalError):
    """This is no address, or not one that can be used here (a multicast address to answer for, say)."""


class InterfaceError(ARPError):
    """A network interface cannot be used; the message begins with its name."""


class InterfaceNotFoundError(InterfaceError):
    """No interface has this name, in this network namespace."""


class InterfaceDownError(InterfaceError):
    """The interface is down, went down or was removed; open it anew once it is back."""


class InterfaceClosedError(InterfaceError):
    """The interface was not opened yet, or has been closed."""


class NotEthernetError(InterfaceError):
    """The interface does not carry Ethernet frames with ARP: a tunnel, the loopback, or one marked NOARP."""


class PrivilegeError(InterfaceError):
    """The process may not open packet sockets: it lacks CAP_NET_RAW."""
