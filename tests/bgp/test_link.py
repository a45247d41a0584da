"""Two peers on a fake network: what only shows with both sides, and whatever the network does to them."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import (
    IPV4_UNICAST,
    NLRI,
    EndOfRib,
    Established,
    Keepalive,
    Message,
    Negotiated,
    Notification,
    Open,
    PathAttributes,
    PeerConfig,
    Prefix,
    Route,
    RoutesReceived,
    SessionClosed,
    State,
    StateChanged,
    decode,
)
from bgp.config import GracefulRestartConfig
from bgp.events import AttemptFailed, RoutesStale, StaleRoutesGone
from bgp.framing import Framer
from bgp.testing import End, Link, routes
from bgp.testing.link import REFUSED

FOUR = Negotiated(four_octet_as=True)
A, B = "203.0.113.1/32", "203.0.113.2/32"


def link(
    left: dict[str, object] | None = None, right: dict[str, object] | None = None, **options: object
) -> Link:
    one = PeerConfig(**{"local_as": 64512, "peer_as": 64513, **(left or {})})  # type: ignore[arg-type]  # any
    two = PeerConfig(**{"local_as": 64513, "peer_as": 64512, **(right or {})})  # type: ignore[arg-type]  # any
    return Link(one, two, **options)  # type: ignore[arg-type]  # any


def up(found: Link) -> Link:
    found.start()
    assert found.run_until(lambda: both(found, State.ESTABLISHED), found.now + 1)
    found.run(0.1)
    return found


def both(found: Link, state: State) -> bool:
    return found.left.state is state and found.right.state is state


def sent(end: End) -> list[Message]:
    return [decode(raw, FOUR) for raw in Framer().feed(b"".join(end.sent))]


def closings(end: End) -> list[SessionClosed | AttemptFailed]:
    return [event for event in end.events if isinstance(event, SessionClosed | AttemptFailed)]


def received(end: End) -> list[RoutesReceived]:
    return [event for event in end.events if isinstance(event, RoutesReceived)]


def jitter(seed: int) -> Callable[[], float]:
    numbers = random.Random(seed)
    return lambda: numbers.uniform(0.75, 1.0)


ONE_DIALS: dict[str, object] = {"passive": True}


# The way up.


@pytest.mark.parametrize("passive", [None, ONE_DIALS], ids=["both dial", "one dials"])
def test_comes_up_with_one_connection(passive: dict[str, object] | None) -> None:
    found = up(link({"hold_time": 30}, passive))
    for end in found.ends:
        assert end.connections == 1
        assert sum(isinstance(event, Established) for event in end.events) == 1
        assert EndOfRib(IPV4_UNICAST) in end.events
        assert not any(isinstance(event, SessionClosed) for event in end.events)


def test_the_states_on_the_way() -> None:
    found = up(link(None, ONE_DIALS))
    states = [[event.new for event in end.events if isinstance(event, StateChanged)] for end in found.ends]
    way = [State.OPEN_SENT, State.OPEN_CONFIRM, State.ESTABLISHED]
    assert states == [[State.CONNECT, *way], [State.ACTIVE, *way]]


@pytest.mark.parametrize("ids", [("10.0.0.1", "10.0.0.2"), ("10.0.0.2", "10.0.0.1"), ("10.0.0.1",) * 2])
def test_a_collision_leaves_the_connection_of_the_higher_identifier(ids: tuple[str, str]) -> None:
    # RFC 4271 6.8; of equal ones the higher AS number decides, which is the right end's (RFC 6286 2.3).
    found = up(link({"router_id": ids[0]}, {"router_id": ids[1]}))
    winner, loser = (found.left, found.right) if ids[0] > ids[1] else (found.right, found.left)
    assert next(iter(winner._wires)) == 1, "the connection that it dialled"
    assert next(iter(loser._wires)) == 2, "the connection that it accepted"
    for end in found.ends:
        (failure,) = (event for event in end.events if isinstance(event, AttemptFailed))
        assert Notification(6, 7) in (failure.sent, failure.received)


def test_both_ends_refuse_the_wrong_as() -> None:
    found = link({"peer_as": 64999}, ONE_DIALS)
    found.start()
    found.run(0.1)
    assert closings(found.left)[0].sent == Notification(2, 2)
    assert closings(found.right)[0].received == Notification(2, 2)


def test_internal_peers_with_one_router_id() -> None:
    values: dict[str, object] = {"local_as": 1, "peer_as": 1, "router_id": "192.0.2.7"}
    found = link(values, values | ONE_DIALS)
    found.start()
    found.run(0.1)
    assert closings(found.left)[0].sent == Notification(2, 3)


def test_nobody_listens() -> None:
    found = link()
    found.left.listens = found.right.listens = False
    found.start()
    found.run(10)
    assert closings(found.left)[0] == AttemptFailed(REFUSED)
    found.left.listens = True
    assert found.run_until(lambda: both(found, State.ESTABLISHED), found.now + 60)


def test_delay_open_on_both_sides() -> None:
    found = link({"delay_open_time": 5}, {"delay_open_time": 5, **ONE_DIALS})
    found.start()
    assert found.run_until(lambda: both(found, State.ESTABLISHED), 6)
    assert found.now > 5


# Routes.


def test_routes_wait_for_the_session_and_end_with_end_of_rib() -> None:
    found = link()
    found.left.peering.announce([Route(A), Route(B)], now=0.0)
    found.left.peering.withdraw([Prefix(B)], now=0.0)
    up(found)
    tail = [event for event in found.right.events if isinstance(event, RoutesReceived | EndOfRib)]
    attributes = PathAttributes(origin=0, as_path=[64512], next_hop="192.0.2.1")
    assert tail == [
        RoutesReceived(family=IPV4_UNICAST, announced=NLRI([A]), withdrawn=NLRI(), attributes=attributes),
        EndOfRib(IPV4_UNICAST),
    ]


def test_only_differences_are_sent() -> None:
    found = up(link())
    left = found.left
    found.perform(left, left.peering.announce([Route(A)], found.now))
    assert left.peering.announce([Route(A)], found.now) == []
    found.perform(left, left.peering.replace([Route(A), Route(B)], found.now))
    found.perform(left, left.peering.withdraw([Prefix(A)], found.now))
    assert left.peering.replace([Route(B)], found.now) == []
    found.run(0.1)
    changes = [([*map(str, r.announced)], [*map(str, r.withdrawn)]) for r in received(found.right)]
    assert changes == [([A], []), ([B], []), ([], [A])]
    assert left.peering.routes == [Route(B)]


def test_internal_peers() -> None:
    found = up(link({"peer_as": 64512}, {"local_as": 64512}))
    found.perform(found.left, found.left.peering.announce([Route(A)], found.now))
    found.run(0.1)
    assert received(found.right)[0].attributes == PathAttributes(
        origin=0, as_path=[], next_hop="192.0.2.1", local_pref=100
    )


def _plain(route: Route) -> Route:
    """A route that every peer takes: from us, since the peer's own address is nobody else's next hop."""
    return route.evolve(next_hop=None)


@given(st.lists(routes(IPV4_UNICAST).map(_plain), max_size=20))
def test_routes_arrive(some: list[Route]) -> None:
    found = link()
    found.left.peering.replace(some, now=0.0)
    up(found)
    table = {str(prefix) for event in received(found.right) for prefix in event.announced}
    assert table == {str(route.prefix) for route in some}


# Time.


def test_keepalives_hold_a_session_for_ever() -> None:
    found = up(link({"hold_time": 9}, ONE_DIALS))
    found.run(10_000)
    assert both(found, State.ESTABLISHED)
    keepalives = sum(isinstance(message, Keepalive) for message in sent(found.left))
    assert 3_300 < keepalives < 3_400


def test_the_hold_timer_ends_a_silent_session() -> None:
    found = up(link({"hold_time": 9}, ONE_DIALS))
    since = found.now
    found.silent = True
    assert found.silent
    assert found.run_until(lambda: found.left.state is not State.ESTABLISHED, since + 20)
    assert found.now - since <= 9
    assert closings(found.left)[-1].sent == Notification(4)


def test_a_hold_time_of_zero_means_never() -> None:
    found = up(link({"hold_time": 0}, ONE_DIALS))
    found.silent = True
    found.run(1_000_000)
    assert both(found, State.ESTABLISHED)
    assert len(sent(found.left)) == 3  # OPEN, KEEPALIVE, End-of-RIB
    assert found.left.peering.next_timeout() is None


def test_what_was_held_back_arrives_in_order() -> None:
    found = up(link({"hold_time": 90}, ONE_DIALS))
    found.silent = True
    for prefix in (A, B):
        found.perform(found.left, found.left.peering.announce([Route(prefix)], found.now))
    found.run(60)
    assert not received(found.right)
    found.silent = False
    found.run(1)
    assert [str(event.announced[0]) for event in received(found.right)] == [A, B]
    assert both(found, State.ESTABLISHED)


# The way down.


def test_comes_back_after_a_cut_with_all_routes() -> None:
    found = link()
    found.left.peering.announce([Route(A)], now=0.0)
    up(found)
    found.cut()
    assert found.left.state is State.IDLE
    assert found.left.peering.negotiated is None
    assert closings(found.left)[-1].reason == "the peer closed the connection"
    assert found.run_until(lambda: both(found, State.ESTABLISHED), found.now + 5)
    found.run(0.1)
    assert len(received(found.right)) == 2


def test_stop_tells_the_peer_and_stays_down() -> None:
    found = up(link())
    left, right = found.left, found.right
    found.perform(left, left.peering.stop(found.now, Notification.shutdown("new fan")))
    found.run(0.5)
    assert closings(right)[-1].received == Notification.shutdown("new fan")
    assert 'Administrative Shutdown: "new fan"' in closings(right)[-1].reason
    assert closings(right)[-1].sent is None
    found.run(1000)
    assert left.state is State.IDLE
    assert left.peering.next_timeout() is None
    assert left.connections == 0


def test_reset_comes_back() -> None:
    found = up(link())
    found.perform(found.left, found.left.peering.reset(found.now))
    assert found.left.state is State.IDLE
    assert found.run_until(lambda: both(found, State.ESTABLISHED), found.now + 10)


# A crash.


def test_a_crash_is_noticed_by_what_is_sent() -> None:
    found = up(link({"passive": True, "hold_time": 9}))
    found.crash(found.right)
    assert found.run_until(lambda: both(found, State.ESTABLISHED), found.now + 30)
    assert found.left.connections == 1


def test_a_graceful_restart() -> None:
    # RFC 4724: the peer is back before we notice that it was away, and its routes are stale until it repeats them.
    graceful: dict[str, object] = {"graceful_restart": GracefulRestartConfig()}
    found = link(graceful | ONE_DIALS, graceful)
    found.right.peering.announce([Route(A)], now=0.0)
    up(found)
    before = len(found.left.events)
    found.crash(found.right)
    assert found.run_until(lambda: found.right.state is State.ESTABLISHED, found.now + 1)
    found.run(0.1)
    after = found.left.events[before:]
    kinds = [type(event) for event in after if not isinstance(event, StateChanged)]
    assert kinds == [SessionClosed, RoutesStale, Established, EndOfRib, StaleRoutesGone]
    opens = [message for message in sent(found.right) if isinstance(message, Open)]
    assert [_says_restarting(message) for message in opens] == [False, True]


def _says_restarting(message: Open) -> bool:
    return any(getattr(capability, "restarting", False) for capability in message.capabilities)


# Whatever happens.


VERBS = ["crash", "deaf", "hears", "shuts", "listens", "stop", "reset"]
HAPPENINGS = ["wait", "cut", *(f"{verb} {side}" for verb in VERBS for side in ("left", "right"))]


def happen(found: Link, what: str) -> None:
    verb, _, side = what.partition(" ")
    end = found.left if side == "left" else found.right
    match verb:
        case "cut":
            found.cut()
        case "crash":
            found.crash(end)
        case "deaf" | "hears":
            end.deaf = verb == "deaf"
        case "shuts" | "listens":
            end.listens = verb == "listens"
        case "stop":
            found.perform(end, end.peering.stop(found.now))
        case "reset":
            found.perform(end, end.peering.reset(found.now))


def scattered(seed: int) -> Callable[[], float]:
    """Latencies from a fifth of a millisecond to a fifth of a second, so that what matters comes in any order."""
    numbers = random.Random(seed)
    spread = numbers.choice([1, 10, 1000])
    return lambda: 0.0002 * spread ** numbers.random()


@given(
    st.integers(0, 1_000_000).map(scattered),
    st.sampled_from([("10.0.0.1", "10.0.0.2"), ("10.0.0.2", "10.0.0.1"), ("10.0.0.1", "10.0.0.1")]),
    st.tuples(*[st.sampled_from([{}, {}, {"delay_open_time": 0.01}, {"delay_open_time": 3.0}])] * 2),
    st.sampled_from([{}, {"graceful_restart": GracefulRestartConfig()}]),
)
def test_peers_that_dial_at_once_come_up_at_once(
    latency: Callable[[], float],
    ids: tuple[str, str],
    delays: tuple[dict[str, object], dict[str, object]],
    common: dict[str, object],
) -> None:
    left, right = ({"router_id": ids[side], **delays[side], **common} for side in (0, 1))
    found = link(left, right, latency=latency)
    found.start()
    # The shortest pause after a failure is a second.
    assert found.run_until(lambda: both(found, State.ESTABLISHED), 0.9 if not any(delays) else 3.9)
    found.run(100)
    for end in found.ends:
        assert end.state is State.ESTABLISHED
        assert end.connections == 1
        assert not any(isinstance(event, SessionClosed) for event in end.events)


@given(
    st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.floats(0, 40)), max_size=12),
    st.integers(0, 1000),
    st.sampled_from([0.001, 0.5, 2.0]),
    st.sampled_from([{}, {"passive": True}, {"delay_open_time": 3.0}, {"idle_hold_time": 0.1}]),
    st.booleans(),
)
def test_peers_that_can_hear_each_other_find_each_other(
    happenings: list[tuple[str, float]], seed: int, latency: float, right: dict[str, object], graceful: bool
) -> None:
    common: dict[str, object] = {"hold_time": 9}
    if graceful:
        common["graceful_restart"] = GracefulRestartConfig(restart_time=20)
    found = link(common, common | right, latency=latency, jitter=jitter(seed))
    found.start()
    for what, seconds in happenings:
        happen(found, what)
        found.run(seconds)
        for end in found.ends:
            assert end.connections <= 2
            assert end.state is not State.IDLE or closings(end)
    found.silent = False
    found.left.listens = found.right.listens = True
    found.start()
    assert found.run_until(lambda: both(found, State.ESTABLISHED), found.now + 1000)
    found.run(30)
    assert both(found, State.ESTABLISHED)
    assert [end.connections for end in found.ends] == [1, 1]
    for end in found.ends:
        assert not end.peering.stale_families
