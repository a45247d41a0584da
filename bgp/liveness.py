"""BFD for BGP: sessions of a `BFDMonitor` that watch the paths to peers (RFC 5882).

A BFD session begins with the first BGP session that comes up, which knows the addresses, and stays as long as the peer
wants it. That it cannot come up says nothing, since the peer may not run BFD; only when it was up and fails is the
BGP session given up, at once. If our own monitor breaks down, which starts again by itself, that says nothing either.
"""

import asyncio
from collections.abc import Callable

from bgp.bfd.config import BFDConfig
from bgp.bfd.events import BFDStateChanged
from bgp.bfd.fsm import Reason
from bgp.bfd.monitor import BFDMonitor, MonitoredSession
from bgp.values import Address


class Watch:
    """Watches the path to one peer."""

    def __init__(
        self,
        monitor: BFDMonitor,
        config: BFDConfig,
        addresses: tuple[Address, Address],
        interface: str | None,
        failed: Callable[[bool], None],
    ) -> None:
        """Begin; `failed` is called with whether the peer's forwarding has failed, and not just its control plane."""
        local, remote = addresses
        self.session: MonitoredSession = monitor.add(remote, config, local_address=local, interface=interface)
        self._failed = failed
        self._task = asyncio.get_running_loop().create_task(self._follow())

    async def _follow(self) -> None:
        async for event in self.session.events():
            if not isinstance(event, BFDStateChanged) or not event.is_failure:
                continue
            if event.reason is not Reason.MONITOR_FAILED:
                # RFC 5882 4.3: a peer whose BFD is independent of its control plane tells of its forwarding.
                self._failed(event.remote_is_independent)

    def change(self, config: BFDConfig) -> None:
        """Watch in another way from now on."""
        if config != self.session.config:
            self.session.change(config)

    def close(self) -> None:
        """Watch no more; the peer is told that it is no failure."""
        self._task.cancel()
        self.session.remove()
