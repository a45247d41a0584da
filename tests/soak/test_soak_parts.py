"""The parts of the soak that read and compare, on canned answers; tests/interop/test_soak.py runs a short one."""

from tests.soak import checks, shown
from tests.soak.actions import ACTIONS, choose

BIRD = "\n".join(
    [
        "1007-Table master4:",
        " 10.101.0.0/24        unicast [speaker 18:42:20.619] * (100) [AS64512i]",
        "1008-\tvia 10.0.0.1 on eth0",
        " \tType: BGP univ",
        "1012-\tBGP.origin: IGP",
        " \tBGP.as_path: 64512 64531",
        " \tBGP.next_hop: 10.0.0.1",
        " \tBGP.med: 30",
        " \tBGP.community: (64999,3) (64998,1)",
        "1007-10.99.1.0/24         unicast [speaker 18:42:20.619] (100) [AS64512i]",
        "1012-\tBGP.origin: IGP",
        " \tBGP.as_path: 64512",
        "0000 ",
        "",
    ]
)
GOBGP = """\
[{"nlri": {"prefix": "10.101.0.0/24"}, "attrs": [{"type": 1, "value": 0},
  {"type": 2, "as_paths": [{"segment_type": 2, "num": 2, "asns": [64512, 64531]}]},
  {"type": 4, "metric": 30}, {"type": 8, "communities": [4259774467, 4259708929]}]},
 {"nlri": {"prefix": "10.99.1.0/24"}, "attrs": [{"type": 2, "as_paths": [{"asns": [64512]}]}]}]
"""
FRR = """\
{"routes": {"10.101.0.0/24": [{"path": "64512 64531", "metric": 30}], "10.99.1.0/24": [{"path": "64512"}]}}
"""
EXPECTED: shown.Shown = {
    "10.101.0.0/24": ("64512 64531", ("64998:1", "64999:3"), 30),
    "10.99.1.0/24": ("64512", (), None),
}


def test_what_bird_shows() -> None:
    assert shown.of_bird(BIRD) == EXPECTED
    assert shown.of_bird("8003 No protocols match\n") == {}


def test_what_gobgp_shows() -> None:
    assert shown.of_gobgp(GOBGP) == EXPECTED
    assert shown.of_gobgp("Network not in table\n") == {}


def test_what_frr_shows_but_for_communities() -> None:
    found = shown.of_frr(FRR)
    assert found == {prefix: (path, None, med) for prefix, (path, _, med) in EXPECTED.items()}
    assert list(checks.same("frr", EXPECTED, found)) == []
    assert shown.of_frr("") == {}


def test_differences_are_named() -> None:
    found: shown.Shown = {
        "10.101.0.0/24": ("64512", ("64998:1", "64999:3"), 30),
        "10.1.0.0/24": ("64512", (), None),
    }
    complaints = list(checks.same("x", EXPECTED, found))
    assert complaints[:2] == ["x: 1 missing: 10.99.1.0/24", "x: 1 too many: 10.1.0.0/24"]
    assert "10.101.0.0/24 is ('64512'," in complaints[2]
    assert len(complaints) == 3


def test_no_med_may_be_shown_as_zero() -> None:
    assert not list(checks.same("x", {"10.0.0.0/24": ("1", (), None)}, {"10.0.0.0/24": ("1", (), 0)}))
    assert list(checks.same("x", {"10.0.0.0/24": ("1", (), None)}, {"10.0.0.0/24": ("1", (), 5)}))


def test_what_there_must_be() -> None:
    routes = checks.announced(64530, {"10.1.0.0/24": 0, "10.1.1.0/24": 2})
    assert routes == {"10.1.0.0/24": ("64530", (), None), "10.1.1.0/24": ("64530", ("64999:2",), 20)}
    assert checks.best({"10.2.0.0/24": 1}, {"a": routes}, {"a": "even"}) == {"10.2.0.0/24", "10.1.0.0/24"}
    best = {"10.2.0.0/24": "", "10.1.0.0/24": "a", "10.1.1.0/24": "b"}
    assert checks.told("a", best, "all") == {"10.2.0.0/24", "10.1.1.0/24"}
    assert checks.told("a", best, "even") == {"10.2.0.0/24"}
    assert checks.told("c", best, "tagged") == set(best)
    assert checks.told("c", best, "none") == {"10.2.0.0/24"}


def test_growth_beyond_what_is_granted_is_a_leak() -> None:
    first = {"tasks": 2, "Peer": 6}
    assert list(checks.grown(first, {"tasks": 4, "Peer": 6}, {"tasks": 2})) == []
    complaints = list(checks.grown(first, {"tasks": 5, "Peer": 7}, {"tasks": 2}))
    assert complaints == [
        "leak: 5 tasks, 2 at the first checkpoint",
        "leak: 7 Peer, 6 at the first checkpoint",
    ]


def test_the_choice_follows_from_the_seed() -> None:
    def names(seed: int) -> list[str]:
        return [choose(seed, number)[0].__name__ for number in range(300)]

    assert names(1) == names(1)
    assert names(1) != names(2)
    assert set(names(1) + names(2) + names(3)) == {action.__name__ for action in ACTIONS}
    assert choose(1, 7)[1].random() == choose(1, 7)[1].random()
