"""Answering for addresses on the interfaces of this node.

Every interface that can carry ARP gets a responder, and all responders own the same addresses: which network an
address belongs to, only the clients know. Interfaces that belong to containers are left out by name, with the list
that MetalLB ships. Interfaces come and go; `rescan` follows them.
"""

import logging
import re

import attrs

from arp import InterfaceError, PrivilegeError
from arp.interface import Interface, InterfaceInfo, list_interfaces
from k8sglue.config import IPAddress

_log = logging.getLogger("k8sglue")

_EXCLUDED = re.compile(
    r"(docker|cbr|dummy|virbr|lxcbr|veth|cali|tunl|flannel|kube-ipvs|cni|nodelocaldns|lxc).*|lo"
)


@attrs.define
class Layer2:
    """The responders of this node."""

    _addresses: frozenset[IPAddress] = attrs.field(init=False, default=frozenset())
    _open: dict[tuple[int, str], Interface] = attrs.field(init=False, factory=dict)
    """By index and name: an interface that is made anew under its old name is another one."""
    _refused: dict[tuple[int, str], str] = attrs.field(init=False, factory=dict)
    """Why an interface could not be opened, so that it is said once."""

    @property
    def interfaces(self) -> list[str]:
        """The names of the interfaces that are answered on."""
        return sorted(interface.name for interface in self._open.values())

    def replace(self, addresses: frozenset[IPAddress]) -> None:
        """Own exactly these addresses from now on."""
        for address in sorted(addresses - self._addresses, key=str):
            _log.info("layer 2: answering for %s", address)
        for address in sorted(self._addresses - addresses, key=str):
            _log.info("layer 2: no longer answering for %s", address)
        self._addresses = addresses
        for interface in self._open.values():
            self._hand_over(interface)

    def rescan(self) -> None:
        """Open what is new, forget what is gone. Raise PrivilegeError if packet sockets are not allowed."""
        try:
            usable = {(info.index, info.name): info for info in list_interfaces() if _is_usable(info)}
        except OSError as error:
            _log.warning("layer 2: the interfaces can not be listed: %s", error)
            return
        for key in self._open.keys() - usable.keys():
            self._open.pop(key).close()
        for key in self._refused.keys() - usable.keys():
            del self._refused[key]
        for key, info in usable.items():
            known = self._open.get(key)
            if known is not None and known.is_open and known.info.mac == info.mac:
                continue
            if known is not None:
                known.close()
            self._open_interface(key)

    def close(self) -> None:
        """Fall silent everywhere."""
        for interface in self._open.values():
            interface.close()
        self._open.clear()

    def _open_interface(self, key: tuple[int, str]) -> None:
        self._open.pop(key, None)
        interface = Interface(key[1])
        try:
            interface.open()
        except PrivilegeError:
            raise
        except InterfaceError as error:
            if self._refused.get(key) != str(error):
                _log.warning("layer 2: %s", error)
            self._refused[key] = str(error)
            return
        self._refused.pop(key, None)
        self._open[key] = interface
        self._hand_over(interface)

    def _hand_over(self, interface: Interface) -> None:
        try:
            interface.replace(self._addresses)
        except InterfaceError as error:
            # It has just gone down or away; the next scan finds it again if it comes back.
            _log.warning("layer 2: %s", error)


def _is_usable(info: InterfaceInfo) -> bool:
    return (
        info.up
        and info.broadcast
        and info.mac is not None
        and not (info.noarp or info.loopback or info.enslaved)
        and not _EXCLUDED.fullmatch(info.name)
    )
