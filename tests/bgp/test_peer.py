"""One peer with up to two connections, against scripted octets."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import (
    IPV4_UNICAST,
    CloseConnection,
    EndOfRib,
    Established,
    Keepalive,
    LocalError,
    Message,
    Negotiated,
    Notification,
    Open,
    OpenConnection,
    Output,
    PeerConfig,
    Prefix,
    Route,
    SendBytes,
    SessionClosed,
    State,
    StateChanged,
    Update,
    decode,
    encode,
)
from bgp.capabilities import (
    Capability,
    FourOctetASCapability,
    GracefulRestartCapability,
    RouteRefreshCapability,
)
from bgp.config import GracefulRestartConfig
from bgp.events import AttemptFailed, RoutesStale, StaleRoutesGone
from bgp.framing import Framer
from bgp.messages import RouteRefresh
from bgp.outflow import Outflow
from bgp.peer import OPEN_PATIENCE, Peering
from bgp.testing import messages

FOUR = Negotiated(four_octet_as=True)
COLLISION = Notification(6, 7)
A = "203.0.113.1/32"
GRACEFUL = GracefulRestartCapability(restart_time=60, families={IPV4_UNICAST: True})
HERE, THERE = "192.0.2.1", "192.0.2.2"
LOWER, HIGHER = "10.0.0.1", "200.0.0.1"
"""Identifiers of the peer; ours is HERE."""


def peer(**values: object) -> Peering:
    return Peering(PeerConfig(**{"local_as": 64512, "peer_as": 64513, **values}))  # type: ignore[arg-type]  # any


def started(**values: object) -> Peering:
    found = peer(**values)
    found.start(0.0)
    return found


def dialled(found: Peering, now: float = 0.0) -> list[Output]:
    return found.connection_opened(1, now, local_address=HERE, remote_address=THERE)


def accepted(found: Peering, now: float = 0.0) -> tuple[int, list[Output]]:
    return found.connection_accepted(now, local_address=HERE, remote_address=THERE)


def greeting(*capabilities: Capability, router_id: str = THERE) -> bytes:
    offers = FourOctetASCapability(64513), *capabilities
    return raw(Open(my_as=64513, hold_time=90, router_id=router_id, capabilities=offers))


def raw(*said: Message) -> bytes:
    return b"".join(encode(message, FOUR) for message in said)


KEEPALIVE = raw(Keepalive())


def up(*capabilities: Capability, **values: object) -> Peering:
    """A peer with an established session on the connection that we dialled."""
    found = started(**values)
    dialled(found)
    found.receive_data(1, greeting(*capabilities) + KEEPALIVE, 0.0)
    assert is_up(found)
    return found


def is_up(found: Peering) -> bool:
    return found.state is State.ESTABLISHED


def said(outputs: list[Output], connection: int) -> list[Message]:
    data = b"".join(
        output.data for output in outputs if isinstance(output, SendBytes) and output.connection == connection
    )
    return [decode(message, FOUR) for message in Framer().feed(data)]


def events(outputs: list[Output]) -> list[Output]:
    return [o for o in outputs if not isinstance(o, SendBytes | OpenConnection | CloseConnection)]


# One connection.


def test_the_way_up_and_down() -> None:
    found = peer()
    assert found.start(0.0) == [StateChanged(State.IDLE, State.CONNECT), OpenConnection(1)]
    assert found.start(0.0) == []
    assert [type(message) for message in said(dialled(found), 1)] == [Open]
    assert dialled(found) == []
    outputs = found.receive_data(1, greeting() + KEEPALIVE, 0.1)
    assert [type(event) for event in events(outputs)] == [StateChanged, StateChanged, Established]
    agreed = found.negotiated
    assert agreed is not None
    down = found.connection_lost(1, 5.0, "reset")
    assert events(down) == [StateChanged(State.ESTABLISHED, State.IDLE), SessionClosed("reset")]
    assert found.negotiated is None
    assert found.next_timeout() == 6.0
    assert OpenConnection(1) in found.handle_timeout(6.0)
    assert events(found.connection_failed(1, 6.1, "refused"))[-1] == AttemptFailed("refused")
    assert found.next_timeout() == 8.1


def test_routes() -> None:
    found = peer()
    found.announce([Route(A)], 0.0)
    assert found.routes == [Route(A)]
    found.start(0.0)
    dialled(found)
    outputs = found.receive_data(1, greeting(RouteRefreshCapability()) + KEEPALIVE, 0.0)
    assert [len(m.announced) for m in said(outputs, 1) if isinstance(m, Update)] == [1, 0]
    assert said(found.withdraw([Prefix(A)], 1.0), 1) == [Update(withdrawn=[A])]
    assert found.replace([], 1.0) == []
    assert said(found.request_refresh(IPV4_UNICAST), 1) == [RouteRefresh(IPV4_UNICAST)]
    with pytest.raises(LocalError):
        peer().request_refresh(IPV4_UNICAST)


def test_data_that_was_sent_keeps_the_session() -> None:
    found = up(hold_time=90, send_hold_time=100)
    for now in range(1, 300):
        found.receive_data(1, KEEPALIVE, float(now))
        if now < 150:
            found.data_sent(1, float(now))
        found.handle_timeout(float(now))
        assert is_up(found) == (now < 249)
        if now == 249:
            break


def test_reports_on_other_connections_are_ignored() -> None:
    found = up()
    addresses = {"local_address": HERE, "remote_address": THERE}
    assert found.connection_opened(9, 1.0, **addresses) == []
    assert found.connection_failed(9, 1.0, "refused") == []
    assert found.connection_lost(9, 1.0) == []
    assert found.receive_data(9, b"?", 1.0) == []
    found.data_sent(9, 1.0)
    assert is_up(found)


def test_stop_and_start() -> None:
    found = up()
    outputs = found.stop(1.0, Notification.shutdown("new fan"))
    assert said(outputs, 1) == [Notification.shutdown("new fan")]
    assert found.next_timeout() is None
    assert OpenConnection(1) in found.start(2.0)


def test_reset() -> None:
    found = up()
    assert said(found.reset(1.0), 1) == [Notification(6, 4)]
    assert found.next_timeout() == 2.0


# Incoming connections.


def test_in_idle_all_are_refused() -> None:
    # RFC 4271 8.2.2: whether stopped, or in the pause after a failure.
    found = peer()
    number, outputs = accepted(found)
    assert outputs == [CloseConnection(number)]
    found.start(0.0)
    dialled(found)
    found.receive_data(1, bytes(19), 0.0)
    number, outputs = accepted(found)
    assert outputs == [CloseConnection(number)]


def test_a_peer_that_only_dials_need_not_hit_the_moment_between_our_attempts() -> None:
    found = started()
    found.connection_failed(1, 0.0, "refused")
    number, _ = accepted(found, 0.1)
    assert found.state is State.OPEN_SENT
    found.receive_data(number, greeting() + KEEPALIVE, 0.2)
    assert is_up(found)
    # Not if a connection that was up is said to have failed.
    again = started()
    dialled(again)
    again.receive_data(1, greeting(), 0.1)
    again.connection_failed(1, 0.2, "refused")
    number, outputs = accepted(again, 0.3)
    assert outputs == [CloseConnection(number)]


def test_a_session_that_waits_gets_it() -> None:
    found = started(passive=True)
    number, outputs = accepted(found)
    assert number == 1
    assert [type(message) for message in said(outputs, 1)] == [Open]
    assert found.state is State.OPEN_SENT


def test_after_a_lost_attempt_the_peer_may_come_itself() -> None:
    found = started()
    dialled(found)
    found.connection_lost(1, 0.1)
    assert found.state is State.ACTIVE
    assert accepted(found)[0] == 1


def test_an_incoming_session_makes_our_own_attempt_needless() -> None:
    found = started()
    number, outputs = accepted(found)
    assert number == 2
    assert events(outputs) == [StateChanged(State.CONNECT, State.OPEN_SENT)]
    outputs = found.receive_data(2, greeting() + KEEPALIVE, 0.1)
    assert CloseConnection(1) in outputs
    assert dialled(found) == []
    assert events(found.connection_lost(2, 1.0))[-1] == SessionClosed("the peer closed the connection")
    # From now on it dials again.
    assert OpenConnection(2) in found.handle_timeout(2.0)


def test_an_attempt_of_ours_that_has_a_connection_but_no_open_out() -> None:
    # RFC 4271 8.2.1: the DelayOpen timer runs.
    found = started(delay_open_time=5)
    dialled(found)
    accepted(found)
    outputs = found.receive_data(2, greeting(router_id=LOWER) + KEEPALIVE, 0.1)
    assert said(outputs, 1) == []
    assert CloseConnection(1) in outputs
    assert is_up(found)


def test_delay_open_holds_for_both() -> None:
    found = started(delay_open_time=5)
    number, outputs = accepted(found)
    assert said(outputs, number) == []
    assert said(found.handle_timeout(5.0), number) != []


def test_the_peer_has_one_attempt_at_a_time() -> None:
    found = started()
    accepted(found)
    number, outputs = accepted(found)
    assert number == 3
    assert said(outputs, 2) == [COLLISION]
    assert outputs.count(CloseConnection(2)) == 1
    assert [type(message) for message in said(outputs, 3)] == [Open]


def test_an_incoming_connection_that_fails_changes_nothing() -> None:
    found = up()
    accepted(found)
    outputs = found.receive_data(2, b"\x00" * 19, 1.0)
    (failure,) = events(outputs)
    assert failure == AttemptFailed("marker is not all ones", Notification(1, 1))
    assert CloseConnection(2) in outputs
    assert is_up(found)
    accepted(found)
    assert events(found.connection_lost(3, 2.0)) == [AttemptFailed("the peer closed the connection")]
    assert found.next_timeout() == 30.0


def test_an_incoming_connection_takes_the_place_of_an_attempt_that_fails() -> None:
    found = started()
    accepted(found)
    assert events(found.connection_failed(1, 0.1, "refused")) == [AttemptFailed("refused")]
    assert found.state is State.OPEN_SENT
    found.receive_data(2, greeting() + KEEPALIVE, 0.2)
    assert is_up(found)
    found.connection_lost(2, 0.3)
    # It was the second failure, and the session did not last.
    assert found.next_timeout() == 2.3


def test_an_incoming_session_that_lasts_makes_failures_forgotten() -> None:
    found = started()
    for now in (0.0, 1.0, 3.0):
        found.connection_failed(1, now, "refused")
        found.handle_timeout(found.next_timeout() or 0.0)
    number, _ = accepted(found, 8.0)
    found.receive_data(number, greeting() + KEEPALIVE, 8.0)
    found.connection_lost(number, 60.0)
    assert found.next_timeout() == 61.0


def test_an_attempt_beside_the_session_is_no_failure_of_the_peer() -> None:
    found = started()
    dialled(found)
    accepted(found)
    found.receive_data(2, greeting() + KEEPALIVE, 0.1)
    found.receive_data(1, bytes(19), 0.2)
    found.connection_lost(2, 60.0)
    assert found.next_timeout() == 61.0


def test_stop_ends_both() -> None:
    found = up()
    accepted(found)
    outputs = found.stop(1.0)
    assert [said(outputs, number) for number in (1, 2)] == [[Notification(6, 2)]] * 2
    assert [type(event) for event in events(outputs)] == [AttemptFailed, StateChanged, SessionClosed]
    assert found.next_timeout() is None


def test_both_connections_time_out() -> None:
    found = started()
    dialled(found)
    accepted(found)
    outputs = found.handle_timeout(240.0)
    assert [said(outputs, number) for number in (1, 2)] == [[Notification(4)]] * 2
    assert [type(event) for event in events(outputs)] == [AttemptFailed, StateChanged, AttemptFailed]


def test_our_attempt_times_out_beside_an_incoming_connection() -> None:
    found = started(connect_retry_time=5)
    accepted(found)
    outputs = found.handle_timeout(5.0)
    assert outputs[1:] == [CloseConnection(1), OpenConnection(1)]
    assert isinstance(outputs[0], AttemptFailed)


# Collisions (RFC 4271 6.8).


@pytest.mark.parametrize("first", [1, 2])
@pytest.mark.parametrize(("router_id", "survivor"), [("10.0.0.1", 1), ("200.0.0.1", 2)])
def test_two_opens(first: int, router_id: str, survivor: int) -> None:
    # Our identifier is 192.0.2.1; connection 1 is ours, connection 2 the peer's.
    found = started()
    dialled(found)
    accepted(found)
    # The KEEPALIVE is there before the collision is known of, and must not establish the loser.
    both = {number: greeting(router_id=router_id) for number in (1, 2)}
    both[3 - first] += KEEPALIVE
    outputs = found.receive_data(first, both[first], 0.1) + found.receive_data(
        3 - first, both[3 - first], 0.2
    )
    assert said(outputs, 3 - survivor)[-1] == COLLISION
    assert sum(isinstance(output, AttemptFailed) for output in outputs) == 1
    assert CloseConnection(3 - survivor) in outputs
    assert CloseConnection(survivor) not in outputs
    found.receive_data(survivor, KEEPALIVE, 0.3)
    assert is_up(found)
    assert found.receive_data(3 - survivor, KEEPALIVE, 0.4) == []


def test_the_side_that_wins_decides_before_the_answer_is_there() -> None:
    # Had it agreed to the other connection, the peer might take that for established.
    found = started()
    dialled(found)
    accepted(found)
    outputs = found.receive_data(2, greeting(router_id=LOWER) + KEEPALIVE, 0.1)
    assert said(outputs, 2) == [COLLISION]
    assert events(outputs) == [AttemptFailed("stopped: Cease / Connection Collision Resolution", COLLISION)]
    found.receive_data(1, greeting(router_id=LOWER) + KEEPALIVE, 0.2)
    assert is_up(found)


def test_the_side_that_loses_gives_its_own_connection_up_only() -> None:
    found = started()
    dialled(found)
    accepted(found)
    assert said(found.receive_data(1, greeting(router_id=HIGHER), 0.1), 1) == [Keepalive()]
    outputs = found.receive_data(2, greeting(router_id=HIGHER), 0.2)
    assert [said(outputs, number) for number in (1, 2)] == [[COLLISION], [Keepalive()]]
    again = started()
    dialled(again)
    accepted(again)
    outputs = again.receive_data(2, greeting(router_id=HIGHER), 0.1)
    assert [said(outputs, number) for number in (1, 2)] == [[COLLISION], [Keepalive()]]


@pytest.mark.parametrize("seconds", [OPEN_PATIENCE - 0.1, OPEN_PATIENCE])
def test_a_connection_on_which_nothing_comes_gives_way(seconds: float) -> None:
    found = started()
    dialled(found, 3.0)
    number, _ = accepted(found, 3.0 + seconds)
    found.receive_data(number, greeting(router_id=LOWER) + KEEPALIVE, 3.0 + seconds)
    assert is_up(found) == (seconds == OPEN_PATIENCE)
    assert found.connection == (number if is_up(found) else 1)
    assert len(found._lines) == 1


def test_an_attempt_gives_way_whoever_wins() -> None:
    for router_id in (LOWER, HIGHER):
        found = started()
        accepted(found)
        outputs = found.receive_data(2, greeting(router_id=router_id), 0.1)
        assert CloseConnection(1) in outputs
        assert not any(isinstance(output, AttemptFailed) for output in outputs)
        assert dialled(found, 0.2) == []
        found.receive_data(2, KEEPALIVE, 0.3)
        assert is_up(found)


def test_news_in_the_other_order() -> None:
    # The peer has closed our connection in favour of its own before we have seen that.
    found = started()
    dialled(found)
    found.receive_data(1, raw(COLLISION), 0.1)
    assert found.state is State.IDLE
    number, outputs = accepted(found, 0.2)
    assert [type(message) for message in said(outputs, number)] == [Open]
    found.receive_data(number, greeting() + KEEPALIVE, 0.3)
    assert is_up(found)
    assert found.connection == number


def test_news_in_the_other_order_of_a_session() -> None:
    # A peer that decides late has closed what was established here.
    found = up()
    found.receive_data(1, raw(COLLISION), 0.1)
    number, _ = accepted(found, 0.2)
    found.receive_data(number, greeting() + KEEPALIVE, 0.3)
    assert is_up(found)


@pytest.mark.parametrize("last", ["stop", "another fault"])
def test_no_news_any_more(last: str) -> None:
    found = started()
    dialled(found)
    found.receive_data(1, raw(COLLISION), 0.1)
    if last == "stop":
        found.stop(0.2)
    else:
        found.handle_timeout(1.1)
        dialled(found, 1.2)
        found.receive_data(1, raw(Notification(2, 2)), 1.3)
    number, outputs = accepted(found, 1.4)
    assert outputs == [CloseConnection(number)]


def test_an_established_session_stays() -> None:
    found = up()
    accepted(found)
    outputs = found.receive_data(2, greeting(router_id="200.0.0.1"), 0.1)
    assert said(outputs, 2) == [COLLISION]
    assert is_up(found)


def test_a_second_open_on_one_connection_is_no_collision() -> None:
    found = up()
    accepted(found)
    assert said(found.receive_data(1, greeting(), 0.1), 1) == [Notification(5, 3, b"\x01")]


# Graceful restart (RFC 4724).


def graceful() -> Peering:
    return up(GRACEFUL, graceful_restart=GracefulRestartConfig(stale_time=100))


@pytest.mark.parametrize(("seconds", "says_so"), [(OPEN_PATIENCE, False), (0.1, True)])
def test_a_peer_that_restarts_before_we_notice(seconds: float, says_so: bool) -> None:
    found = graceful()
    accepted(found, seconds)
    again = attrs.evolve(GRACEFUL, restarting=says_so)
    outputs = found.receive_data(2, greeting(again) + KEEPALIVE, seconds + 0.1)
    assert said(outputs, 1) == []  # RFC 4724 4.2
    kinds = [type(event) for event in events(outputs)]
    assert kinds == [StateChanged, SessionClosed, RoutesStale, StateChanged, StateChanged, Established]
    assert found.stale_families == {IPV4_UNICAST}
    end = found.receive_data(2, raw(Update()), seconds + 1.0)
    assert end == [EndOfRib(IPV4_UNICAST), StaleRoutesGone(IPV4_UNICAST)]
    assert found.stale_families == set()


@pytest.mark.parametrize("restarting", [False, True])
def test_a_connection_that_comes_just_after_the_session(restarting: bool) -> None:
    # The peer dialled it when it dialled the other, or took ours; so it says the same.
    offer = attrs.evolve(GRACEFUL, restarting=restarting)
    found = up(offer, graceful_restart=GracefulRestartConfig())
    accepted(found, OPEN_PATIENCE - 0.1)
    assert said(found.receive_data(2, greeting(offer), OPEN_PATIENCE), 2) == [COLLISION]
    assert is_up(found)


@pytest.mark.parametrize("promise", [None, attrs.evolve(GRACEFUL, families={})])
def test_a_peer_that_has_promised_nothing(promise: Capability | None) -> None:
    offers = [] if promise is None else [promise]
    found = up(*offers, graceful_restart=GracefulRestartConfig())
    accepted(found, 60.0)
    assert said(found.receive_data(2, greeting(GRACEFUL), 60.1), 2) == [COLLISION]


@pytest.mark.parametrize("mine", [True, False])
def test_a_peer_that_dials_while_we_do_has_not_restarted(mine: bool) -> None:
    found = started(graceful_restart=GracefulRestartConfig())
    dialled(found)
    accepted(found)
    first, second = (1, 2) if mine else (2, 1)
    outputs = found.receive_data(first, greeting(GRACEFUL) + KEEPALIVE, 0.1)
    assert is_up(found)
    outputs += found.receive_data(second, greeting(GRACEFUL), 60.0)
    assert said(outputs, second)[-1] == COLLISION
    assert is_up(found)
    assert found.connection == first


def test_a_peer_that_does_not_come_back() -> None:
    found = graceful()
    outputs = found.connection_lost(1, 1.0)
    assert outputs[-1] == RoutesStale(IPV4_UNICAST)
    now = 1.0
    while found.stale_families:
        deadline = found.next_timeout()
        assert deadline is not None
        now = deadline
        outputs = found.handle_timeout(now)
        for output in outputs:
            if isinstance(output, OpenConnection):
                # A failed attempt does not make anything stale again.
                assert not any(isinstance(o, RoutesStale) for o in found.connection_failed(1, now, "refused"))
    assert now == 61.0
    assert outputs[-1] == StaleRoutesGone(IPV4_UNICAST)


def test_stop_does_not_wait_for_anybody() -> None:
    found = graceful()
    found.connection_lost(1, 1.0)
    assert found.stop(2.0)[-1] == StaleRoutesGone(IPV4_UNICAST)
    assert found.next_timeout() is None


@pytest.mark.parametrize("forwarding", [True, False])
def test_a_path_that_fails_while_the_peer_restarts(forwarding: bool) -> None:
    # RFC 5882 4.3.1: that of a peer whose BFD does not depend on what restarts.
    found = graceful()
    found.connection_lost(1, 1.0)
    outputs = found.path_failed(2.0, "the peer is silent", forwarding=forwarding)
    assert outputs == ([StaleRoutesGone(IPV4_UNICAST)] if forwarding else [])
    assert bool(found.stale_families) is not forwarding


@pytest.mark.parametrize("forwarding", [True, False])
def test_a_path_that_fails(forwarding: bool) -> None:
    found = graceful()
    outputs = found.path_failed(2.0, "the peer is silent", forwarding=forwarding)
    [closed] = [output for output in outputs if isinstance(output, SessionClosed)]
    assert closed.reason == "BFD: the path to the peer is dead: the peer is silent"
    assert bool(found.stale_families) is not forwarding


def test_only_the_first_session_after_our_restart_says_so() -> None:
    found = Peering(
        PeerConfig(local_as=64512, peer_as=64513, graceful_restart=GracefulRestartConfig()), restarting=True
    )
    found.start(0.0)

    def restarting(outputs: list[Output], connection: int) -> list[bool]:
        (ours,) = said(outputs, connection)
        assert isinstance(ours, Open)
        return [c.restarting for c in ours.capabilities if isinstance(c, GracefulRestartCapability)]

    assert restarting(dialled(found), 1) == [True]
    assert restarting(accepted(found)[1], 2) == [True]
    found.receive_data(1, greeting(router_id="10.0.0.1") + KEEPALIVE, 0.1)
    assert restarting(accepted(found)[1], 3) == [False]


def test_an_attempt_from_before_the_first_session_after_our_restart() -> None:
    config = PeerConfig(local_as=64512, peer_as=64513, graceful_restart=GracefulRestartConfig(), passive=True)
    found = Peering(config, restarting=True)
    found.start(0.0)
    accepted(found)
    accepted(found)
    found.receive_data(2, greeting() + KEEPALIVE, 0.1)
    assert is_up(found)
    assert found.connection == 2
    found.connection_lost(2, 0.2)
    found.connection_lost(1, 0.3)
    number, outputs = accepted(found, 0.4)
    assert number == 1
    (ours,) = said(outputs, 1)
    assert isinstance(ours, Open)
    assert [c.restarting for c in ours.capabilities if isinstance(c, GracefulRestartCapability)] == [False]


# Whatever happens.

CONNECTION = st.integers(1, 4)
STEPS = st.one_of(
    st.sampled_from(["start", "stop", "reset", "accepted", "time"]),
    st.tuples(st.sampled_from(["opened", "failed", "lost", "agree", "keepalive", "sent"]), CONNECTION),
    st.tuples(messages(FOUR).map(raw) | st.binary(max_size=20), CONNECTION),
)


@given(st.lists(STEPS, max_size=30), st.sampled_from([{}, {"passive": True}, {"delay_open_time": 5.0}]))
def test_no_sequence_of_verbs_raises(steps: list[object], values: dict[str, object]) -> None:
    found, now = peer(graceful_restart=GracefulRestartConfig(), **values), 0.0
    driver = Driver()
    for step in steps:
        now += 0.5
        before = found.state
        outputs = do(found, step, now)
        driver.carry_out(outputs)
        changes = [output for output in outputs if isinstance(output, StateChanged)]
        for change in changes:
            assert change.old is before
            before = change.new
        assert found.state is before
        if found.state is State.IDLE:
            assert not driver.opening
            assert not driver.told - driver.closed


class Driver:
    """Checks that outputs can be carried out."""

    def __init__(self) -> None:
        self.opening: set[int] = set()
        self.told: set[int] = set()
        self.closed: set[int] = set()

    def carry_out(self, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case OpenConnection(number):
                    assert number not in self.opening
                    self.opening.add(number)
                    self.closed.discard(number)
                case CloseConnection(number):
                    self.opening.discard(number)
                    self.closed.add(number)
                case SendBytes(_, number):
                    self.told.add(number)
                case _:
                    pass


def do(found: Peering, step: object, now: float) -> list[Output]:
    addresses = {"local_address": HERE, "remote_address": THERE}
    match step:
        case "start":
            return found.start(now)
        case "stop":
            return found.stop(now)
        case "reset":
            return found.reset(now)
        case "accepted":
            return accepted(found, now)[1]
        case "time":
            return found.handle_timeout(max(now, found.next_timeout() or now))
        case "opened", int(number):
            return found.connection_opened(number, now, **addresses)
        case "failed", int(number):
            return found.connection_failed(number, now, "refused")
        case "lost", int(number):
            return found.connection_lost(number, now)
        case "agree", int(number):
            return found.receive_data(number, greeting(GRACEFUL), now)
        case "keepalive", int(number):
            return found.receive_data(number, KEEPALIVE, now)
        case bytes(data), int(number):
            return found.receive_data(number, data, now)
        case _, int(number):
            found.data_sent(number, now)
    return []


def test_reset_with_a_farewell_ends_both() -> None:
    found = up()
    accepted(found)
    with pytest.raises(LocalError, match="at most 4096 fit"):
        found.reset(1.0, Notification(6, 4, bytes(5000)))
    outputs = found.reset(1.0, Notification.reset("new filters"))
    assert said(outputs, 1) == [Notification.reset("new filters")]


@pytest.mark.parametrize("forwarding", [False, True])
def test_a_dead_path_ends_the_session(forwarding: bool) -> None:
    found = graceful()
    assert said(found.path_failed(1.0, "silence", forwarding=forwarding), 1) == (
        [Notification(6, 10)] if forwarding else []
    )
    assert found.state is State.IDLE
    # RFC 5882 4.3.1: what the peer says it can still forward is kept unless forwarding itself has failed.
    assert found.stale_families == (set() if forwarding else {IPV4_UNICAST})
    assert found.path_failed(1.1, "silence", forwarding=forwarding) == []


# Routes, and what else is passed on to the sessions.


def spoken(outputs: list[Output]) -> list[Message]:
    """What the peer hears on its only connection."""
    return said(outputs, 1)


def established(*capabilities: Capability, **values: object) -> Peering:
    found = started(**values)
    dialled(found)
    found.receive_data(1, greeting(*capabilities) + raw(Keepalive()), now=0.0)
    assert found.state is State.ESTABLISHED
    return found


def test_what_there_is_of_a_session() -> None:
    found = established()
    assert found.our_open is not None
    assert found.peer_open is not None
    assert (found.our_open.my_as, found.peer_open.my_as) == (64512, 64513)
    assert found.addresses is not None
    assert [*map(str, found.addresses)] == [HERE, THERE]


def test_retract() -> None:
    found = established()
    found.announce([A], now=1.0)
    assert spoken(found.retract(2.0)) == [Update(withdrawn=[A])]
    assert found.routes == []
    assert found.retract(3.0) == []


def test_suspend() -> None:
    # RFC 4724 4: only TCP ends, so that the peer keeps our routes.
    found = established()
    outputs = found.suspend(1.0)
    assert CloseConnection(1) in outputs
    assert spoken(outputs) == []
    assert found.state is State.IDLE
    assert found.next_timeout() is None


def test_drain_and_release() -> None:
    found = established()
    found.announce([A], now=1.0)
    [update] = spoken(found.drain(2.0))
    assert isinstance(update, Update)
    assert [*map(str, update.attributes.communities)] == ["graceful-shutdown"]
    assert found.outflow.is_draining
    assert found.drain(3.0) == found.release(3.0) == []


def test_release_after_a_restart() -> None:
    found = Peering(
        PeerConfig(local_as=64512, peer_as=64513), restarting=True, outflow=Outflow(holds_back=True)
    )
    found.start(0.0)
    dialled(found)
    assert Update() not in spoken(found.receive_data(1, greeting() + raw(Keepalive()), now=0.0))
    assert spoken(found.release(1.0)) == [Update()]
    assert not found.outflow.holds_back


def test_pauses_are_for_the_connection_that_is_named() -> None:
    found = established()
    found.pause_sending(7)
    assert found.resume_sending(7, 1.0) == []
    assert spoken(found.announce([A], now=1.0))
    found.pause_sending(1)
    assert found.withdraw([A], now=1.0) == []
    assert spoken(found.resume_sending(1, 2.0)) == [Update(withdrawn=[A])]


def test_another_configuration() -> None:
    found = established()
    found.announce([A], now=1.0)
    assert found.reconfigure(attrs.evolve(found.config, next_hop_ipv4="192.0.2.9"), 2.0) == []
    [update] = spoken(found.handle_timeout(2.0))
    assert isinstance(update, Update)
    assert str(update.attributes.next_hop) == "192.0.2.9"
    outputs = found.reconfigure(attrs.evolve(found.config, hold_time=30), 3.0)
    assert spoken(outputs) == [Notification(6, 6)]
    assert found.state is State.IDLE
    assert found.config.hold_time == 30
    restart = attrs.evolve(found.config, graceful_restart=GracefulRestartConfig(stale_time=60))
    found.reconfigure(restart, 4.0)
    assert found.config.graceful_restart is not None
