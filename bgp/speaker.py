"""A BGP speaker on asyncio: keeps up sessions with peers that it dials or that dial it, announces and passes on routes.

    async with Speaker(local_as=64512, router_id="192.0.2.1") as speaker:
        peer = speaker.add_peer("192.0.2.2", peer_as=64513)
        speaker.announce(bgp.Route("203.0.113.7/32", communities=["64512:100"]))
        await peer.wait_established()
        async for event in peer.events():
            ...

Announcements are declarative. Say at any time what the peers are to have; the library sends the difference, now
or once there is a session. The rules are in router.py, without I/O; a peer's connections are in driver.py. One event
loop per speaker; call everything from within it. Any number of speakers can live in a process.
"""

import asyncio
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from types import TracebackType
from typing import Final, Literal, Self, TypedDict, Unpack, cast

import attrs

from bgp.bfd.config import BFDConfig
from bgp.capabilities import Capability
from bgp.config import Confederation, GracefulRestartConfig, PeerConfig, PrefixLimit
from bgp.decision import Cost
from bgp.driver import Peer, jitter
from bgp.errors import LocalError
from bgp.iana import AddPathDirection, CeaseSubcode, Role
from bgp.listener import Incoming, Listener
from bgp.liveness import Liveness
from bgp.nlri import Destination
from bgp.notification import Notification
from bgp.policy import Policy, check_policy
from bgp.prefix import Family, parse_network
from bgp.route import Route
from bgp.router import Explanation, Router
from bgp.sockets import address_of, destination
from bgp.values import Address, any_address, check_kind, integer, shown

__all__ = ["Peer", "PeerOptions", "PeerRange", "Speaker"]

DEFERRAL_TIME: Final = 120.0
"""How long a restarted speaker waits for its peers' End-of-RIB, in seconds (Selection_Deferral_Timer, RFC 4724 4.1)."""

_POLICIES: Final[tuple[Literal["import_policy", "export_policy"], ...]] = ("import_policy", "export_policy")


class PeerSettings(TypedDict, total=False):
    """The fields of `PeerConfig`, in the forms in which people write them."""

    peer_as: int | None
    local_as: int
    router_id: str | IPv4Address | None
    port: int
    local_address: str | Address | None
    password: str | bytes | None
    interface: str | None
    ttl: int | None
    ttl_security: int | None
    user_timeout: float | None
    dscp: int
    bfd: BFDConfig | None
    hold_time: int
    passive: bool
    send_hold_time: float | None
    connect_retry_time: float
    idle_hold_time: float
    delay_open_time: float
    families: Iterable[Family]
    add_path: Mapping[Family, AddPathDirection]
    extended_next_hop: Iterable[tuple[Family, int]]
    extended_message: bool
    route_refresh: bool
    graceful_restart: GracefulRestartConfig | None
    role: Role | None
    role_strict: bool
    capabilities: Iterable[Capability]
    next_hop_self: bool
    next_hop_ipv4: str | IPv4Address | None
    next_hop_ipv6: str | IPv6Address | None
    route_reflector_client: bool
    cluster_id: str | IPv4Address | None
    route_server_client: bool
    confederation: Confederation | None
    allow_own_as: int
    advertisement_interval: float
    honour_graceful_shutdown: bool
    reject_as_sets: bool
    prefix_limits: Mapping[Family, PrefixLimit]


class PeerOptions(PeerSettings, total=False):
    """What `Speaker.add_peer` takes beside an address: the fields of `PeerConfig`, with its defaults, and policies."""

    import_policy: Policy | None
    """Judges the peer's routes; None: those of an external peer take no part (RFC 8212), those of others do."""

    export_policy: Policy | None
    """Judges what the peer is told; None: what was announced, and nothing of others."""


