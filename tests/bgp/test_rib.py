import pytest
from hypothesis import given
from hypothesis import strategies as st

import bgp
from bgp import LocalError, PathAttributes, Prefix, Route
from bgp.rib import AdjRibOut, Changes, prefix, route
from bgp.testing import routes
from tests.bgp.pasting import pasted


def look(route: Route) -> PathAttributes | str:
    """A peer that can be told no route of MED 13, and sees nothing of a route but its MED."""
    return "bad luck" if route.med == 13 else PathAttributes(origin=0, med=route.med)


def take(rib: AdjRibOut) -> Changes:
    return rib.take_changes(look)


def told(changes: Changes) -> dict[str, int | None]:
    return {
        str(bgp.NLRI.from_wire([wire])[0]): a.med for a, wires in changes.announced.items() for wire in wires
    }


A, B = "192.0.2.1/32", "192.0.2.2/32"


def test_yields_what_is_new_once() -> None:
    rib = AdjRibOut()
    rib.announce([Route(A), Route(B, med=1)])
    assert told(take(rib)) == {A: None, B: 1}
    assert take(rib).announced == {}
    assert [str(route.prefix) for route in rib.routes] == [A, B]


def test_yields_the_net_effect() -> None:
    rib = AdjRibOut()
    rib.announce([Route(A)])
    rib.withdraw([Prefix(A), Prefix(B)])
    changes = take(rib)
    assert not changes.announced
    assert not changes.withdrawn
    rib.announce([Route(A)])
    take(rib)
    rib.withdraw([Prefix(A)])
    rib.announce([Route(A)])
    assert not take(rib).announced


def test_a_route_that_looks_the_same_to_the_peer_is_not_told_again() -> None:
    rib = AdjRibOut()
    rib.announce([Route(A, med=1)])
    take(rib)
    rib.announce([Route(A, med=1, local_pref=200)])
    assert not take(rib).announced


def test_withdraws() -> None:
    rib = AdjRibOut()
    rib.announce([Route(A), Route(B)])
    take(rib)
    rib.withdraw([Prefix(A)])
    assert take(rib).withdrawn == [Prefix(A).wire]


def test_a_route_that_cannot_be_told_is_refused_and_its_forerunner_withdrawn() -> None:
    rib = AdjRibOut()
    rib.announce([Route(A)])
    take(rib)
    rib.announce([Route(A, med=13)])
    changes = take(rib)
    assert changes.refused == [(Route(A, med=13), "bad luck")]
    assert changes.withdrawn == [Prefix(A).wire]


def test_a_new_session_is_told_everything() -> None:
    rib = AdjRibOut()
    rib.announce([Route(A), Route(B)])
    take(rib)
    rib.withdraw([Prefix(A)])
    rib.forget()
    changes = take(rib)
    assert told(changes) == {B: None}
    assert not changes.withdrawn


STEPS = st.tuples(
    st.sampled_from(["announce", "withdraw", "replace", "forget", "take"]), st.lists(routes(), max_size=4)
)


@given(st.lists(STEPS, max_size=20))
def test_the_peer_always_ends_up_with_what_is_wanted(steps: list[tuple[str, list[Route]]]) -> None:
    rib, peer, wanted = AdjRibOut(), dict[bytes, PathAttributes](), dict[bytes, PathAttributes]()

    def tell() -> None:
        changes = take(rib)
        for wire in changes.withdrawn:
            del peer[wire]
        for attributes, wires in changes.announced.items():
            assert all(peer.get(wire) != attributes for wire in wires)
            peer.update(dict.fromkeys(wires, attributes))

    for verb, some in steps:
        looks = {route.prefix.wire: seen for route in some if isinstance(seen := look(route), PathAttributes)}
        match verb:
            case "announce":
                rib.announce(some)
                for route in some:
                    wanted.pop(route.prefix.wire, None)
                wanted.update(looks)
            case "withdraw":
                rib.withdraw([route.prefix for route in some])
                wanted = {wire: a for wire, a in wanted.items() if wire not in {r.prefix.wire for r in some}}
            case "replace":
                rib.replace(some)
                wanted = looks
            case "forget":
                rib.forget()
                peer.clear()
            case "take":
                tell()
                assert peer == wanted
    tell()
    assert peer == wanted


@given(routes())
def test_a_route_prints_what_makes_it_again(route: Route) -> None:
    assert pasted(route) == route


def test_a_prefix_stands_for_a_route_through_us() -> None:
    assert route(A) == route(Prefix(A)) == route(Route(A)) == Route(A)
    assert Route(A).next_hop is None


def test_communities_are_a_set() -> None:
    assert Route(A, communities=["1:2", "1:1", "1:2"]) == Route(A, communities=["1:1", "1:2"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"prefix": "x"}, "'x' is not a prefix"),
        ({"prefix": "2001:db8::/32"}, "only ipv4 unicast can be announced"),
        ({"next_hop": "2001:db8::1"}, "is not an IPv4 address"),
        ({"origin": 3}, "origin 3, must be 0 to 2"),
        ({"local_pref": -1}, "local_pref -1, must be 0 to 4294967295"),
        ({"communities": range(1001)}, "take 4004 octets, at most 4000 fit"),
    ],
)
def test_refuses_what_cannot_be(values: dict[str, object], message: str) -> None:
    with pytest.raises(LocalError, match=message):
        Route(**{"prefix": A, **values})  # type: ignore[arg-type]  # the point of the test


def test_what_was_never_told_leaves_nothing_behind() -> None:
    rib = AdjRibOut()
    for third in range(100):
        rib.announce([Route(f"10.0.{third}.0/24")])
        rib.withdraw([Prefix(f"10.0.{third}.0/24")])
    assert not rib._touched


def test_a_prefix_of_another_family_is_another_prefix() -> None:
    rib = AdjRibOut()
    rib.announce([Route("32.1.0.0/16")])
    rib.withdraw([Prefix("2001::/16")])
    assert [str(route.prefix) for route in rib.routes] == ["32.1.0.0/16"]


def test_unchanged_routes_are_not_looked_at() -> None:
    rib = AdjRibOut()
    some = [Route(f"10.0.{third}.0/24") for third in range(100)]
    rib.announce(some)
    rib.take_changes(look)
    looked = []

    def noting(route: Route) -> PathAttributes | str:
        looked.append(route)
        return look(route)

    rib.replace(some[1:])
    rib.announce([Route("10.0.7.0/24")])
    changes = rib.take_changes(noting)
    assert changes.withdrawn == [some[0].prefix.wire]
    assert looked == []


def test_what_stands_for_a_destination() -> None:
    assert prefix("10.0.0.0/8") == prefix(Prefix("10.0.0.0/8")) == prefix(Route("10.0.0.0/8"))
