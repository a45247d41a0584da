"""What must hold once nothing happens any more: pure comparisons, each of which returns its complaints."""

from collections.abc import Iterator, Mapping

from tests.soak.agent import is_odd
from tests.soak.shown import Shown

_SOME = 5


def same(what: str, expected: Shown, found: Shown) -> Iterator[str]:
    """Whether two sides know the same routes; communities that one side does not tell are not compared."""
    for name, prefixes in (
        ("missing", expected.keys() - found.keys()),
        ("too many", found.keys() - expected.keys()),
    ):
        if prefixes:
            yield f"{what}: {len(prefixes)} {name}: {', '.join(sorted(prefixes)[:_SOME])}"
    for prefix in sorted(expected.keys() & found.keys()):
        (path, communities, med), (its_path, its_communities, its_med) = expected[prefix], found[prefix]
        if communities is None or its_communities is None:
            communities = its_communities = None
        # Some show no MED as 0.
        if (path, communities, med or 0) != (its_path, its_communities, its_med or 0):
            yield f"{what}: {prefix} is {found[prefix]}, not {expected[prefix]}"


def announced(asn: int, routes: Mapping[str, int]) -> Shown:
    """What a peer's routes look like when they arrive."""
    return {
        prefix: (str(asn), (f"64999:{variant}",) if variant else (), 10 * variant or None)
        for prefix, variant in routes.items()
    }


def best(own: Mapping[str, int], sent: Mapping[str, Shown], policies: Mapping[str, str]) -> set[str]:
    """The prefixes to which there must be a best path, by what peers sent and what their import policies take."""
    found = set(own)
    for peer, routes in sent.items():
        found |= {prefix for prefix in routes if takes(policies[peer], prefix)}
    return found


def told(peer: str, best: Mapping[str, str], export: str) -> set[str]:
    """The prefixes that a peer must be told of: the best ones but its own, as its export policy takes them."""
    if export == "none":
        return {prefix for prefix, source in best.items() if not source}
    return {prefix for prefix, source in best.items() if source != peer and takes(export, prefix)}


def takes(policy: str, prefix: str) -> bool:
    """Whether a policy lets a route to a prefix through."""
    return policy in ("all", "tagged") or (policy == "even" and not is_odd(prefix))


def grown(first: Mapping[str, int], now: Mapping[str, int], slack: Mapping[str, int]) -> Iterator[str]:
    """What there is more of than at the first checkpoint, and than is granted."""
    for name, count in now.items():
        if count > first.get(name, 0) + slack.get(name, 0):
            yield f"leak: {count:,} {name}, {first.get(name, 0):,} at the first checkpoint"
