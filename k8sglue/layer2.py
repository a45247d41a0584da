"""Answering for addresses on the interfaces of this node.

Every interface that can carry ARP gets a responder, and all responders own the same addresses: which network an
address belongs to, only the clients know. Interfaces that belong to containers are left out by name, with the list
that MetalLB ships. A responder follows its interface by itself, through all that happens to the link; `rescan`
finds new ones, and gives up those that are gone or have become part of a bridge.
"""

import logging
import re

import attrs

from arp import ConflictPolicy, InterfaceError, PrivilegeError, Settings
from arp.interface import Interface
from arp.links import InterfaceInfo, list_interfaces
from k8sglue.config import IPAddress

_log = logging.getLogger("k8sglue")

_EXCLUDED = re.compile(
    r"(docker|cbr|dummy|virbr|lxcbr|veth|cali|tunl|flannel|kube-ipvs|cni|nodelocaldns|lxc).*|lo"
)

# In a hand-over two nodes own an address for a moment. To fight over it would send clients back to the old one.
_SETTINGS = Settings(conflict_policy=ConflictPolicy.IGNORE)


@attrs.define
class Layer2:
    """The responders of this node."""

    _addresses: frozenset[IPAddress] = attrs.field(init=False, default=frozenset())
    _open: dict[str, Interface] = attrs.field(init=False, factory=dict)
    """By name."""
    _refused: dict[str, str] = attrs.field(init=False, factory=dict)
    """Why an interface could not be opened, so that it is said once."""

    @property
    def interfaces(self) -> list[str]:
        """The names of the interfaces that are answered on."""
        return sorted(self._open)

    def replace(self, addresses: frozenset[IPAddress]) -> None:
        """Own exactly these addresses from now on."""
        for address in sorted(addresses - self._addresses, key=str):
            _log.info("layer 2: answering for %s", address)
        for address in sorted(self._addresses - addresses, key=str):
            _log.info("layer 2: no longer answering for %s", address)
        self._addresses = addresses
        for interface in self._open.values():
            if interface.is_open:  # if not, the next scan opens another one
                interface.replace(addresses)

    def rescan(self) -> None:
        """Open what is new, forget what is gone. Raise PrivilegeError if packet sockets are not allowed."""
        try:
            suitable = {info.name: info for info in list_interfaces() if _is_suitable(info)}
        except InterfaceError as error:
            _log.warning("layer 2: the interfaces can not be listed: %s", error)
            return
        for name in self._open.keys() - suitable.keys():
            self._open.pop(name).close()
        for name in self._refused.keys() - suitable.keys():
            del self._refused[name]
        for name, info in suitable.items():
            known = self._open.get(name)
            if info.up and (known is None or not known.is_open):
                self._open_interface(name)

    def close(self) -> None:
        """Fall silent everywhere."""
        for interface in self._open.values():
            interface.close()
        self._open.clear()

    def _open_interface(self, name: str) -> None:
        self._open.pop(name, None)
        interface = Interface(name, settings=_SETTINGS)
        try:
            interface.open()
        except PrivilegeError:
            raise
        except InterfaceError as error:
            if self._refused.get(name) != str(error):
                _log.warning("layer 2: %s", error)
            self._refused[name] = str(error)
            return
        self._refused.pop(name, None)
        self._open[name] = interface
        interface.replace(self._addresses)


def _is_suitable(info: InterfaceInfo) -> bool:
    return (
        info.broadcast
        and info.mac is not None
        and not (info.noarp or info.loopback or info.enslaved)
        and not _EXCLUDED.fullmatch(info.name)
    )