class Speaker:
    """A BGP speaker with any number of peers. An async context manager; `close` does what leaving it does."""

    def __init__(
        self,
        *,
        local_as: int | None = None,
        router_id: str | IPv4Address | None = None,
        cluster_id: str | IPv4Address | None = None,
        confederation: Confederation | None = None,
        cost: Cost | None = None,
        restarting: bool = False,
    ) -> None:
        """Take what holds for peers that do not say otherwise.

        `local_as` is our AS number, 1 to 4294967295. `router_id` is our BGP Identifier; None: our IPv4 address on
        each connection. `cluster_id` and `confederation` are as in `PeerConfig`. `cost` rates next hops: how far they
        are, or None where they cannot be reached. `restarting`: this speaker has run before, and packets for its routes
        were forwarded all the time; peers that support graceful restart go on using the routes that they have until
        they are told all of them anew (RFC 4724).
        """
        self._defaults: PeerSettings = {
            "router_id": router_id,
            "cluster_id": cluster_id,
            "confederation": confederation,
        }
        if local_as is not None:
            self._defaults["local_as"] = local_as
        # Which raises for what cannot be, before anybody comes to need it.
        probe: PeerSettings = {"local_as": 1, "peer_as": None, **self._defaults}
        PeerConfig(**probe)
        if cost is not None and not callable(cost):
            raise LocalError(f"cost {shown(cost)}, must be callable, or None")
        check_kind("restarting", restarting, bool)
        self._router = Router(cost=cost, jitter=jitter, restarting=restarting)
        self._peers: dict[tuple[Address, int], Peer] = {}
        self._of_member: dict[object, Peer] = {}
        self._ranges: list[PeerRange] = []
        self._listeners: list[Listener] = []
        self._deferral: asyncio.TimerHandle | None = None
        self._liveness = Liveness()
        self._ended: list[Peer] = []
        self._is_draining = False
        self._is_closed = False

    # Peers.

    @property
    def peers(self) -> list[Peer]:
        """The peers, in the order in which they were added."""
        return list(self._peers.values())

    def add_peer(self, peer: PeerConfig | str | Address, **options: Unpack[PeerOptions]) -> Peer:
        """Add a peer and begin to connect to it.

        Takes the peer's address, or a whole `PeerConfig`, and any field of `PeerConfig`, and policies. Raises
        `LocalError` for what cannot be, such as a second peer at the same address and port. Call it in a running event
        loop.
        """
        config, policies = self._config(peer, options), _policies(options)
        if config.peer_address is None:
            raise LocalError("peer_address is None, must be the address of the peer")
        key = (config.peer_address, config.port)
        if key in self._peers:
            raise LocalError(f"there is a peer at {config.peer_address} port {config.port} already")
        return self._add(config, policies)

    def _add(self, config: PeerConfig, policies: Mapping[str, Policy | None]) -> Peer:
        if self._is_closed:
            raise LocalError("the speaker is closed")
        assert config.peer_address is not None
        asyncio.get_running_loop()  # raises outside of one, before anything has changed
        self._set_key(config.peer_address, None, config.password)
        member = self._router.add(config, **policies)
        peer = Peer(member, self._router, self._look_around)
        self._peers[config.peer_address, config.port] = self._of_member[member] = peer
        if self._router.is_deferring and self._deferral is None:
            self._deferral = asyncio.get_running_loop().call_later(DEFERRAL_TIME, self._release)
        peer.start()
        if self._is_draining:
            peer.drain()
        return peer

    def _config(self, peer: PeerConfig | str | Address, options: PeerOptions) -> PeerConfig:
        given = cast(PeerSettings, {name: value for name, value in options.items() if name not in _POLICIES})
        if isinstance(peer, PeerConfig):
            return attrs.evolve(peer, **given)
        values: PeerSettings = {**self._defaults, **given}
        for name in ("local_as", "peer_as"):
            if name not in values:
                raise LocalError(f"{name} of peer {peer} is not given")
        return PeerConfig(peer_address=peer, **values)

    def change_peer(self, peer: Peer, **options: Unpack[PeerOptions]) -> None:
        """Want something else of a peer, or judge its routes by something else.

        Only a change that the session cannot go on with ends it (Cease / Other Configuration Change), to come back
        right away. Raises `LocalError` for what cannot be; then nothing has changed. Another address is another peer.
        """
        check_kind("peer", peer, Peer)
        if peer not in self._of_member.values():
            raise LocalError(f"peer {peer} has been removed, or is one of another speaker")
        self._router.check_free()
        policies = _policies(options)
        config = self._config(peer.config, options)
        if (config.peer_address, config.port) != (peer.config.peer_address, peer.config.port):
            raise LocalError(
                f"peer {peer} cannot move to {config.peer_address} port {config.port}: add another"
            )
        assert config.peer_address is not None
        self._set_key(config.peer_address, peer.config.password, config.password)
        if config != peer.config:
            peer.reconfigure(config)
        peer.change_policies(policies)

    async def remove_peer(self, peer: Peer) -> None:
        """End the session with Cease / Peer De-configured, which withdraws all routes, and forget the peer.

        Nothing happens to a peer that is removed already. Raises `LocalError` for one of another speaker.
        """
        check_kind("peer", peer, Peer)
        if peer in self._of_member.values():
            self._forget(peer, Notification.cease(CeaseSubcode.PEER_DE_CONFIGURED))
        elif not peer.is_ended:
            raise LocalError(f"peer {peer} is one of another speaker")
        await peer.wait_closed()

    def _forget(self, peer: Peer, farewell: Notification) -> None:
        for each in self._ranges:
            each.peers.discard(peer)
        peer.end(farewell)
        config = peer.config
        assert config.peer_address is not None
        del self._peers[config.peer_address, config.port], self._of_member[peer.member]
        self._liveness.forget(peer)
        self._set_key(config.peer_address, config.password, None)
        self._router.remove(peer.member)
        self._look_around(peer)

    # Listening.

    async def listen(
        self, address: str | Address | None = None, port: int = 179, *, interface: str | None = None
    ) -> Listener:
        """Let peers dial us at an address of ours, or at all (None), beside dialling them.

        Connections from others than peers, and from outside of the ranges (`add_range`), are refused. Raises
        `LocalError` if that is not possible, such as for a port below 1024 without the privilege.
        """
        if self._is_closed:
            raise LocalError("the speaker is closed")
        listener = Listener.open(address, port, self._accept, interface=interface, keys=self._keys())
        self._listeners.append(listener)
        return listener

    def add_range(
        self, network: str | IPv4Network | IPv6Network, *, limit: int = 100, **options: Unpack[PeerOptions]
    ) -> "PeerRange":
        """Take any host of a network that dials us for a peer, at most `limit` at a time; forget it when it is gone.

        The options are those of `add_peer`; without `peer_as` any other AS than ours is welcome. A peer that was added
        by its address is not subject to this, and in a range within a range the narrower one counts. Raises
        `LocalError` for what cannot be, such as a second range of the same network.
        """
        if self._is_closed:
            raise LocalError("the speaker is closed")
        found = parse_network(network)
        if any(each.network == found for each in self._ranges):
            raise LocalError(f"there is a range {found} already")
        settings: PeerOptions = {"peer_as": None, **options, "passive": True}
        self._config(_a_host(found), settings)  # raises for what cannot be
        _policies(settings)
        integer("limit", limit, 1, 65535)
        added = PeerRange(found, limit, settings)
        self._ranges.append(added)
        for listener in self._listeners:
            if password := options.get("password"):
                listener.set_key(found, _octets(password))
        return added

    async def remove_range(self, added: "PeerRange") -> None:
        """Take no more hosts of a network for peers, and remove those that are (Cease / Peer De-configured).

        Nothing happens to a range that is removed already.
        """
        if added not in self._ranges:
            return
        self._ranges.remove(added)
        if added.options.get("password"):
            for listener in self._listeners:
                listener.remove_key(added.network)
        await asyncio.gather(*map(self.remove_peer, list(added.peers)))

    def _accept(self, incoming: Incoming) -> None:
        address = incoming.remote_address
        known = [peer for peer in self._peers.values() if _calls_from(peer.config) == address]
        for peer in known:
            local = peer.config.local_address
            # A link-local one may lack its zone, which is that of the peer.
            if local is None or local.packed == incoming.local_address.packed:
                peer.accept(incoming)
                return
        matching = [each for each in self._ranges if each.welcomes(address)]
        if known or not matching:
            incoming.refuse()
            return
        best = max(matching, key=lambda each: each.network.prefixlen)
        config = self._config(address, best.options)
        peer = self._add(config, _policies(best.options))
        best.peers.add(peer)
        peer.accept(incoming)

    def _keys(self) -> dict[IPv4Network | IPv6Network, bytes]:
        keys = {
            parse_network(str(each.network)): _octets(password)
            for each in self._ranges
            if (password := each.options.get("password"))
        }
        for peer in self._peers.values():
            address = peer.config.peer_address
            if peer.config.password is not None and address is not None:
                keys[parse_network(str(address).partition("%")[0])] = peer.config.password
        return keys

    def _set_key(self, address: Address, old: bytes | None, new: bytes | None) -> None:
        for listener in self._listeners:
            if new is not None:
                listener.set_key(address, new)
            elif old is not None:
                listener.remove_key(address)

    # Routes.

    @property
    def routes(self) -> list[Route]:
        """The routes that were announced to all peers."""
        return self._router.originated

    def announce(self, *routes: Route | Destination | str) -> None:
        """Let all peers, later ones too, have these routes; each replaces the one for its destination."""
        self._router.announce(routes)
        self._wake()

    def withdraw(self, *routes: Route | Destination | str) -> None:
        """Let no peer have these routes any more, but for those announced to a single peer."""
        self._router.withdraw(routes)
        self._wake()

    def replace(self, routes: Iterable[Route | Destination | str]) -> None:
        """State all the routes that all peers are to have; only differences are sent."""
        self._router.replace(routes)
        self._wake()

    def best(self, family: Family) -> list[Route]:
        """The best routes to all destinations of a family (Loc-RIB)."""
        return self._router.best(family)

    def explain(self, prefix: Destination | str) -> list[Explanation]:
        """All routes to a destination, the best first, and why each other is not: print them."""
        return self._router.explain(prefix)

    def next_hops_changed(self) -> None:
        """Judge and rank all routes anew, since `cost` says something else than before."""
        self._router.check_free()
        for member, event in self._router.next_hops_changed():
            self._of_member[member].publish(event)
        self._wake()

    # Between peers.

    def _look_around(self, peer: Peer) -> None:
        """Something happened with a peer: let others know, end what is over."""
        self._wake()
        self._liveness.look_at(peer)
        if self._router.is_deferring and self._router.may_release:
            self._release()
        for each in self._ranges:
            if peer in each.peers and peer.is_gone:
                self._forget(peer, Notification.shutdown())
                return

    def _wake(self) -> None:
        for member in self._router.take_awake():
            if member in self._of_member:  # not once we are closed
                self._of_member[member].look_again()

    def _release(self) -> None:
        if self._deferral is not None:
            self._deferral.cancel()
        self._router.release()
        for peer in self.peers:
            peer.release()

    # The end.

    async def drain(self, seconds: float, communication: str = "") -> None:
        """Let the peers find other ways first, then close: no packet is lost if there are any (RFC 8326).

        All routes get the community GRACEFUL_SHUTDOWN, and for internal peers the lowest LOCAL_PREF; after `seconds`,
        0 to 65535, follows what `close` does. Who cancels this prevents that, but the routes stay as they are.
        """
        check_kind("seconds", seconds, int | float)
        if not 0 <= seconds <= 65535:
            raise LocalError(f"seconds {seconds}, must be 0 to 65535")
        Notification.shutdown(communication)  # raises for a text that is too long before anything is done
        self._is_draining = True
        for peer in self.peers:
            peer.drain()
        await asyncio.sleep(seconds)
        await self.close(communication)

    async def close(self, communication: str = "", *, restarting: bool = False) -> None:
        """Withdraw all routes, end the sessions with Cease / Administrative Shutdown, release everything.

        `communication` tells the peers' operators why, in at most 255 octets of UTF-8 (RFC 9003); `LocalError` is
        raised if it is longer. Takes no longer than two seconds or so, however the peers behave. Nothing can be added
        any more. To call it again, if it was cancelled, waits for what is left.

        `restarting`: withdraw nothing and end TCP, so that peers which support graceful restart keep the routes until a
        speaker that was made with `restarting` comes back in their restart time (RFC 4724).
        """
        farewell = None if restarting else Notification.shutdown(communication)
        self._is_closed = True
        if self._deferral is not None:
            self._deferral.cancel()
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        self._ranges.clear()
        for peer in self.peers:
            peer.end(farewell)
            self._ended.append(peer)
        self._peers.clear()
        self._of_member.clear()
        await asyncio.gather(self._liveness.close(), *(peer.wait_closed() for peer in self._ended))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


