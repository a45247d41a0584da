"""Sessions in pairs on a virtual clock, and alone against scripted octets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bgp
from bgp import (
    IPV4_UNICAST,
    CloseConnection,
    EndOfRib,
    Established,
    FourOctetASCapability,
    Keepalive,
    Message,
    MultiprotocolCapability,
    Negotiated,
    Notification,
    Open,
    OpenConnection,
    Output,
    PathAttributes,
    PeerConfig,
    PeerType,
    Prefix,
    Route,
    RouteRefused,
    RoutesReceived,
    SendBytes,
    Session,
    SessionClosed,
    State,
    StateChanged,
    Update,
    decode,
    encode,
)
from bgp.framing import Framer
from bgp.fsm import OPEN_HOLD_TIME
from bgp.testing import End, Link, messages, routes

FOUR = Negotiated(four_octet_as=True)
A, B = "203.0.113.1/32", "203.0.113.2/32"


def link(left: dict[str, object] | None = None, right: dict[str, object] | None = None) -> Link:
    one = PeerConfig(**{"local_as": 64512, "peer_as": 64513, **(left or {})})  # type: ignore[arg-type]  # any
    two = PeerConfig(**{"local_as": 64513, "peer_as": 64512, **(right or {})})  # type: ignore[arg-type]  # any
    return Link(one, two)


def up(found: Link) -> Link:
    found.start()
    assert found.run_until(lambda: both(found, State.ESTABLISHED), found.now + 1)
    found.run(0.1)
    return found


def both(found: Link, state: State) -> bool:
    return found.left.session.state is state and found.right.session.state is state


def sent(end: End) -> list[Message]:
    return decoded(end.sent)


def decoded(chunks: list[bytes]) -> list[Message]:
    return [decode(raw, FOUR) for raw in Framer().feed(b"".join(chunks))]


def closings(end: End) -> list[SessionClosed]:
    return [event for event in end.events if isinstance(event, SessionClosed)]


def received(end: End) -> list[RoutesReceived]:
    return [event for event in end.events if isinstance(event, RoutesReceived)]


# In pairs.


def test_comes_up_and_says_so() -> None:
    found = up(link({"hold_time": 30}))
    established = [event for event in found.left.events if isinstance(event, Established)]
    assert [event.negotiated for event in established] == [Negotiated(four_octet_as=True, hold_time=30)]
    assert str(established[0].peer_open.router_id) == "192.0.2.2"
    assert [event.new for event in found.left.events if isinstance(event, StateChanged)] == [
        State.CONNECT,
        State.OPEN_SENT,
        State.OPEN_CONFIRM,
        State.ESTABLISHED,
    ]
    assert EndOfRib(IPV4_UNICAST) in found.left.events
    assert found.left.session.negotiated == established[0].negotiated


def test_routes_wait_for_the_session_and_end_with_end_of_rib() -> None:
    found = link()
    found.left.session.announce([Route(A), Route(B)], now=0.0)
    found.left.session.withdraw([Prefix(B)], now=0.0)
    up(found)
    tail = [event for event in found.right.events if isinstance(event, RoutesReceived | EndOfRib)]
    attributes = PathAttributes(origin=0, as_path=[64512], next_hop="192.0.2.1")
    assert tail == [
        RoutesReceived(announced=bgp.NLRI([A]), withdrawn=bgp.NLRI(), attributes=attributes),
        EndOfRib(IPV4_UNICAST),
    ]


def test_only_differences_are_sent() -> None:
    found = up(link())
    left = found.left
    found.perform(left, left.session.announce([Route(A)], found.now))
    assert left.session.announce([Route(A)], found.now) == []
    found.perform(left, left.session.replace([Route(A), Route(B)], found.now))
    found.perform(left, left.session.withdraw([Prefix(A)], found.now))
    assert left.session.replace([Route(B)], found.now) == []
    found.run(0.1)
    changes = [([*map(str, r.announced)], [*map(str, r.withdrawn)]) for r in received(found.right)]
    assert changes == [([A], []), ([B], []), ([], [A])]
    assert left.session.routes == [Route(B)]


def test_internal_peers() -> None:
    found = up(link({"peer_as": 64512}, {"local_as": 64512}))
    found.perform(found.left, found.left.session.announce([Route(A)], found.now))
    found.run(0.1)
    assert received(found.right)[0].attributes == PathAttributes(
        origin=0, as_path=[], next_hop="192.0.2.1", local_pref=100
    )


def test_as_numbers_of_four_octets() -> None:
    found = up(link({"local_as": 70000}, {"peer_as": 70000}))
    greeting = sent(found.left)[0]
    assert isinstance(greeting, Open)
    assert (greeting.my_as, greeting.asn) == (23456, 70000)


def test_keepalives_hold_a_session_for_ever() -> None:
    found = up(link({"hold_time": 9}))
    found.run(10_000)
    assert both(found, State.ESTABLISHED)
    keepalives = sum(isinstance(message, Keepalive) for message in sent(found.left))
    assert 3_300 < keepalives < 3_400


def test_the_hold_timer_ends_a_silent_session() -> None:
    found = up(link({"hold_time": 9}))
    since = found.now
    found.silent = True
    assert found.run_until(lambda: found.left.session.state is not State.ESTABLISHED, since + 20)
    assert found.now - since <= 9
    assert sent(found.left)[-1] == Notification(4)
    closing = closings(found.left)[-1]
    assert closing.sent == Notification(4)
    assert closing.reason == "nothing heard from the peer for the hold time"


def test_a_hold_time_of_zero_means_never() -> None:
    found = up(link({"hold_time": 0}))
    found.silent = True
    found.run(1_000_000)
    assert both(found, State.ESTABLISHED)
    assert len(sent(found.left)) == 3  # OPEN, KEEPALIVE, End-of-RIB
    assert found.left.session.next_timeout() is None


def test_comes_back_after_a_cut_with_all_routes() -> None:
    found = link()
    found.left.session.announce([Route(A)], now=0.0)
    up(found)
    found.cut()
    assert found.left.session.state is State.IDLE
    assert found.left.session.negotiated is None
    assert closings(found.left)[-1].reason == "the peer closed the connection"
    assert found.run_until(lambda: both(found, State.ESTABLISHED), found.now + 5)
    found.run(0.1)
    assert len(received(found.right)) == 2


def test_stop_tells_the_peer_and_stays_down() -> None:
    found = up(link())
    left, right = found.left, found.right
    found.perform(left, left.session.stop(found.now))
    found.run(0.5)
    assert closings(right)[-1].received == Notification(6, 2)
    assert closings(right)[-1].reason == "the peer sent NOTIFICATION Cease / Administrative Shutdown"
    assert closings(right)[-1].sent is None
    found.run(1000)
    assert left.session.state is State.IDLE
    assert left.session.next_timeout() is None


def test_both_ends_refuse_the_wrong_as() -> None:
    found = link({"peer_as": 64999})
    found.start()
    found.run(0.1)
    assert closings(found.left)[0].sent == Notification(2, 2)
    assert closings(found.left)[0].reason == "the peer says AS 64513, configured is 64999"


def test_internal_peers_with_one_router_id() -> None:
    values: dict[str, object] = {"local_as": 1, "peer_as": 1, "router_id": "192.0.2.7"}
    found = link(values, values)
    found.start()
    found.run(0.1)
    assert closings(found.left)[0].sent == Notification(2, 3)


@given(st.lists(routes(), max_size=20))
def test_routes_arrive(some: list[Route]) -> None:
    found = link()
    found.left.session.replace(some, now=0.0)
    up(found)
    table = {str(prefix) for event in received(found.right) for prefix in event.announced}
    assert table == {str(route.prefix) for route in some}


# Alone.

GREETING = Open(my_as=64513, hold_time=90, router_id="192.0.2.2", capabilities=[FourOctetASCapability(64513)])


def alone(**values: object) -> Session:
    return Session(PeerConfig(**{"local_as": 64512, "peer_as": 64513, **values}))  # type: ignore[arg-type]  # any


def opened(session: Session, now: float = 0.0) -> list[Output]:
    if session.state is State.IDLE:
        session.start(now)
    return session.connection_opened(now, local_address="192.0.2.1", remote_address="192.0.2.2")


def established(**values: object) -> Session:
    session = alone(**values)
    opened(session)
    session.receive_data(encode(GREETING, FOUR) + encode(Keepalive(), FOUR), now=0.0)
    assert session.state is State.ESTABLISHED
    return session


def messages_in(outputs: list[Output]) -> list[Message]:
    return decoded([output.data for output in outputs if isinstance(output, SendBytes)])


def test_the_first_step() -> None:
    session = alone()
    assert session.start(0.0) == [StateChanged(State.IDLE, State.CONNECT), OpenConnection()]
    assert session.start(0.0) == []
    assert messages_in(opened(session)) == [
        Open(
            my_as=64512,
            hold_time=90,
            router_id="192.0.2.1",
            capabilities=[MultiprotocolCapability(IPV4_UNICAST), FourOctetASCapability(64512)],
        )
    ]


def test_a_configured_router_id() -> None:
    (greeting,) = messages_in(opened(alone(router_id="10.0.0.1")))
    assert isinstance(greeting, Open)
    assert str(greeting.router_id) == "10.0.0.1"


def test_a_router_id_cannot_come_from_an_ipv6_address() -> None:
    session = alone()
    session.start(0.0)
    outputs = session.connection_opened(0.0, local_address="2001:db8::1", remote_address="2001:db8::2")
    assert CloseConnection() in outputs
    assert (
        SessionClosed("no router ID: none is configured, and our address towards 2001:db8::2 is 2001:db8::1")
        in outputs
    )


def test_a_route_without_next_hop_over_ipv6() -> None:
    session = alone(router_id="10.0.0.1")
    session.announce([Route(A), Route(B, next_hop="192.0.2.9")], now=0.0)
    session.start(0.0)
    session.connection_opened(0.0, local_address="2001:db8::1", remote_address="2001:db8::2")
    outputs = session.receive_data(encode(GREETING, FOUR) + encode(Keepalive(), FOUR), now=0.0)
    refused = [output for output in outputs if isinstance(output, RouteRefused)]
    assert [str(output.route.prefix) for output in refused] == [A]
    updates = [message for message in messages_in(outputs) if isinstance(message, Update)]
    assert [[str(p) for p in update.announced] for update in updates] == [[B], []]


def test_the_peer_has_four_minutes_for_its_open() -> None:
    session = alone(hold_time=3)
    opened(session, now=10.0)
    assert session.next_timeout() == 10.0 + OPEN_HOLD_TIME
    assert session.handle_timeout(10.0 + OPEN_HOLD_TIME - 1) == []
    assert messages_in(session.handle_timeout(10.0 + OPEN_HOLD_TIME)) == [Notification(4)]


def test_the_pause_between_attempts_doubles_up_to_a_limit() -> None:
    session = alone(idle_hold_time=1.0)
    now, pauses = 0.0, []
    session.start(now)
    for _ in range(9):
        session.connection_failed(now, "refused")
        deadline = session.next_timeout()
        assert deadline is not None
        pauses.append(deadline - now)
        now = deadline
        assert OpenConnection() in session.handle_timeout(now)
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 120, 120]


@pytest.mark.parametrize(("lasted", "pause"), [(1.0, 4.0), (60.0, 1.0)])
def test_a_session_that_lasted_makes_failures_forgotten(lasted: float, pause: float) -> None:
    session = alone(hold_time=0)
    session.start(0.0)
    for _ in range(2):
        session.connection_failed(0.0, "refused")
        session.start(0.0)
    opened(session)
    session.receive_data(
        encode(GREETING, FOUR) + encode(Keepalive(), FOUR),
        now=0.0,
    )
    session.connection_lost(lasted)
    assert session.next_timeout() == lasted + pause


def test_stop_makes_failures_forgotten() -> None:
    session = alone()
    for _ in range(3):
        session.start(0.0)
        session.connection_failed(0.0, "refused")
    session.stop(0.0)
    session.start(0.0)
    session.connection_failed(0.0, "refused")
    assert session.next_timeout() == 1.0


def test_jitter_shortens_the_timers() -> None:
    session = Session(PeerConfig(local_as=1, peer_as=2, connect_retry_time=8.0), jitter=lambda: 0.75)
    session.start(0.0)
    assert session.next_timeout() == 6.0
    session.connection_failed(0.0, "refused")
    assert session.next_timeout() == 0.75


def test_tcp_that_does_not_come_up_is_tried_anew() -> None:
    session = alone(connect_retry_time=5.0)
    session.start(0.0)
    outputs = session.handle_timeout(5.0)
    assert outputs[0] == SessionClosed("TCP did not come up within the connect-retry time")
    assert outputs[1:] == [CloseConnection(), OpenConnection()]
    assert session.next_timeout() == 10.0


def test_a_peer_without_our_family() -> None:
    session = alone()
    opened(session)
    theirs = Open(
        my_as=64513,
        hold_time=90,
        router_id="192.0.2.2",
        capabilities=[MultiprotocolCapability(bgp.IPV6_UNICAST)],
    )
    outputs = session.receive_data(encode(theirs, FOUR), now=0.0)
    assert messages_in(outputs) == [Notification(2, 7, b"\x01\x04\x00\x01\x00\x01")]


def test_a_peer_with_as_numbers_of_two_octets() -> None:
    session = alone(local_as=70000)
    session.announce([Route(A)], now=0.0)
    opened(session)
    theirs = Open(my_as=64513, hold_time=90, router_id="192.0.2.2")
    outputs = session.receive_data(encode(theirs, FOUR) + encode(Keepalive(), FOUR), now=0.0)
    data = b"".join(output.data for output in outputs if isinstance(output, SendBytes))
    update = decode(list(Framer().feed(data))[1], Negotiated(four_octet_as=False))
    assert isinstance(update, Update)
    assert update.attributes.as_path == bgp.ASPath([23456])


def test_faults_withdraw_the_routes() -> None:
    session = established()
    broken = encode(Update(announced=[A], attributes=PathAttributes(origin=0)), FOUR)
    (output,) = session.receive_data(broken, now=1.0)
    assert isinstance(output, RoutesReceived)
    assert (output.announced, output.withdrawn) == (bgp.NLRI(), bgp.NLRI([A]))
    assert len(output.faults) == 2
    assert session.state is State.ESTABLISHED


def test_a_broken_update_is_answered_once_and_nothing_after_it_read() -> None:
    session = established()
    broken = b"\xff" * 16 + b"\x00\x17\x02\x00\x01\x00\x00"
    outputs = session.receive_data(broken + broken + encode(Keepalive(), FOUR), now=1.0)
    assert messages_in(outputs) == [Notification(3, 1)]
    assert [type(output) for output in outputs] == [StateChanged, SendBytes, CloseConnection, SessionClosed]


def test_what_comes_late_is_ignored() -> None:
    session = established()
    session.stop(1.0)
    assert session.receive_data(b"\x00" * 100, now=1.0) == []
    assert session.connection_lost(1.0) == []
    assert session.connection_failed(1.0, "late") == []
    assert session.handle_timeout(1000.0) == []
    assert session.connection_opened(1.0, local_address="192.0.2.1", remote_address="192.0.2.2") == [
        CloseConnection()
    ]


@given(
    st.lists(st.binary(max_size=50) | messages(FOUR).map(lambda m: encode(m, FOUR)), max_size=10),
    st.booleans(),
)
def test_no_octets_raise_or_get_two_notifications(chunks: list[bytes], is_up: bool) -> None:
    session = established() if is_up else alone()
    if not is_up:
        opened(session)
    outputs: list[Output] = []
    for number, chunk in enumerate(chunks):
        outputs += session.receive_data(chunk, now=float(number))
    assert sum(isinstance(message, Notification) for message in messages_in(outputs)) <= 1
    if session.state is State.IDLE:
        assert sum(isinstance(output, CloseConnection) for output in outputs) == 1


@given(st.data())
def test_every_split_of_a_conversation_has_the_same_outcome(data: st.DataObject) -> None:
    said = data.draw(st.lists(messages(FOUR), max_size=4))
    stream = b"".join(encode(message, FOUR) for message in said)
    whole, pieces = established(), established()
    expected = whole.receive_data(stream, now=1.0)
    found: list[Output] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += pieces.receive_data(stream[:size], now=1.0)
        stream = stream[size:]
    assert found == expected
    assert pieces.state is whole.state


def test_the_snippet_of_the_package() -> None:
    session = bgp.Session(bgp.PeerConfig(local_as=64512, peer_as=64513, router_id="192.0.2.1"))
    assert session.receive_data(b"chunk", now=0.2) == []
    assert session.config.peer_type is PeerType.EXTERNAL
