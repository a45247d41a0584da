"""Answering for addresses on the interfaces of this node, by ARP and Neighbor Discovery.

Every interface that can carry them gets a responder, and all responders own the same addresses: which network an
address belongs to, only the clients know. Interfaces that belong to containers are left out by name, with the list
that MetalLB ships. An interface that goes down, changes its MAC address or is made anew is `arp`'s business; `rescan`
finds those that are new and lets go of those that stay away.
"""

import asyncio
import logging
import re
from collections.abc import Iterable

import attrs

from arp import Conflict, InterfaceError, MACAddress, PrivilegeError, Settings
from arp.interface import EventStream, Interface, InterfaceInfo, list_interfaces
from k8sglue.config import IPAddress

_log = logging.getLogger("k8sglue")

_EXCLUDED = re.compile(
    r"(docker|cbr|dummy|virbr|lxcbr|veth|cali|tunl|flannel|kube-ipvs|cni|nodelocaldns|lxc).*|lo"
)
_PATIENCE = 15
"""An interface is waited for until so many scans in a row have missed it."""


@attrs.define(eq=False)
class _Opened:
    interface: Interface
    events: asyncio.Task[None]
    missed: int = 0
    """Scans in a row that have not found it."""


@attrs.define(eq=False)
class Layer2:
    """The responders of this node."""

    _addresses: frozenset[IPAddress] = attrs.field(init=False, default=frozenset())
    _settings: Settings = attrs.field(init=False, factory=Settings)
    _opened: dict[str, _Opened] = attrs.field(init=False, factory=dict)
    _refused: dict[str, str] = attrs.field(init=False, factory=dict)
    """Why an interface could not be opened, so that it is said once."""

    @property
    def interfaces(self) -> list[str]:
        """The names of the interfaces that are answered on."""
        return sorted(self._opened)

    @property
    def macs(self) -> list[MACAddress]:
        """The hardware addresses that are answered with."""
        return sorted({mac for each in self._open() if (mac := each.info.mac)}, key=str)

    def replace(self, addresses: frozenset[IPAddress]) -> None:
        """Own exactly these addresses from now on."""
        for address in sorted(addresses - self._addresses, key=str):
            _log.info("layer 2: answering for %s", address)
        for address in sorted(self._addresses - addresses, key=str):
            _log.info("layer 2: no longer answering for %s", address)
        self._addresses = addresses
        for interface in self._open():
            interface.replace(addresses)

    def befriend(self, macs: Iterable[MACAddress]) -> None:
        """Take these stations, and no others, for speakers like us: what we own they may own for a moment."""
        self._settings = attrs.evolve(self._settings, friends=frozenset(macs))
        for interface in self._open():
            interface.change_settings(self._settings)

    def rescan(self) -> None:
        """Open what is new, let go of what stays away. Raise PrivilegeError if packet sockets are not allowed."""
        try:
            found = {info.name: info for info in list_interfaces()}
        except (InterfaceError, OSError) as error:
            _log.warning("layer 2: the interfaces can not be listed: %s", error)
            return
        for name, opened in list(self._opened.items()):
            opened.missed = 0 if name in found else opened.missed + 1
            if opened.missed > _PATIENCE or not opened.interface.is_open:
                self._opened.pop(name).interface.close()
        for name in self._refused.keys() - found.keys():
            del self._refused[name]
        for name, info in found.items():
            if name not in self._opened and _is_usable(info):
                self._open_interface(name)

    def close(self) -> None:
        """Fall silent everywhere."""
        for opened in self._opened.values():
            opened.interface.close()
        self._opened.clear()

    def _open(self) -> list[Interface]:
        """Return the interfaces that have not closed by themselves since the last scan."""
        return [opened.interface for opened in self._opened.values() if opened.interface.is_open]

    def _open_interface(self, name: str) -> None:
        interface = Interface(name, settings=self._settings)
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
        self._opened[name] = _Opened(interface, asyncio.create_task(_tell(interface.events())))
        interface.replace(self._addresses)


async def _tell(events: EventStream) -> None:
    """Log what somebody should look into. What becomes of the link, `arp` logs."""
    async for event in events:
        if isinstance(event, Conflict):
            _log.warning(
                "layer 2: %s on %s is also used by %s, which is no speaker: %s",
                event.address,
                event.interface,
                event.mac,
                event.outcome.value,
            )


def _is_usable(info: InterfaceInfo) -> bool:
    return (
        info.up
        and info.broadcast
        and info.mac is not None
        and not (info.noarp or info.loopback or info.enslaved)
        and not _EXCLUDED.fullmatch(info.name)
    )
