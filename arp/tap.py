"""All ARP and neighbour discovery of an interface, for a person who watches: what it receives, and what it sends.

A responder's sockets see only what comes in for it. Whoever wants to know why an address is not found must see the
answers of this host as well, and the frames of VLANs. Only a socket of every protocol (ETH_P_ALL) shows these. It costs
the kernel a look at each packet of the interface, which is fine while a person watches, and nothing that a responder
should do to its host all the time.

The kernel takes the outermost VLAN tag out of a frame and tells it beside (PACKET_AUXDATA); here it is put back.

The network card lets multicast frames pass only for groups that somebody joined, and solicitations go to groups of
others. So all of multicast is switched on (PACKET_MR_ALLMULTI), and on request all frames whatsoever
(PACKET_MR_PROMISC), which matters where a switch mirrors the traffic of others to this port. Both end with the socket.
"""

import ctypes
import socket
import struct
from typing import Self

import attrs

from arp.bpf import segment_filter
from arp.errors import InterfaceError, InterfaceNotFoundError, NotEthernetError, PrivilegeError
from arp.ethernet import C_TAG
from arp.links import InterfaceInfo, list_interfaces

__all__ = ["Tap"]

_SO_ATTACH_FILTER = 26  # asm-generic/socket.h
_ETH_P_ALL = 0x0003  # linux/if_ether.h
# linux/if_packet.h
_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, _PACKET_STATISTICS, _PACKET_AUXDATA = 263, 1, 6, 8
_PACKET_MR_PROMISC, _PACKET_MR_ALLMULTI = 1, 2
_AUXDATA = struct.Struct("=IIIHHHH")  # struct tpacket_auxdata
_VLAN_VALID, _VLAN_PROTOCOL_VALID = 1 << 4, 1 << 6
_RECEIVE_BUFFER = 4 << 20
_LONGEST_FRAME = 65536
_FRAMES_AT_ONCE = 256
_MACS = 12  # the two addresses, behind which a tag belongs


@attrs.define(eq=False)
class Tap:
    """The frames of one interface, from `open` to `close`; `with` does both."""

    name: str
    """Name of the interface."""
    promiscuous: bool = attrs.field(default=False, kw_only=True)
    """Whether frames to other stations are wanted too."""
    lost: int = attrs.field(init=False, default=0)
    """Frames that were dropped because they were not read in time, as of the last `read`."""
    index: int = attrs.field(init=False, default=0)
    """The kernel's number for the interface that was opened; one that is made anew under its name has another."""
    _socket: socket.socket | None = attrs.field(init=False, default=None, repr=False)

    def open(self) -> None:
        """Begin to collect frames; an interface that is down has none.

        Raises `InterfaceNotFoundError`, `NotEthernetError`, `PrivilegeError` or, should the system have no more
        sockets, a plain `InterfaceError`, and then nothing is left open.
        """
        info = _find(self.name)
        try:
            opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        except PermissionError as error:
            raise PrivilegeError(f"{self.name}: a packet socket needs the capability CAP_NET_RAW") from error
        except OSError as error:
            raise InterfaceError(f"{self.name}: no packet socket ({error.strerror})") from error
        try:
            self._prepare(opened, info.index)
            opened.bind((self.name, _ETH_P_ALL))
        except OSError as error:
            opened.close()
            raise InterfaceError(f"{self.name}: cannot be watched ({error.strerror})") from error
        self._socket, self.index = opened, info.index

    def close(self) -> None:
        """Release everything. Nothing happens if it is not open."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> Self:
        """Open it."""
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def fileno(self) -> int:
        """Give the descriptor to wait for; -1 if it is not open."""
        return -1 if self._socket is None else self._socket.fileno()

    def read(self) -> list[bytes]:
        """Give the frames that wait, up to 256 of them, with their VLAN tags; it never blocks."""
        frames: list[bytes] = []
        while self._socket is not None and len(frames) < _FRAMES_AT_ONCE:
            try:
                frame, beside, _, _ = self._socket.recvmsg(_LONGEST_FRAME, socket.CMSG_SPACE(_AUXDATA.size))
            except BlockingIOError:
                break
            except (
                OSError
            ):  # told once when the interface goes down; when it is up again, there are frames again
                break
            frames.append(_with_tag(frame, beside))
        self._count_lost()
        return frames

    def _count_lost(self) -> None:
        if self._socket is not None:
            _, dropped = struct.unpack("=II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
            self.lost += dropped

    def _prepare(self, opened: socket.socket, index: int) -> None:
        program = segment_filter()
        instructions = ctypes.create_string_buffer(program, len(program))
        # struct sock_fprog: the number of instructions, of 8 octets each, and where they are.
        described = struct.pack("HP", len(program) // 8, ctypes.addressof(instructions))
        opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        opened.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        for kind in (_PACKET_MR_ALLMULTI, _PACKET_MR_PROMISC)[: 1 + self.promiscuous]:
            membership = struct.pack("=iHH8x", index, kind, 0)  # struct packet_mreq
            opened.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, membership)


def _find(name: str) -> InterfaceInfo:
    for info in list_interfaces():
        if info.name == name:
            if info.mac is None:
                raise NotEthernetError(f"{name}: not an Ethernet interface")
            return info
    raise InterfaceNotFoundError(f"{name}: no such interface")


def _with_tag(frame: bytes, beside: list[tuple[int, int, bytes]]) -> bytes:
    for level, kind, data in beside:
        if (level, kind) == (_SOL_PACKET, _PACKET_AUXDATA) and len(data) >= _AUXDATA.size:
            status, _, _, _, _, control, protocol = _AUXDATA.unpack_from(data)
            if status & _VLAN_VALID:
                announced = protocol if status & _VLAN_PROTOCOL_VALID else C_TAG
                tag = struct.pack("!HH", announced, control)
                return frame[:_MACS] + tag + frame[_MACS:]
    return frame
