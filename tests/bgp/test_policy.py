"""Policies that are always the same."""

from bgp import Route
from bgp.policy import accept_all, reject_all


def test_accept_and_reject() -> None:
    route = Route("203.0.113.0/24")
    assert accept_all(route) is route
    assert reject_all(route) is None  # type: ignore[func-returns-value]
