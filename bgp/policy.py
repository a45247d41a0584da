"""What to take from a peer, and what to tell it: policies are plain callables.

A policy gets a `Route` and returns it, or a changed copy, or None to refuse it:

    def prefer_the_fast_line(route):
        return route.evolve(local_pref=200) if FAST in route.communities else route  # bgp.Community("64512:1")

An import policy sees a route as the peer sent it; `route.source` says who that is. An export policy sees it as the peer
would get it, our AS in its path and the next hop decided, and has the last word.

A policy judges, and does nothing else to peers: what would change a session or its policies raises `LocalError` while
one is being asked, since the answer may be about that session's routes. `loop.call_soon` does it right afterwards.
"""

from collections.abc import Callable
from inspect import iscoroutinefunction

from bgp.errors import LocalError
from bgp.route import Route
from bgp.values import shown

Policy = Callable[[Route], Route | None]
"""Judges routes one by one. What it raises counts as a refusal, and is reported."""


def check_policy(name: str, value: Policy | None) -> None:
    """Raise `LocalError` for what is no policy: what cannot be called, and what would have to be awaited."""
    if value is None:
        return
    if not callable(value):
        raise LocalError(f"{name} {shown(value)}, must be callable, or None")
    if iscoroutinefunction(value):
        raise LocalError(f"{name} {shown(value)}, must not be async: nobody waits for a policy")


def ask(policy: Policy, route: Route) -> Route | None:
    """Ask a policy; raise what it raises, or `LocalError` if it returns something else than it should."""
    verdict = policy(route)
    if verdict is None or isinstance(verdict, Route):
        return verdict
    raise LocalError(f"it returned {shown(verdict)}, must be a Route or None")


def accept_all(route: Route) -> Route:
    """Let everything through, and cost nothing: it is not even called."""
    return route


def reject_all(route: Route) -> None:
    """Let nothing through."""
