"""What to take from a peer, and what to tell it: policies are plain callables.

A policy gets a `Route` and returns it, or a changed copy, or None to refuse it:

    def prefer_the_fast_line(route):
        return route.evolve(local_pref=200) if "64512:1" in route.communities else route

An import policy sees a route as the peer sent it; `route.source` says who that is. An export policy sees it as the peer
would get it, our AS in its path and the next hop decided, and has the last word.
"""

from collections.abc import Callable

from bgp.route import Route

Policy = Callable[[Route], Route | None]
"""Judges routes one by one. What it raises counts as a refusal, and is reported."""


def accept_all(route: Route) -> Route:
    """Let everything through, and cost nothing: it is not even called."""
    return route


def reject_all(route: Route) -> None:
    """Let nothing through."""