@attrs.frozen(eq=False)
class PeerRange:
    """A network whose hosts may become peers; `Speaker.add_range` makes it."""

    network: IPv4Network | IPv6Network
    """The network."""

    limit: int
    """How many of them at a time."""

    options: PeerOptions
    """What is wanted of them."""

    peers: set[Peer] = attrs.field(factory=set, init=False)
    """Those that are there."""

    def welcomes(self, address: Address) -> bool:
        """Whether a host may become a peer now."""
        return any_address(str(address).partition("%")[0]) in self.network and len(self.peers) < self.limit


def _calls_from(config: PeerConfig) -> Address | None:
    """The address that a peer dials us from, its zone named as the system does; None: the zone is not there.

    It may have been typed as a number, or be the `interface`.
    """
    try:
        return address_of(destination(config))
    except LocalError:
        return None


def _policies(options: PeerOptions) -> dict[str, Policy | None]:
    policies: dict[str, Policy | None] = {}
    for name in _POLICIES:
        if name in options:
            policies[name] = options[name]
            check_policy(name, policies[name])
    return policies


def _a_host(network: IPv4Network | IPv6Network) -> Address:
    """Any address of a network that could be a peer's, which 0.0.0.0 is not."""
    return network[0] if network.num_addresses == 1 else network[1]


def _octets(password: str | bytes) -> bytes:
    return password.encode() if isinstance(password, str) else password
