"""The program that announces addresses, one on every node: watch -> desired -> `bgp` and `arp`.

It holds no rule of its own. What changes in the cluster, or in who is alive, wakes it up; desired.py says what this
node should announce; and the two libraries are told the whole of it, and send the difference.
"""

import asyncio
import json
import logging
import time
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import TypeVar

import attrs

from arp import MACAddress
from bgp import IPV4_UNICAST, IPV6_UNICAST, BGPError
from bgp import speaker as bgp_speaker
from k8sglue.cluster import Source, SourceError
from k8sglue.config import IPAddress, Peer
from k8sglue.desired import Cluster, Desired, Silence, Verdict, desire, versions
from k8sglue.inforce import CONFIG_KINDS, ConfigInForce
from k8sglue.layer2 import Layer2
from k8sglue.membership import MACS_ANNOTATION, SESSIONS_ANNOTATION, Membership, lease_name, macs
from k8sglue.resources import Key, Kind
from k8sglue.running import run_beside, wait_at_most

_log = logging.getLogger("k8sglue")

KINDS = (Kind.SERVICE, Kind.ENDPOINT_SLICE, Kind.NODE, Kind.LEASE, *CONFIG_KINDS)
"""What the speaker watches."""

A = TypeVar("A", IPv4Address, IPv6Address)

_FAMILIES = {4: IPV4_UNICAST, 6: IPV6_UNICAST}
_RESCAN_INTERVAL = 2.0
_GOODBYE_TIME = 2.0


