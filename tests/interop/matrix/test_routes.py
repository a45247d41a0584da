"""The matrix: routes and what they carry."""

from collections.abc import Set

import bgp
from bgp import IPV4_UNICAST, IPV6_UNICAST, Route
from bgp.events import RefreshRequested
from tests.conditions import until
from tests.interop.matrix.neighbours import (
    COMMUNITY,
    LABELLED4,
    LABELLED6,
    LARGE_COMMUNITY,
    NEXT_HOP6,
    OTHERS,
    PLAIN4,
    PLAIN6,
    ROUTE_TARGET,
    ROUTER4,
    ROUTER6,
    ROUTER_AS,
    ROUTER_LINK_LOCAL,
    TEN_THOUSAND,
    TWO_PATHS,
    Neighbour,
)
from tests.interop.matrix.ours import Side, connected
from tests.interop.matrix.router import Router, Seen
from tests.interop.netns import needs_namespaces

pytestmark = [*needs_namespaces]

A, B = "203.0.113.1/32", "203.0.113.2/32"
A6, B6 = "2001:db8:a::/48", "2001:db8:b::/48"
LATE = "198.51.102.0/24"


def one(routes: list[Seen], prefix: str) -> Seen:
    """The only route to a prefix."""
    (found,) = [route for route in routes if route.prefix == prefix]
    return found


async def test_ipv4_to_it(router: Router, neighbour: Neighbour) -> None:
    async with connected(neighbour, Route(A, communities=["64500:1", "no-export"], med=7), B) as side:
        await until(lambda: router.count(neighbour) == 2)
        routes = router.routes(neighbour)
        assert {route.prefix for route in routes} == {A, B}
        first, second = one(routes, A), one(routes, B)
        assert first.next_hop == second.next_hop == neighbour.address
        assert first.as_path == (neighbour.asn,)
        assert first.communities == {"64500:1", "65535:65281"}
        assert second.communities == frozenset()
        assert first.med == 7
        side.peer.announce(Route(A, communities=["64500:2"], as_path=[neighbour.asn, 64499]))
        await until(lambda: one(router.routes(neighbour), A).communities == {"64500:2"})
        assert one(router.routes(neighbour), A).as_path == (neighbour.asn, neighbour.asn, 64499)
        side.speaker.withdraw(B)
        await until(lambda: {route.prefix for route in router.routes(neighbour)} == {A})


async def test_ipv4_from_it(router: Router, neighbour: Neighbour) -> None:
    async with connected(neighbour) as side:
        await until(lambda: {PLAIN4, LABELLED4} <= side.prefixes())
        (route,) = side.find(PLAIN4)
        assert (route.next_hop, route.as_path) == (ROUTER4, (ROUTER_AS,))
        router.announce(LATE)
        await until(lambda: side.find(LATE))
        router.withdraw(LATE)
        await until(lambda: not side.find(LATE))
        assert side.find(PLAIN4)


async def test_ipv6(router: Router, neighbour: Neighbour) -> None:
    async with connected(neighbour, Route(A6, communities=["64500:1"]), B6) as side:
        await until(lambda: {route.prefix for route in router.routes(neighbour, IPV6_UNICAST)} == {A6, B6})
        route = one(router.routes(neighbour, IPV6_UNICAST), A6)
        assert (route.next_hop, route.as_path) == (neighbour.address, (neighbour.asn,))
        assert route.communities == {"64500:1"}
        await until(lambda: {PLAIN6, LABELLED6} <= side.prefixes(IPV6_UNICAST))
        (route,) = side.find(PLAIN6)
        assert (route.next_hop, route.as_path) == (ROUTER6, (ROUTER_AS,))
        side.speaker.withdraw(A6)
        await until(lambda: {route.prefix for route in router.routes(neighbour, IPV6_UNICAST)} == {B6})


async def test_ipv6_over_ipv4_to_it(router: Router, neighbour: Neighbour) -> None:
    async with connected(neighbour, A, Route(A6, next_hop=NEXT_HOP6)):
        await until(lambda: router.routes(neighbour, IPV6_UNICAST))
        route = one(router.routes(neighbour, IPV6_UNICAST), A6)
        assert (route.next_hop, route.as_path) == (NEXT_HOP6, (neighbour.asn,))


async def test_ipv4_over_ipv6(router: Router, neighbour: Neighbour) -> None:
    async with connected(neighbour, A) as side:
        await until(lambda: router.routes(neighbour))
        route = one(router.routes(neighbour), A)
        assert (route.next_hop, route.as_path) == (neighbour.address, (neighbour.asn,))
        await until(lambda: side.find(PLAIN4))
        (route,) = side.find(PLAIN4)
        assert (route.next_hop, route.as_path) == (ROUTER6, (ROUTER_AS,))


async def _over_link_local(router: Router, neighbour: Neighbour, to_it: str, from_it: str) -> None:
    family = IPV6_UNICAST if ":" in to_it else IPV4_UNICAST
    async with connected(neighbour, to_it) as side:
        await until(lambda: router.routes(neighbour, family))
        route = one(router.routes(neighbour, family), to_it)
        assert (route.next_hop, route.as_path) == (neighbour.address, (neighbour.asn,))
        await until(lambda: side.find(from_it))
        (route,) = side.find(from_it)
        # Some name an address that is good for more than this link, if they have one.
        assert route.next_hop in (ROUTER6, ROUTER_LINK_LOCAL)
        assert route.as_path == (ROUTER_AS,)


async def test_ipv6_over_link_local(router: Router, neighbour: Neighbour) -> None:
    await _over_link_local(router, neighbour, A6, PLAIN6)


