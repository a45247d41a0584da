"""Routes as people type them."""

import pytest

from bgp import LocalError, Origin, Prefix, Route
from bgp.routetext import Announcement, Withdrawal, read_line, read_routes

A, B = "203.0.113.7/32", "203.0.113.8/32"


@pytest.mark.parametrize("line", ["", "  \n", "# announce 203.0.113.7/32"])
def test_lines_that_say_nothing(line: str) -> None:
    assert read_line(line) is None


def test_announcements() -> None:
    assert read_line(f"announce {A}\n") == Announcement((Route(A),))
    line = (
        f"announce {A} {B} next-hop 192.0.2.9 community 64512:100 no-export med 7 local-pref 200"
        " large-community 64512:1:2 extended-community rt:64512:7"
        " as-path 64512 {64513 64514} origin Incomplete community 64512:101"
    )
    values = {
        "next_hop": "192.0.2.9",
        "communities": ["64512:100", "no-export", "64512:101"],
        "large_communities": ["64512:1:2"],
        "extended_communities": ["rt:64512:7"],
        "med": 7,
        "local_pref": 200,
        "origin": Origin.INCOMPLETE,
    }
    found = read_line(line)
    assert isinstance(found, Announcement)
    assert [str(route.as_path) for route in found.routes] == ["64512 {64513 64514}"] * 2
    path = found.routes[0].as_path
    assert found.routes == tuple(Route(prefix, as_path=path, **values) for prefix in (A, B))  # type: ignore[arg-type]


def test_withdrawals() -> None:
    assert read_line(f"withdraw {A} {B}") == Withdrawal((Prefix(A), Prefix(B)))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("announce", "'announce' has no prefix"),
        ("announce med 7", "'announce med 7' has no prefix"),
        ("announce 203.0.113.7/24", "is not a prefix"),
        (f"announce {A} med", "med: 0 values, must be one"),
        (f"announce {A} med 1 2", "med: 2 values, must be one"),
        (f"announce {A} med x", "med: 'x', must be 0 to 4294967295"),
        (f"announce {A} med 4294967296", "med 4294967296, must be 0 to 4294967295"),
        (f"announce {A} origin here", "origin: 'here', must be igp, egp or incomplete"),
        (f"announce {A} as-path x", "as-path: AS path 'x'"),
        (f"announce {A} community x", "community 'x'"),
        (f"withdraw {A} med 7", "withdraw takes prefixes alone, not med"),
        (f"forget {A}", "'forget', must be announce or withdraw"),
        ("hello", "'hello', must be announce or withdraw"),
    ],
)
def test_lines_that_cannot_be_read(line: str, reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        read_line(line)


def test_routes_from_a_command_line() -> None:
    assert read_routes([A], {"med": ["7"]}) == (Route(A, med=7),)
    assert read_routes([], {}) == ()
