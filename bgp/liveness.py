"""BFD for BGP: watches the paths to a speaker's peers by sessions of a `BFDMonitor` (RFC 5882).

A BFD session begins with the first BGP session that comes up, which knows the addresses, and stays as long as the peer
wants it. That it cannot come up says nothing, since the peer may not run BFD; only when it was up and fails is the
BGP session given up, at once. If our own monitor breaks down, which starts again by itself, that says nothing either.

Peers at one address, at different ports, are at the end of one path. They share its BFD session, as RFC 5882 2 wants
it; what was wanted of it last counts.
"""

import asyncio
import logging
from typing import Final

import attrs

from bgp.bfd.config import BFDConfig
from bgp.bfd.events import BFDStateChanged
from bgp.bfd.fsm import Reason
from bgp.bfd.monitor import BFDMonitor, MonitoredSession
from bgp.bfd.table import BFDPath
from bgp.driver import Peer
from bgp.errors import LocalError
from bgp.values import Address

_log: Final = logging.getLogger("bgp")


@attrs.frozen
class _Wanted:
    """What a peer wants to be watched, and how."""

    addresses: tuple[Address, Address]
    interface: str | None
    config: BFDConfig

    @property
    def path(self) -> BFDPath:
        """Where it leads."""
        local, remote = self.addresses
        # A zone says more than the interface, which may be the VRF around it.
        interface = None if remote.is_link_local else self.interface
        return BFDPath(peer=remote, local_address=local, interface=interface)

    def is_of(self, session: MonitoredSession) -> bool:
        """Whether a session can be changed into this."""
        return session.path == self.path and _kind(session.config) == _kind(self.config)


def _kind(config: BFDConfig) -> tuple[int, int, bool]:
    return config.destination_port, config.listening_port, config.multihop


class _Watch:
    """Tells one peer when the path to it fails."""

    def __init__(self, peer: Peer, session: MonitoredSession) -> None:
        self.session = session
        self._task = asyncio.get_running_loop().create_task(_follow(peer, session))

    def close(self) -> None:
        """Tell it no more."""
        self._task.cancel()


async def _follow(peer: Peer, session: MonitoredSession) -> None:
    async for event in session.events():
        if not isinstance(event, BFDStateChanged) or not event.is_failure:
            continue
        if event.reason is not Reason.MONITOR_FAILED:
            # RFC 5882 4.3: a peer whose BFD is independent of its control plane tells of its forwarding.
            peer.path_failed(event.reason.value, forwarding=event.remote_is_independent)


class Liveness:
    """The watched paths of a speaker. The process behind them starts with the first one."""

    def __init__(self) -> None:
        self._monitor: BFDMonitor | None = None
        self._wanted: dict[Peer, _Wanted] = {}
        self._watches: dict[Peer, _Watch] = {}

    def look_at(self, peer: Peer) -> None:
        """Watch the path to a peer as is wanted now, from its first session on; call it whenever something changes."""
        config, old = peer.config.bfd, self._wanted.get(peer)
        if config is None:
            self.forget(peer)
            return
        # Without a session, it is still the path of the last one.
        addresses = old.addresses if old is not None else None
        if peer.opens is not None:
            addresses = peer.addresses
        if addresses is None:
            return
        wanted = _Wanted(addresses, peer.config.interface, config)
        if wanted != old:
            self._wanted[peer] = wanted
            try:
                self._watch(peer, wanted)
            except LocalError as error:
                _log.error("peer %s: no BFD: %s", peer, error)

    def forget(self, peer: Peer) -> None:
        """Watch the path no more; the BFD peer is told that it is no failure."""
        self._wanted.pop(peer, None)
        self._unwatch(peer)

    async def close(self) -> None:
        """Watch nothing any more, and end the process; takes two seconds at most."""
        for peer in list(self._wanted):
            self.forget(peer)
        if self._monitor is not None:
            await self._monitor.close()

    def _watch(self, peer: Peer, wanted: _Wanted) -> None:
        if self._monitor is None:
            self._monitor = BFDMonitor()
        session = next(filter(wanted.is_of, self._monitor.sessions), None)
        watch = self._watches.get(peer)
        if watch is not None and watch.session is not session:
            self._unwatch(peer)
        if session is None:
            path = wanted.path
            session = self._monitor.add(
                path.peer, wanted.config, local_address=path.local_address, interface=path.interface
            )
        else:
            session.change(wanted.config)
        if peer not in self._watches:
            self._watches[peer], peer.bfd = _Watch(peer, session), session

    def _unwatch(self, peer: Peer) -> None:
        watch = self._watches.pop(peer, None)
        if watch is None:
            return
        watch.close()
        peer.bfd = None
        if all(other.session is not watch.session for other in self._watches.values()):
            watch.session.remove()
