"""Policies: those that are always the same, and what is none."""

from typing import Any

import pytest

from bgp import LocalError, Route
from bgp.policy import accept_all, ask, check_policy, reject_all

ROUTE = Route("203.0.113.0/24")


async def late(route: Route) -> Route:
    """Nobody would wait for it."""
    raise AssertionError("nobody calls it")


def test_accept_and_reject() -> None:
    assert accept_all(ROUTE) is ROUTE
    assert reject_all(ROUTE) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (5, "^export_policy 5, must be callable, or None$"),
        ("accept_all", "export_policy 'accept_all', must be callable"),
        (late, "export_policy <function late at .*>, must not be async"),
    ],
)
def test_what_is_no_policy(policy: Any, message: str) -> None:
    with pytest.raises(LocalError, match=message):
        check_policy("export_policy", policy)


@pytest.mark.parametrize("policy", [None, accept_all, reject_all, lambda route: 5])
def test_what_could_be_one(policy: Any) -> None:
    check_policy("export_policy", policy)


def test_what_it_returns() -> None:
    assert ask(accept_all, ROUTE) is ROUTE
    assert ask(reject_all, ROUTE) is None
    answer: Any = True
    with pytest.raises(LocalError, match="it returned 1, must be a Route or None"):
        ask(lambda route: answer, ROUTE)