async def test_ipv4_over_link_local(router: Router, neighbour: Neighbour) -> None:
    await _over_link_local(router, neighbour, A, PLAIN4)


async def test_ipv6_over_ipv4_from_it(router: Router, neighbour: Neighbour) -> None:
    async with connected(neighbour) as side:
        await until(lambda: {PLAIN6, LABELLED6} <= side.prefixes(IPV6_UNICAST))
        (route,) = side.find(PLAIN6)
        assert (route.next_hop, route.as_path) == (ROUTER6, (ROUTER_AS,))


async def test_communities_from_it(router: Router, neighbour: Neighbour) -> None:
    async with connected(neighbour) as side:
        await until(lambda: {PLAIN4, LABELLED4} <= side.prefixes())
        (plain,), (labelled,) = side.find(PLAIN4), side.find(LABELLED4)
        assert labelled.communities == {COMMUNITY}
        assert labelled.large_communities == {LARGE_COMMUNITY}
        assert labelled.route_targets == {ROUTE_TARGET}
        assert not plain.communities | plain.large_communities | plain.route_targets


async def test_communities_to_it(router: Router, neighbour: Neighbour) -> None:
    route = Route(
        A,
        communities=[COMMUNITY, "no-export"],
        large_communities=[LARGE_COMMUNITY],
        extended_communities=[f"rt:{ROUTE_TARGET}"],
    )
    async with connected(neighbour, route, B):
        await until(lambda: router.count(neighbour) == 2)
        first, second = one(router.routes(neighbour), A), one(router.routes(neighbour), B)
        assert first.communities == {COMMUNITY, "65535:65281"}
        assert first.large_communities == {LARGE_COMMUNITY}
        assert first.route_targets == {ROUTE_TARGET}
        assert not second.communities | second.large_communities | second.route_targets


async def test_paths_to_it(router: Router, neighbour: Neighbour) -> None:
    paths = [Route(TWO_PATHS, path_id=n, med=n, as_path=[neighbour.asn] * n) for n in (1, 2)]
    async with connected(neighbour, *paths, A) as side:
        await until(lambda: len(router.routes(neighbour)) == 3)
        found = [route for route in router.routes(neighbour) if route.prefix == TWO_PATHS]
        assert {(route.med, len(route.as_path)) for route in found} == {(1, 2), (2, 3)}
        side.speaker.withdraw(paths[0])
        await until(lambda: len(router.routes(neighbour)) == 2)
        assert one(router.routes(neighbour), TWO_PATHS).med == 2


async def test_paths_from_it(router: Router, neighbour: Neighbour) -> None:
    async with connected(neighbour) as side:
        if not router.passes_on:
            await until(lambda: {route.med for route in side.find(TWO_PATHS)} == {1, 2})
            return
        async with connected(OTHERS[0], TWO_PATHS) as first, connected(OTHERS[1], TWO_PATHS):
            sources = {(ROUTER_AS, OTHERS[0].asn), (ROUTER_AS, OTHERS[1].asn)}
            await until(lambda: {route.as_path for route in side.find(TWO_PATHS)} == sources)
            assert len({route.path_id for route in side.find(TWO_PATHS)}) == 2
            first.speaker.withdraw(TWO_PATHS)
            await until(lambda: len(side.find(TWO_PATHS)) == 1)
            assert side.find(TWO_PATHS)[0].as_path == (ROUTER_AS, OTHERS[1].asn)


async def test_many_to_it(router: Router, neighbour: Neighbour) -> None:
    routes = (Route(prefix, communities=[f"64500:{n % 100}"]) for n, prefix in enumerate(TEN_THOUSAND))
    async with connected(neighbour, *routes) as side:
        await until(lambda: router.count(neighbour) == len(TEN_THOUSAND))
        found = {route.prefix: route for route in router.routes(neighbour)}
        assert set(found) == set(TEN_THOUSAND)
        for n in range(0, len(TEN_THOUSAND), 97):
            assert found[TEN_THOUSAND[n]].communities == {f"64500:{n % 100}"}
        side.speaker.replace([])
        await until(lambda: router.count(neighbour) == 0)


async def test_many_from_it(router: Router, neighbour: Neighbour) -> None:
    async with connected(neighbour) as observer:
        if not router.passes_on:
            await _hear_many(observer, (ROUTER_AS,), {COMMUNITY})
            return
        routes = (Route(prefix, communities=["64500:1"]) for prefix in TEN_THOUSAND)
        async with connected(OTHERS[0], *routes):
            await _hear_many(observer, (ROUTER_AS, OTHERS[0].asn), {"64500:1"})
        await until(lambda: not observer.prefixes() & set(TEN_THOUSAND))


async def _hear_many(side: Side, as_path: tuple[int, ...], communities: Set[str]) -> None:
    wanted = set(TEN_THOUSAND)
    await until(lambda: side.count() >= len(wanted) and wanted <= side.prefixes())
    for route in side.routes():
        if route.prefix in wanted:
            assert (route.as_path, route.communities) == (as_path, communities)


async def test_it_asks_for_refresh(router: Router, neighbour: Neighbour) -> None:
    async with connected(neighbour, A) as side:
        await until(lambda: router.count(neighbour) == 1)
        router.refresh(neighbour)
        await side.wait_for(RefreshRequested)
        assert router.count(neighbour) == 1


async def test_we_ask_for_refresh(router: Router, neighbour: Neighbour) -> None:
    async with connected(neighbour) as side:
        await until(lambda: {PLAIN4, LABELLED4} <= side.prefixes())
        heard = side.announcements(PLAIN4)
        side.peer.request_refresh(bgp.IPV4_UNICAST)
        await until(lambda: side.announcements(PLAIN4) > heard)
        assert side.find(PLAIN4)