@attrs.define
class Speaker:
    """Announces what its node should announce, until cancelled."""

    source: Source
    config_key: Key
    """The ConfigMap's namespace and name."""
    node_name: str
    lb_class: str = ""
    """The `loadBalancerClass` of the Services that it announces; empty for those without one."""
    _config: ConfigInForce = attrs.field(init=False)
    _membership: Membership = attrs.field(init=False)
    _alive: frozenset[str] = attrs.field(init=False, default=frozenset())
    _wake: asyncio.Event = attrs.field(init=False, factory=asyncio.Event)
    _layer2: Layer2 = attrs.field(init=False, factory=Layer2)
    _bgp: bgp_speaker.Speaker = attrs.field(init=False, factory=bgp_speaker.Speaker)
    _peers: dict[Peer, bgp_speaker.Peer] = attrs.field(init=False, factory=dict)
    _refused_peers: set[Peer] = attrs.field(init=False, factory=set)
    _friends: frozenset[MACAddress] = attrs.field(init=False, default=frozenset())
    """The hardware addresses of the other speakers."""
    _verdicts: dict[Key, Verdict] = attrs.field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self._config = ConfigInForce(self.config_key)
        self._membership = Membership(self.node_name)
        self.source.store.subscribe(self._wake.set)

    async def run(self) -> None:
        """Work until cancelled; then withdraw everything and say goodbye.

        Raise SourceError if the source can not be used at all, arp.PrivilegeError without CAP_NET_RAW.
        """
        self._layer2.rescan()
        interfaces = ", ".join(self._layer2.interfaces) or "no interface"
        _log.info("node %s, layer 2 on %s", self.node_name, interfaces)
        try:
            await run_beside(self.source.run(), self._run())
        finally:
            await self._say_goodbye()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_interfaces())
            tasks.create_task(self._follow_cluster())
            tasks.create_task(self._keep_heartbeat())

    async def _follow_interfaces(self) -> None:
        while True:
            await asyncio.sleep(_RESCAN_INTERVAL)
            self._layer2.rescan()

    async def _keep_heartbeat(self) -> None:
        failed = False
        while True:
            sessions = {peer.endpoint: running.state.value for peer, running in self._peers.items()}
            annotations = {
                SESSIONS_ANNOTATION: json.dumps(sessions, sort_keys=True),
                MACS_ANNOTATION: json.dumps([str(mac) for mac in self._layer2.macs]),
            }
            try:
                await self.source.renew_lease(lease_name(self.node_name), self.node_name, annotations)
                failed = False
            except SourceError as error:
                if not failed:
                    _log.warning("heartbeat: %s", error)
                failed = True
            await self._clear_away_the_dead()
            await asyncio.sleep(self.source.heartbeat_interval)

    async def _clear_away_the_dead(self) -> None:
        """Remove the Leases of speakers that have missed theirs for long.

        Whoever starts later can not know that they are old, and would take them for alive at first.
        """
        for holder in self._membership.long_dead(time.monotonic()):
            try:
                await self.source.release_lease(lease_name(holder))
                _log.info("node %s: its speaker is gone, and so is its Lease now", holder)
            except SourceError as error:
                _log.warning("%s", error)

    async def _follow_cluster(self) -> None:
        while True:
            now = time.monotonic()
            expiry = self._membership.next_timeout(now)
            pause = None if expiry is None else expiry - now
            await wait_at_most(self._wake, pause)
            self._wake.clear()
            self._befriend_speakers()
            if self.source.store.synced and self._has_changed():
                await self._apply(self._desired())

    def _befriend_speakers(self) -> None:
        """Have speakers not fight each other: they may own one address for a moment, as views of the cluster differ."""
        friends = macs(self.source.store.leases.values(), self.node_name)
        if friends != self._friends:
            self._friends = friends
            self._layer2.befriend(friends)

    def _has_changed(self) -> bool:
        """Tell whether anything changed that matters: of heartbeats, only who is alive does."""
        store = self.source.store
        now = time.monotonic()
        self._config.update(store)
        self._membership.observe(store.leases.values(), now)
        before, self._alive = self._alive, self._membership.alive(now)
        return any(kind is not Kind.LEASE for kind, _ in store.take_changes()) or self._alive != before

    def _desired(self) -> Desired:
        store = self.source.store
        cluster = Cluster(
            config=self._config.config,
            services=store.services,
            endpoint_slices=store.endpoint_slices,
            nodes=store.nodes,
            alive=self._alive,
            lb_class=self.lb_class,
        )
        return desire(cluster, self.node_name)

    async def _apply(self, desired: Desired) -> None:
        self._tell(desired)
        self._layer2.replace(desired.addresses)
        await self._apply_peers(desired.peers, desired.next_hops)
        self._bgp.replace(desired.routes)

    async def _apply_peers(self, wanted: tuple[Peer, ...], next_hops: frozenset[IPAddress]) -> None:
        gone = [self._peers.pop(peer) for peer in self._peers.keys() - set(wanted)]
        await asyncio.gather(*map(self._bgp.remove_peer, gone))
        self._refused_peers &= set(wanted)
        for peer in wanted:
            address = peer.address
            if address is None or peer in self._refused_peers:
                continue
            options = _options(peer, address, next_hops)
            try:
                if peer in self._peers:
                    self._bgp.change_peer(self._peers[peer], **options)
                else:
                    self._peers[peer] = self._bgp.add_peer(address, **options)
            except BGPError as error:
                _log.warning("peer %s: %s", peer.endpoint, error)
                self._refused_peers.add(peer)

    def _tell(self, desired: Desired) -> None:
        """Log what became of each Service, if that is new."""
        for key, verdict in desired.services.items():
            if verdict == self._verdicts.get(key):
                continue
            for announcement in verdict.announced:
                _log.info(
                    "Service %s: announcing %s by %s", key, announcement.address, announcement.protocol.value
                )
            for refusal in verdict.refused:
                if refusal.reason is not Silence.NOT_LOAD_BALANCER:
                    _log.info("Service %s: not announced: %s", key, refusal)
        for key in self._verdicts.keys() - desired.services.keys():
            _log.info("Service %s: gone", key)
        self._verdicts = dict(desired.services)

    async def _say_goodbye(self) -> None:
        """Let the others take over, then fall silent."""
        try:
            async with asyncio.timeout(_GOODBYE_TIME):
                await self.source.release_lease(lease_name(self.node_name))
        except (SourceError, TimeoutError) as error:
            _log.warning(
                "the heartbeat could not be taken back, so others have to wait for its end: %s", error
            )
        # The others answer from now on; BGP takes a moment to say goodbye.
        self._layer2.close()
        await self._bgp.close()
        _log.info("node %s: all withdrawn", self.node_name)


def _options(peer: Peer, address: IPAddress, next_hops: frozenset[IPAddress]) -> bgp_speaker.PeerOptions:
    """Say what to agree on with a peer, and where routes lead that are not of the session's own family."""
    by_ipv4 = address.version == 4
    return {
        "peer_as": peer.accepted_asn,
        "local_as": peer.my_asn,
        "port": peer.port,
        "hold_time": int(peer.hold_time),
        "router_id": peer.router_id,
        "password": peer.password or None,
        "families": [_FAMILIES[version] for version in versions(peer, next_hops)],
        "next_hop_ipv4": None if by_ipv4 else _of_kind(IPv4Address, next_hops),
        "next_hop_ipv6": _of_kind(IPv6Address, next_hops) if by_ipv4 else None,
    }


def _of_kind(kind: type[A], addresses: Iterable[IPAddress]) -> A | None:
    return next((address for address in addresses if isinstance(address, kind)), None)
