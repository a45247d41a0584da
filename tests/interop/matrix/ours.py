"""Our side of a session of the matrix: a `Speaker` that plays a neighbour, and notes what happens."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final, TypeVar

import attrs

import bgp
from bgp import AddPathDirection, Event, Prefix, Route, RoutesReceived
from bgp.policy import accept_all
from bgp.speaker import Peer, Speaker
from bgp.stream import EventsLost
from tests.conditions import DEADLINE, until
from tests.interop.matrix.neighbours import NEIGHBOURS, RESTART_TIME, ROUTER_AS, Neighbour
from tests.interop.matrix.router import Seen

_BOTH: Final = AddPathDirection.SEND | AddPathDirection.RECEIVE
_RESTART: Final = bgp.GracefulRestartConfig(restart_time=RESTART_TIME)
_EventT = TypeVar("_EventT", bound=Event)


@attrs.frozen(eq=False)
class Side:
    """A speaker with one peer, the router."""

    speaker: Speaker
    peer: Peer
    events: list[Event] = attrs.field(factory=list)
    """All that has happened so far."""

    def of(self, kind: type[_EventT]) -> list[_EventT]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    async def wait_for(self, kind: type[_EventT]) -> _EventT:
        """Wait until there has been an event of a kind, and return the first."""
        await until(lambda: self.of(kind))
        return self.of(kind)[0]

    def count(self, family: bgp.Family = bgp.IPV4_UNICAST) -> int:
        """How many routes of the router's there are."""
        return len(self.peer.received(family))

    def routes(self, family: bgp.Family = bgp.IPV4_UNICAST) -> list[Seen]:
        """The router's routes."""
        return list(map(_seen, self.peer.received(family)))

    def prefixes(self, family: bgp.Family = bgp.IPV4_UNICAST) -> set[str]:
        """Their prefixes."""
        return {str(route.prefix) for route in self.peer.received(family)}

    def find(self, prefix: str) -> list[Seen]:
        """Its routes to a prefix."""
        family = bgp.IPV6_UNICAST if ":" in prefix else bgp.IPV4_UNICAST
        return [_seen(route) for route in self.peer.received(family) if str(route.prefix) == prefix]

    def announcements(self, prefix: str) -> int:
        """How often it has announced a prefix."""
        return sum(Prefix(prefix) in event.announced for event in self.of(RoutesReceived))

    def withdrawals(self, prefix: str) -> int:
        """How often it has withdrawn one."""
        return sum(Prefix(prefix) in event.withdrawn for event in self.of(RoutesReceived))


@contextlib.asynccontextmanager
async def speaking(
    neighbour: Neighbour, *, restarting: bool = False, listening: bool = False, **options: Any
) -> AsyncIterator[Side]:
    """Play a neighbour; `options` are those of `add_peer` beside those that follow from it."""
    async with Speaker(
        local_as=neighbour.asn, router_id=router_id(neighbour), restarting=restarting
    ) as speaker:
        if listening:
            await speaker.listen(neighbour.address)
        side = Side(speaker, speaker.add_peer(neighbour.router_address, **options_of(neighbour) | options))
        noting = asyncio.create_task(_note(side))
        yield side
    await noting


@contextlib.asynccontextmanager
async def connected(neighbour: Neighbour, *routes: Route | str, **options: Any) -> AsyncIterator[Side]:
    """Play a neighbour that announces these routes, and wait for the session."""
    async with speaking(neighbour, **options) as side:
        side.speaker.announce(*routes)
        await established(side.peer)
        yield side


async def established(*peers: Peer) -> None:
    """Wait for sessions."""
    async with asyncio.timeout(DEADLINE):
        for peer in peers:
            await peer.wait_established()


def options_of(neighbour: Neighbour) -> dict[str, Any]:
    """What `add_peer` has to be told of the router by the neighbour."""
    families = [bgp.IPV4_UNICAST] * neighbour.ipv4 + [bgp.IPV6_UNICAST] * neighbour.ipv6
    return {
        "peer_as": ROUTER_AS,
        "local_address": neighbour.address,
        "families": families,
        "idle_hold_time": 0.05,
        "connect_retry_time": 1.0,
        "import_policy": accept_all,
        "password": neighbour.password,
        "add_path": dict.fromkeys(families, _BOTH) if neighbour.add_path else {},
        "extended_next_hop": [(bgp.IPV4_UNICAST, bgp.AFI.IPV6)] if neighbour.extended_next_hop else [],
        "graceful_restart": _RESTART if neighbour.graceful_restart else None,
        "ttl_security": 1 if neighbour.ttl_security else None,
    }


def router_id(neighbour: Neighbour) -> str:
    """One that no other neighbour has; it is larger than the router's for every other one of them."""
    number = NEIGHBOURS.index(neighbour)
    return f"{(10, 203)[number % 2]}.0.113.{number}"


async def _note(side: Side) -> None:
    async for event in side.peer.events():
        if not isinstance(event, EventsLost):
            side.events.append(event)


def _seen(route: Route) -> Seen:
    attributes = route.attributes
    extended = map(str, attributes.extended_communities or ())
    return Seen(
        prefix=str(route.prefix),
        next_hop=str(route.next_hop.nearest) if route.next_hop else "",
        as_path=route.as_path.asns,
        communities=frozenset(map(str, attributes.communities or ())),
        large_communities=frozenset(map(str, attributes.large_communities or ())),
        route_targets=frozenset(each.removeprefix("rt:") for each in extended if each.startswith("rt:")),
        med=route.med,
        local_pref=route.local_pref,
        path_id=route.path_id or None,
    )
