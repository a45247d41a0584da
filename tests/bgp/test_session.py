"""One session against scripted octets, on a clock that the test owns."""

import math

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bgp
from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    CloseConnection,
    Established,
    Keepalive,
    LocalError,
    Message,
    MPReach,
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
    ribout,
)
from bgp.capabilities import (
    AddPathCapability,
    Capability,
    EnhancedRouteRefreshCapability,
    ExtendedMessageCapability,
    FourOctetASCapability,
    GracefulRestartCapability,
    MultiprotocolCapability,
    RouteRefreshCapability,
)
from bgp.config import GracefulRestartConfig, PrefixLimit
from bgp.events import (
    AttemptFailed,
    EndOfRib,
    PrefixLimitWarning,
    RefreshBegun,
    RefreshEnded,
    RefreshRequested,
)
from bgp.framing import Framer
from bgp.iana import AddPathDirection, RefreshSubtype
from bgp.messages import RouteRefresh
from bgp.outflow import Outflow
from bgp.testing import messages, updates
from bgp.timers import OPEN_HOLD_TIME, SEND_HOLD_TIME
from bgp.vocabulary import UpdateReceived

FOUR = Negotiated(four_octet_as=True)
A, B = "203.0.113.1/32", "203.0.113.2/32"
REFRESHING = (RouteRefreshCapability(), EnhancedRouteRefreshCapability())


def alone(**values: object) -> Session:
    return Session(PeerConfig(**{"local_as": 64512, "peer_as": 64513, **values}))  # type: ignore[arg-type]  # any


def greeting(*capabilities: Capability, hold_time: int = 90) -> Open:
    """What the peer says."""
    offers = FourOctetASCapability(64513), *capabilities
    return Open(my_as=64513, hold_time=hold_time, router_id="192.0.2.2", capabilities=offers)


def opened(session: Session, now: float = 0.0) -> list[Output]:
    if session.state is State.IDLE:
        session.start(now)
    return session.connection_opened(now, local_address="192.0.2.1", remote_address="192.0.2.2")


def established(*capabilities: Capability, **values: object) -> Session:
    session = alone(**values)
    opened(session)
    session.receive_data(raw(greeting(*capabilities), Keepalive()), now=0.0)
    assert session.state is State.ESTABLISHED
    return session


def raw(*said: Message, negotiated: Negotiated = FOUR) -> bytes:
    return b"".join(encode(message, negotiated) for message in said)


def messages_in(outputs: list[Output], negotiated: Negotiated = FOUR) -> list[Message]:
    data = b"".join(output.data for output in outputs if isinstance(output, SendBytes))
    return [decode(message, negotiated) for message in Framer().feed(data)]


def rest(session: Session, now: float) -> list[Output]:
    """What else the session has to say at once, piece by piece."""
    outputs: list[Output] = []
    while (moment := session.next_timeout()) is not None and moment <= now:
        outputs += session.handle_timeout(now)
    return outputs


def closing(outputs: list[Output]) -> SessionClosed | AttemptFailed:
    (found,) = (output for output in outputs if isinstance(output, SessionClosed | AttemptFailed))
    return found


# The way up.


def test_the_snippet_of_the_package() -> None:
    session = bgp.Session(bgp.PeerConfig(local_as=64512, peer_as=64513, router_id="192.0.2.1"))
    assert session.receive_data(b"chunk", now=0.2) == []
    assert session.config.peer_type is PeerType.EXTERNAL


def test_the_first_step() -> None:
    session = alone()
    assert session.start(0.0) == [StateChanged(State.IDLE, State.CONNECT), OpenConnection()]
    assert session.start(0.0) == []
    offers: list[Capability] = [MultiprotocolCapability(IPV4_UNICAST), FourOctetASCapability(64512)]
    assert messages_in(opened(session)) == [
        Open(my_as=64512, hold_time=90, router_id="192.0.2.1", capabilities=[*offers, *REFRESHING])
    ]


def test_comes_up_and_says_so() -> None:
    session = alone(hold_time=30)
    session.announce([Route(A), Route(B)], now=0.0)
    session.withdraw([Prefix(B)], now=0.0)
    opened(session)
    assert messages_in(session.receive_data(raw(greeting()), now=0.1)) == [Keepalive()]
    negotiated = session.negotiated
    assert negotiated is not None
    assert (negotiated.hold_time, session.peer_open) == (30, greeting())
    outputs = session.receive_data(raw(Keepalive()), now=0.2)
    assert outputs[:2] == [
        StateChanged(State.OPEN_CONFIRM, State.ESTABLISHED),
        Established(negotiated, greeting()),
    ]
    attributes = PathAttributes(origin=0, as_path=[64512], next_hop="192.0.2.1")
    assert messages_in(outputs) == [Update(announced=[A], attributes=attributes), Update()]


def test_an_end_of_rib_for_each_family() -> None:
    families = [IPV4_UNICAST, IPV6_UNICAST]
    session = alone(families=families)
    opened(session)
    offers = map(MultiprotocolCapability, families)
    outputs = session.receive_data(raw(greeting(*offers), Keepalive()), now=0.0)
    updates = [m for m in messages_in([*outputs, *rest(session, 0.0)]) if isinstance(m, Update)]
    assert [update.end_of_rib for update in updates] == families


def test_outputs_name_their_connection() -> None:
    session = Session(PeerConfig(local_as=64512, peer_as=64513), connection=7)
    assert session.start(0.0)[-1] == OpenConnection(7)
    assert opened(session)[-1] == SendBytes(raw(*messages_in(opened(Session(session.config)))), 7)
    assert CloseConnection(7) in session.stop(0.0)


def test_a_configured_router_id() -> None:
    (ours,) = messages_in(opened(alone(router_id="10.0.0.1")))
    assert isinstance(ours, Open)
    assert str(ours.router_id) == "10.0.0.1"


def test_a_router_id_cannot_come_from_an_ipv6_address() -> None:
    session = alone()
    session.start(0.0)
    outputs = session.connection_opened(0.0, local_address="2001:db8::1", remote_address="2001:db8::2")
    assert CloseConnection() in outputs
    expected = "no router ID: none is configured, and our address towards 2001:db8::2 is 2001:db8::1"
    assert closing(outputs).reason == expected


def test_a_passive_session() -> None:
    session = alone(passive=True)
    assert session.start(0.0) == [StateChanged(State.IDLE, State.ACTIVE)]
    assert session.next_timeout() is None
    assert isinstance(messages_in(opened(session))[0], Open)


@pytest.mark.parametrize("speaks_first", [True, False])
def test_delay_open(speaks_first: bool) -> None:
    session = alone(delay_open_time=10)
    assert opened(session) == []
    assert session.next_timeout() == 10
    if speaks_first:
        outputs = session.receive_data(raw(greeting()), now=1.0)
        assert [type(message) for message in messages_in(outputs)] == [Open, Keepalive]
    else:
        assert [type(message) for message in messages_in(session.handle_timeout(10.0))] == [Open]


def test_a_second_connection_is_none_of_its_business() -> None:
    session = alone()
    opened(session)
    assert opened(session) == []
    assert session.state is State.OPEN_SENT


def test_a_refused_open() -> None:
    session = alone(peer_as=64999)
    opened(session)
    outputs = session.receive_data(raw(greeting()), now=0.0)
    assert messages_in(outputs) == [Notification(2, 2)]
    assert closing(outputs).reason == "the peer says AS 64513, configured is 64999"


@pytest.mark.parametrize("asn", [64513, 1])
def test_a_second_open_is_out_of_place_and_not_judged(asn: int) -> None:
    session = alone()
    opened(session)
    session.receive_data(raw(greeting()), now=0.0)
    again = Open(my_as=asn, hold_time=3, router_id="192.0.2.9")
    assert messages_in(session.receive_data(raw(again), now=0.0)) == [Notification(5, 2, b"\x01")]


# Timers.


def test_the_peer_has_four_minutes_for_its_open() -> None:
    session = alone(hold_time=3)
    opened(session, now=10.0)
    assert session.next_timeout() == 10.0 + OPEN_HOLD_TIME
    assert session.handle_timeout(10.0 + OPEN_HOLD_TIME - 1) == []
    assert messages_in(session.handle_timeout(10.0 + OPEN_HOLD_TIME)) == [Notification(4)]


def test_keepalives_go_out_and_hold_the_session() -> None:
    session = established(hold_time=9)
    for now in (3.0, 6.0, 9.0, 12.0):
        assert session.next_timeout() == now
        if now == 6.0:
            session.receive_data(raw(Keepalive()), now)
        if now < 12.0:
            assert messages_in(session.handle_timeout(now)) == [Keepalive()]
    outputs = session.handle_timeout(15.0)
    assert messages_in(outputs)[-1] == Notification(4)
    assert closing(outputs).reason == "nothing heard from the peer for the hold time"


def test_a_hold_time_of_zero_means_never() -> None:
    session = established(hold_time=0)
    assert session.next_timeout() is None


@pytest.mark.parametrize(
    ("values", "hold_time", "expected"),
    [
        ({}, 90, SEND_HOLD_TIME),
        ({"hold_time": 300}, 300, 600),
        ({"send_hold_time": 100}, 90, 100),
        ({"send_hold_time": 0}, 90, None),
    ],
)
def test_a_peer_that_takes_nothing(values: dict[str, object], hold_time: int, expected: float | None) -> None:
    # RFC 9687: though it goes on talking.
    session = alone(**values)
    opened(session)
    session.receive_data(raw(greeting(hold_time=hold_time), Keepalive()), now=0.0)
    now, outputs = 0.0, list[Output]()
    while session.state is State.ESTABLISHED and now < 1000:
        now += 1
        session.receive_data(raw(Keepalive()), now)
        if now == 50:
            session.data_sent(now)
        outputs = session.handle_timeout(now)
    assert now == (50 + expected if expected else 1000)
    if expected:
        assert messages_in(outputs) == []
        assert closing(outputs).sent is None


def test_data_sent_without_a_session() -> None:
    session = alone()
    opened(session)
    before = session.next_timeout()
    session.data_sent(5.0)
    assert session.next_timeout() == before


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
    session = Session(PeerConfig(local_as=64512, peer_as=64513, connect_retry_time=8.0), lambda: 0.75)
    session.start(0.0)
    assert session.next_timeout() == 6.0
    session.connection_failed(0.0, "refused")
    assert session.next_timeout() == 0.75
    session.handle_timeout(0.75)
    opened(session, 1.0)
    session.receive_data(raw(greeting()), 1.0)
    assert session.next_timeout() == 1.0 + 22.5


def test_tcp_that_does_not_come_up_is_tried_anew() -> None:
    session = alone(connect_retry_time=5.0)
    session.start(0.0)
    outputs = session.handle_timeout(5.0)
    assert outputs[0] == AttemptFailed("TCP did not come up within the connect-retry time")
    assert outputs[1:] == [CloseConnection(), OpenConnection()]
    assert session.next_timeout() == 10.0
    # The kernel drops what is signed otherwise.
    signing = alone(connect_retry_time=5.0, password="secret")
    signing.start(0.0)
    [failed] = [each for each in signing.handle_timeout(5.0) if isinstance(each, AttemptFailed)]
    assert failed.reason.endswith("within the connect-retry time; the peer may have another password")


def test_a_timer_that_another_has_stopped() -> None:
    session = established(hold_time=3)
    # The hold timer and the keepalive timer are both due; the first takes the second with it.
    outputs = session.handle_timeout(1000.0)
    assert [type(message) for message in messages_in(outputs)] == [Keepalive, Notification]


# The way down.


def test_stop_says_why() -> None:
    session = established()
    outputs = session.stop(1.0, Notification.shutdown("new fan"))
    (farewell,) = messages_in(outputs)
    assert isinstance(farewell, Notification)
    assert farewell.communication == "new fan"
    assert closing(outputs).sent == farewell
    assert session.negotiated is None
    assert session.next_timeout() is None
    assert messages_in(established().stop(1.0)) == [Notification(6, 2)]


def test_stop_is_a_hard_reset_for_a_peer_that_would_wait() -> None:
    # RFC 8538.
    offer = GracefulRestartCapability(families={IPV4_UNICAST: True}, notification=True)
    session = established(offer, graceful_restart=GracefulRestartConfig())
    assert messages_in(session.stop(1.0)) == [Notification.hard_reset(Notification.shutdown())]


def test_reset_comes_back() -> None:
    session = established()
    assert messages_in(session.reset(1.0)) == [Notification(6, 4)]
    assert session.next_timeout() == 2.0
    assert OpenConnection() in session.handle_timeout(2.0)


def test_the_first_open_after_a_restart_says_so() -> None:
    # RFC 4724 4.1.
    session = Session(
        PeerConfig(local_as=64512, peer_as=64513, graceful_restart=GracefulRestartConfig()), restarting=True
    )

    def restarting(outputs: list[Output]) -> list[bool]:
        (ours,) = messages_in(outputs)
        assert isinstance(ours, Open)
        return [c.restarting for c in ours.capabilities if isinstance(c, GracefulRestartCapability)]

    assert restarting(opened(session)) == [True]
    session.receive_data(raw(greeting(), Keepalive()), now=0.0)
    session.connection_lost(1.0)
    session.handle_timeout(2.0)
    assert restarting(opened(session)) == [False]


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


def test_a_broken_update_is_answered_once_and_nothing_after_it_read() -> None:
    session = established()
    broken = b"\xff" * 16 + b"\x00\x17\x02\x00\x01\x00\x00"
    outputs = session.receive_data(broken + broken + raw(Keepalive()), now=1.0)
    assert messages_in(outputs) == [Notification(3, 1)]
    assert [type(output) for output in outputs] == [StateChanged, SendBytes, CloseConnection, SessionClosed]


# Routes.


def test_only_differences_are_sent() -> None:
    session = established()
    assert len(session.announce([Route(A)], 1.0)) == 1
    assert session.announce([Route(A)], 1.0) == []
    (update,) = messages_in(session.replace([Route(A), Route(B)], 1.0))
    assert isinstance(update, Update)
    assert [*map(str, update.announced)] == [B]
    assert messages_in(session.withdraw([Prefix(A)], 1.0)) == [Update(withdrawn=[A])]
    assert session.replace([Route(B)], 1.0) == []
    assert session.routes == [Route(B)]


def test_all_routes_go_out_again_in_the_next_session() -> None:
    session = established()
    session.announce([Route(A)], 1.0)
    session.connection_lost(2.0)
    session.handle_timeout(3.0)
    opened(session, 3.0)
    outputs = session.receive_data(raw(greeting(), Keepalive()), now=3.0)
    updates = [message for message in messages_in(outputs) if isinstance(message, Update)]
    assert [[str(p) for p in update.announced] for update in updates] == [[A], []]


def test_a_route_without_next_hop_over_ipv6() -> None:
    session = alone(router_id="10.0.0.1")
    session.announce([Route(A), Route(B, next_hop="192.0.2.9")], now=0.0)
    session.start(0.0)
    session.connection_opened(0.0, local_address="2001:db8::1", remote_address="2001:db8::2")
    outputs = session.receive_data(raw(greeting(), Keepalive()), now=0.0)
    refused = [output for output in outputs if isinstance(output, RouteRefused)]
    assert [str(output.route.prefix) for output in refused] == [A]


def test_routes_of_a_family_that_was_not_negotiated() -> None:
    session = alone(families=[IPV4_UNICAST, IPV6_UNICAST])
    six = Route("2001:db8::/32")
    assert session.announce([six, Route(A)], now=0.0) == []
    opened(session)
    outputs = session.receive_data(raw(greeting(), Keepalive()), now=0.0)
    assert outputs.count(RouteRefused(six, "ipv6 unicast was not negotiated")) == 1
    assert session.announce([six], now=1.0) == [RouteRefused(six, "ipv6 unicast was not negotiated")]
    assert session.replace([six, Route(A)], now=1.0) == [RouteRefused(six, "ipv6 unicast was not negotiated")]
    assert session.withdraw([six], now=1.0) == []
    assert session.routes == [Route(A)]


def test_routes_with_path_identifiers() -> None:
    offer = AddPathCapability({IPV4_UNICAST: AddPathDirection.RECEIVE})
    session = established(offer, add_path={IPV4_UNICAST: AddPathDirection.SEND})
    paths = attrs.evolve(FOUR, add_path_receive=[IPV4_UNICAST])
    outputs = session.announce([Route(A, path_id=1), Route(A, path_id=2)], now=1.0)
    [update] = messages_in(outputs, paths)
    assert isinstance(update, Update)
    assert list(update.announced) == [bgp.Path(A, 1), bgp.Path(A, 2)]
    [update] = messages_in(session.withdraw([Route(A, path_id=1)], now=1.0), paths)
    assert isinstance(update, Update)
    assert list(update.withdrawn) == [bgp.Path(A, 1)]


# Routes go out piece by piece.


def full(monkeypatch: pytest.MonkeyPatch, **values: object) -> Session:
    """A session with three routes to tell, one to a piece, that comes up."""
    monkeypatch.setattr(ribout, "BATCH", 1)
    session = alone(**values)
    session.announce([Route(A), Route(B), Route("10.0.0.0/8")], now=0.0)
    opened(session)
    return session


def announced_in(outputs: list[Output]) -> list[str]:
    updates = [message for message in messages_in(outputs) if isinstance(message, Update)]
    return [str(prefix) for update in updates for prefix in update.announced] + [
        "End-of-RIB" for update in updates if update.end_of_rib
    ]


def test_a_piece_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    session = full(monkeypatch)
    assert announced_in(session.receive_data(raw(greeting(), Keepalive()), now=0.0)) == [A]
    assert session.next_timeout() == 0.0
    assert announced_in(session.handle_timeout(0.0)) == [B]
    assert announced_in(rest(session, 0.0)) == ["10.0.0.0/8", "End-of-RIB"]
    assert session.next_timeout() == 30.0


def test_a_driver_that_has_enough_to_send(monkeypatch: pytest.MonkeyPatch) -> None:
    session = full(monkeypatch)
    session.receive_data(raw(greeting(), Keepalive()), now=0.0)
    session.pause_sending()
    assert session.next_timeout() == 30.0
    assert session.announce([Route(A, med=1)], now=1.0) == []
    assert announced_in(session.resume_sending(2.0)) == [B]
    assert announced_in(rest(session, 2.0)) == ["10.0.0.0/8", A, "End-of-RIB"]


def test_a_pause_ends_with_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    session = full(monkeypatch)
    session.receive_data(raw(greeting(), Keepalive()), now=0.0)
    session.pause_sending()
    session.connection_lost(1.0)
    assert session.resume_sending(1.0) == []
    session.handle_timeout(2.0)
    opened(session, 2.0)
    outputs = session.receive_data(raw(greeting(), Keepalive()), now=2.0)
    assert announced_in([*outputs, *rest(session, 2.0)]) == [A, B, "10.0.0.0/8", "End-of-RIB"]


def test_bursts_are_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    # RFC 4271 9.2.1.1.
    session = full(monkeypatch, advertisement_interval=5)
    outputs = session.receive_data(raw(greeting(), Keepalive()), now=0.0)
    outputs += session.announce([Route(A, med=1)], now=0.0)
    assert announced_in([*outputs, *rest(session, 0.0)]) == [A, B, "10.0.0.0/8", "End-of-RIB"]
    assert session.announce([Route(B, med=1)], now=1.0) == []
    assert session.next_timeout() == 5.0
    assert session.handle_timeout(4.9) == []
    assert announced_in(session.handle_timeout(5.0)) == [A]
    assert announced_in(rest(session, 5.0)) == [B]
    assert session.next_timeout() == 35.0


def test_end_of_rib_waits_for_the_release() -> None:
    # RFC 4724 4.1.
    session = Session(PeerConfig(local_as=64512, peer_as=64513), outflow=Outflow(holds_back=True))
    session.announce([Route(A)], now=0.0)
    opened(session)
    assert announced_in(session.receive_data(raw(greeting(), Keepalive()), now=0.0)) == [A]
    session.pause_sending()
    session.announce([Route(B)], now=1.0)
    assert session.release(1.0) == []
    assert announced_in(session.resume_sending(1.0)) == [B, "End-of-RIB"]
    assert session.release(1.0) == []


def test_draining() -> None:
    # RFC 8326.
    session = established()
    session.announce([Route(A)], now=1.0)
    [update] = messages_in(session.drain(2.0))
    assert isinstance(update, Update)
    assert update.attributes.communities == (bgp.Community("graceful-shutdown"),)
    assert session.drain(3.0) == []
    [update] = messages_in(session.announce([Route(B)], now=3.0))
    assert isinstance(update, Update)
    assert update.attributes.communities == (bgp.Community("graceful-shutdown"),)


def test_another_configuration_while_it_is_up() -> None:
    session = established()
    session.announce([Route(A)], now=1.0)
    session.reconfigure(attrs.evolve(session.config, next_hop_ipv4="192.0.2.9", delay_open_time=3.0))
    assert session.options.delay_open
    [update] = messages_in(rest(session, 2.0))
    assert isinstance(update, Update)
    assert str(update.attributes.next_hop) == "192.0.2.9"


def test_another_configuration_from_the_next_connection_on() -> None:
    session = alone(hold_time=90)
    session.reconfigure(attrs.evolve(session.config, hold_time=30, connect_retry_time=2.0))
    assert session.next_timeout() is None
    session.start(0.0)
    assert session.next_timeout() == 2.0
    outputs = session.connection_opened(0.0, local_address="192.0.2.1", remote_address="192.0.2.2")
    [ours] = messages_in(outputs)
    assert isinstance(ours, Open)
    assert ours.hold_time == 30


def graceful(*, notification: bool) -> Session:
    """Established, with a peer that keeps routes; after NOTIFICATIONs too (RFC 8538), or not."""
    offer = GracefulRestartCapability(
        restart_time=60, families={IPV4_UNICAST: True}, notification=notification
    )
    return established(offer, graceful_restart=GracefulRestartConfig())


BFD_DOWN = Notification(6, 10)


@pytest.mark.parametrize(
    ("notification", "forwarding", "said"),
    [
        (None, False, [BFD_DOWN]),
        (None, True, [BFD_DOWN]),
        # RFC 4724 4: after any NOTIFICATION the routes would be gone.
        (False, False, []),
        (False, True, [BFD_DOWN]),
        # RFC 8538 3: only after a hard reset.
        (True, False, [BFD_DOWN]),
        (True, True, [Notification.hard_reset(BFD_DOWN)]),
    ],
)
def test_a_dead_path(notification: bool | None, forwarding: bool, said: list[Notification]) -> None:
    # RFC 5882 4.3, RFC 9384.
    session = established() if notification is None else graceful(notification=notification)
    outputs = session.path_failed(1.0, "silence", forwarding=forwarding)
    assert messages_in(outputs) == said
    assert CloseConnection() in outputs
    [closed] = [each for each in outputs if isinstance(each, SessionClosed)]
    assert closed.sent == (said[0] if said else None)
    assert "BFD" in closed.reason
    assert session.state is State.IDLE
    assert session.is_pausing


def test_a_dead_path_before_there_is_a_session() -> None:
    session = alone()
    opened(session)
    assert session.path_failed(1.0, "silence", forwarding=True) == []
    assert session.state is State.OPEN_SENT
    assert not session.is_pausing


def test_a_pause_before_there_is_a_session() -> None:
    session = alone()
    session.announce([Route(A)], now=0.0)
    opened(session)
    session.pause_sending()
    outputs = session.receive_data(raw(greeting(), Keepalive()), now=0.0)
    assert announced_in([*outputs, *rest(session, 0.0)]) == [A, "End-of-RIB"]


def test_suspending() -> None:
    # RFC 4724 4, RFC 8538 3: the peer is to keep our routes.
    for session, said in (
        (established(), []),
        (graceful(notification=False), []),
        (graceful(notification=True), [Notification.reset("restarting")]),
    ):
        outputs = session.suspend(1.0)
        assert messages_in(outputs) == said
        assert [type(each) for each in outputs if isinstance(each, SessionClosed)] == [SessionClosed]
        assert session.state is State.IDLE
        assert session.next_timeout() is None


@pytest.mark.parametrize("state", [State.IDLE, State.CONNECT, State.OPEN_SENT])
def test_suspending_what_is_not_up(state: State) -> None:
    session = alone()
    if state is not State.IDLE:
        session.start(0.0)
    if state is State.OPEN_SENT:
        session.connection_opened(0.0, local_address="192.0.2.1", remote_address="192.0.2.2")
    assert messages_in(session.suspend(1.0)) == []
    assert session.state is State.IDLE
    assert session.next_timeout() is None


@pytest.mark.parametrize(
    ("graceful", "forwarding", "said"),
    [
        # RFC 9384 3.
        (None, False, [Notification(6, 10)]),
        (None, True, [Notification(6, 10)]),
        # RFC 5882 4.3: the peer may just restart, and without RFC 8538 a NOTIFICATION ends all grace.
        ({"notification": False}, False, []),
        ({"notification": False}, True, [Notification(6, 10)]),
        ({"notification": True}, False, [Notification(6, 10)]),
        ({"notification": True}, True, [Notification.hard_reset(Notification(6, 10))]),
    ],
)
def test_a_path_that_fails(
    graceful: dict[str, bool] | None, forwarding: bool, said: list[Notification]
) -> None:
    offers: list[Capability] = []
    if graceful is not None:
        offers.append(GracefulRestartCapability(restart_time=60, families={IPV4_UNICAST: True}, **graceful))
    session = established(*offers, graceful_restart=GracefulRestartConfig() if graceful else None)
    outputs = session.path_failed(1.0, "the peer is silent", forwarding=forwarding)
    assert messages_in(outputs) == said
    assert closing(outputs) == SessionClosed(
        "BFD: the path to the peer is dead: the peer is silent", sent=said[0] if said else None
    )
    # It comes back.
    assert session.next_timeout() is not None
    assert session.path_failed(1.0, "the peer is silent", forwarding=forwarding) == []


def test_a_route_that_is_refused_may_be_announced_another_way() -> None:
    session = established()
    refused = Route(A, next_hop="192.0.2.2")
    assert session.announce([refused], now=1.0) == [RouteRefused(refused, "its next hop is the peer itself")]
    assert announced_in(session.announce([Route(A)], now=1.0)) == [A]


def test_a_peer_with_as_numbers_of_two_octets() -> None:
    session = alone(local_as=70000)
    session.announce([Route(A)], now=0.0)
    opened(session)
    theirs = Open(my_as=64513, hold_time=90, router_id="192.0.2.2")
    outputs = session.receive_data(raw(theirs, Keepalive()), now=0.0)
    update = messages_in(outputs, Negotiated(four_octet_as=False))[1]
    assert isinstance(update, Update)
    assert update.attributes.as_path == bgp.ASPath([70000])


def test_faults_withdraw_the_routes() -> None:
    session = established()
    broken = raw(Update(announced=[A], attributes=PathAttributes(origin=0)))
    (output,) = session.receive_data(broken, now=1.0)
    assert isinstance(output, RoutesReceived)
    assert (output.announced, output.withdrawn) == (bgp.NLRI(), bgp.NLRI([A]))
    assert len(output.faults) == 2
    assert session.state is State.ESTABLISHED


def test_end_of_rib() -> None:
    assert established().receive_data(raw(Update()), now=1.0) == [EndOfRib(IPV4_UNICAST)]


def test_routes_of_another_family() -> None:
    offers = map(MultiprotocolCapability, [IPV4_UNICAST, IPV6_UNICAST])
    session = established(*offers, families=[IPV4_UNICAST, IPV6_UNICAST])
    update = Update(
        attributes=PathAttributes(origin=0, as_path=[64513]),
        mp_reach=MPReach(["2001:db8::/32"], "2001:db8::2"),
    )
    (received,) = session.receive_data(raw(update), now=1.0)
    assert isinstance(received, RoutesReceived)
    assert (received.family, [*map(str, received.announced)]) == (IPV6_UNICAST, ["2001:db8::/32"])
    assert received.next_hop == bgp.NextHop("2001:db8::2")


def test_too_many_prefixes() -> None:
    session = established(prefix_limits={IPV4_UNICAST: PrefixLimit(2, warning=0.5)})
    attributes = PathAttributes(origin=0, as_path=[64513], next_hop="192.0.2.2")
    first = session.receive_data(raw(Update(announced=[A, B], attributes=attributes)), now=1.0)
    assert first[-1] == PrefixLimitWarning(IPV4_UNICAST, 2, 2)
    outputs = session.receive_data(raw(Update(announced=["10.0.0.0/8"], attributes=attributes)), now=2.0)
    assert isinstance(outputs[0], RoutesReceived)
    farewell = Notification.maximum_prefixes(IPV4_UNICAST, 2)
    assert messages_in(outputs) == [farewell]
    assert farewell.data == b"\x00\x01\x01\x00\x00\x00\x02"
    assert session.next_timeout() == 3.0


# Route refresh (RFC 2918, RFC 7313).


def test_a_request_is_answered_with_all_routes() -> None:
    session = established(*REFRESHING)
    session.announce([Route(A)], now=1.0)
    request = raw(RouteRefresh(IPV4_UNICAST))
    assert session.receive_data(request, now=2.0) == [RefreshRequested(IPV4_UNICAST)]
    begin, update, end = messages_in(rest(session, 2.0))
    assert begin == RouteRefresh(IPV4_UNICAST, RefreshSubtype.BEGIN)
    assert isinstance(update, Update)
    assert [*map(str, update.announced)] == [A]
    assert end == RouteRefresh(IPV4_UNICAST, RefreshSubtype.END)


def test_one_answer_to_requests_that_come_at_once() -> None:
    session = established(*REFRESHING)
    session.announce([Route(A)], now=1.0)
    request = raw(RouteRefresh(IPV4_UNICAST))
    assert session.receive_data(request * 100, now=2.0) == [RefreshRequested(IPV4_UNICAST)] * 100
    assert len(messages_in(rest(session, 2.0))) == 3


def test_a_request_from_a_peer_without_enhanced_refresh() -> None:
    session = established(RouteRefreshCapability())
    session.announce([Route(A)], now=1.0)
    session.receive_data(raw(RouteRefresh(IPV4_UNICAST)), now=2.0)
    assert [type(message) for message in messages_in(rest(session, 2.0))] == [Update]
    markers = (RouteRefresh(IPV4_UNICAST, subtype) for subtype in (1, 2))
    assert session.receive_data(raw(*markers), now=2.0) == []


def test_routes_of_another_family_are_not_repeated() -> None:
    offers = map(MultiprotocolCapability, [IPV4_UNICAST, IPV6_UNICAST])
    session = established(*offers, *REFRESHING, families=[IPV4_UNICAST, IPV6_UNICAST])
    session.announce([Route(A)], now=1.0)
    rest(session, 1.0)
    session.receive_data(raw(RouteRefresh(IPV6_UNICAST)), now=2.0)
    assert [type(message) for message in messages_in(rest(session, 2.0))] == [RouteRefresh, RouteRefresh]


@pytest.mark.parametrize(
    ("session", "request_"),
    [
        (established(*REFRESHING), RouteRefresh(IPV6_UNICAST)),
        (established(*REFRESHING, route_refresh=False), RouteRefresh(IPV4_UNICAST)),
        (established(*REFRESHING), RouteRefresh(IPV4_UNICAST, 3)),
    ],
    ids=["family", "not offered", "subtype"],
)
def test_requests_that_were_not_negotiated_are_ignored(session: Session, request_: RouteRefresh) -> None:
    assert session.receive_data(raw(request_), now=1.0) == []


def test_what_the_peer_sends_again_has_a_beginning_and_an_end() -> None:
    session = established(*REFRESHING)
    assert messages_in(session.request_refresh(IPV4_UNICAST)) == [RouteRefresh(IPV4_UNICAST)]
    markers = (RouteRefresh(IPV4_UNICAST, subtype) for subtype in (RefreshSubtype.BEGIN, RefreshSubtype.END))
    assert session.receive_data(raw(*markers), now=1.0) == [
        RefreshBegun(IPV4_UNICAST),
        RefreshEnded(IPV4_UNICAST),
    ]


@pytest.mark.parametrize("session", [alone(), established()], ids=["down", "without the capability"])
def test_a_refresh_that_cannot_be_asked_for(session: Session) -> None:
    with pytest.raises(LocalError, match="route refresh of ipv4 unicast was not negotiated"):
        session.request_refresh(IPV4_UNICAST)


def test_extended_messages() -> None:
    # RFC 8654 4: taken once we have offered them.
    update = raw(
        Update(withdrawn=[f"10.{a}.{b}.0/24" for a in range(8) for b in range(256)]),
        negotiated=Negotiated(four_octet_as=True, extended_message=True),
    )
    assert len(update) > 4096
    (received,) = established(extended_message=True).receive_data(update, 1.0)
    assert isinstance(received, RoutesReceived)
    assert len(received.withdrawn) == 2048
    refused = established(ExtendedMessageCapability()).receive_data(update, 1.0)
    assert closing(refused).sent == Notification(1, 2, len(update).to_bytes(2, "big"))


# Whatever comes.


@given(
    st.lists(st.binary(max_size=50) | messages(FOUR).map(raw), max_size=10),
    st.booleans(),
)
def test_no_octets_raise_or_get_two_notifications(chunks: list[bytes], is_up: bool) -> None:
    session = established(*REFRESHING) if is_up else alone()
    if not is_up:
        opened(session)
    outputs: list[Output] = []
    for number, chunk in enumerate(chunks):
        outputs += session.receive_data(chunk, now=float(number))
    assert sum(isinstance(message, Notification) for message in messages_in(outputs)) <= 1
    if session.state is State.IDLE:
        assert sum(isinstance(output, CloseConnection) for output in outputs) == 1


@given(updates(FOUR), st.sampled_from([None, 1]))
def test_an_update_is_taken_as_the_table_of_states_has_it(update: Update, maximum: int | None) -> None:
    limits = {IPV4_UNICAST: PrefixLimit(maximum)} if maximum else {}
    quick, plain = (established(prefix_limits=limits) for _ in range(2))
    taken = quick.apply(UpdateReceived(update), now=5.0)
    assert taken == plain.look_up(UpdateReceived(update), now=5.0)
    assert quick.next_timeout() == plain.next_timeout()
    assert quick.state is plain.state


@given(st.data())
def test_every_split_of_a_conversation_has_the_same_outcome(data: st.DataObject) -> None:
    said = data.draw(st.lists(messages(FOUR), max_size=4))
    stream = raw(*said)
    whole, pieces = established(), established()
    expected = whole.receive_data(stream, now=1.0)
    found: list[Output] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += pieces.receive_data(stream[:size], now=1.0)
        stream = stream[size:]
    assert found == expected
    assert pieces.state is whole.state


VERBS = st.sampled_from(["start", "stop", "reset", "opened", "failed", "lost", "sent", "agree", "time"])


@given(
    st.lists(VERBS | st.binary(max_size=30) | messages(FOUR).map(raw), max_size=30),
    st.booleans(),
    st.sampled_from([0.0, 5.0]),
    st.sampled_from([0, 9]),
)
def test_no_sequence_of_verbs_raises(
    steps: list[str | bytes], passive: bool, delay: float, hold_time: int
) -> None:
    session = alone(passive=passive, delay_open_time=delay, hold_time=hold_time)
    now = 0.0
    for step in steps:
        connected = session.our_open is not None
        outputs = do(session, step, now)
        now = max(now, session.next_timeout() or 0.0) if step == "time" else now + 0.5
        told = [message for message in messages_in(outputs) if isinstance(message, Notification)]
        assert len(told) <= 1
        if session.state is State.IDLE:
            assert (session.our_open, session.negotiated) == (None, None)
            assert not connected or CloseConnection() in outputs
            assert len(session._timers._deadlines) <= 1


def do(session: Session, step: str | bytes, now: float) -> list[Output]:
    match step:
        case "start":
            return session.start(now)
        case "stop":
            return session.stop(now)
        case "reset":
            return session.reset(now)
        case "opened":
            return session.connection_opened(now, local_address="192.0.2.1", remote_address="192.0.2.2")
        case "failed":
            return session.connection_failed(now, "refused")
        case "lost":
            return session.connection_lost(now)
        case "sent":
            session.data_sent(now)
            return []
        case "agree":
            return session.receive_data(raw(greeting(*REFRESHING), Keepalive()), now)
        case bytes():
            return session.receive_data(step, now)
        case _:
            return session.handle_timeout(session.next_timeout() or now)


# What callers do wrong leaves the session as it was.


def test_a_farewell_that_is_too_long_changes_nothing() -> None:
    session = established()
    for verb in (session.stop, session.reset):
        with pytest.raises(LocalError, match="NOTIFICATION of 5021 octets, at most 4096 fit"):
            verb(1.0, Notification(6, 2, bytes(5000)))
        with pytest.raises(LocalError, match="farewell 'maintenance', must be a Notification"):
            verb(1.0, "maintenance")  # type: ignore[arg-type]  # the point of the test
    assert session.state is State.ESTABLISHED
    assert isinstance(closing(session.stop(2.0)), SessionClosed)


def test_a_connection_between_no_addresses_changes_nothing() -> None:
    session = alone()
    session.start(0.0)
    with pytest.raises(LocalError, match="is not an IP address"):
        session.connection_opened(0.1, local_address="192.0.2.1", remote_address="peer")
    assert StateChanged(State.CONNECT, State.OPEN_SENT) in opened(session, 0.2)


def test_time_may_run_as_far_as_it_likes() -> None:
    session = established()
    assert isinstance(closing(session.handle_timeout(math.inf)), SessionClosed)
    assert session.state is State.IDLE


def test_a_route_that_does_not_fit_costs_no_other() -> None:
    session = alone(local_as=400_000)
    session.announce([Route(A, as_path=range(100_000, 100_990)), Route(B)], 0.0)
    opened(session)
    narrow = Negotiated(four_octet_as=False)
    old = Open(my_as=64513, hold_time=90, router_id="192.0.2.2")
    outputs = session.receive_data(raw(old, Keepalive(), negotiated=narrow), 0.1)
    refused = [output for output in outputs if isinstance(output, RouteRefused)]
    assert [str(output.route.prefix) for output in refused] == [A]
    told = [message for message in messages_in(outputs, narrow) if isinstance(message, Update)]
    assert [list(map(str, update.announced)) for update in told] == [[B], []]


def test_text_will_do_for_routes() -> None:
    session = established()
    session.announce([A], 0.0)
    session.replace([Prefix(A), B], 0.0)
    session.withdraw([A, Route("10.0.0.0/8")], 0.0)
    assert [str(route.prefix) for route in session.routes] == [B]


def test_a_refresh_before_end_of_rib_is_ignored() -> None:
    # RFC 7313 4.
    offers = *REFRESHING, GracefulRestartCapability(restart_time=60, families={IPV4_UNICAST: True})
    session = established(*offers, graceful_restart=GracefulRestartConfig())
    begin = raw(RouteRefresh(IPV4_UNICAST, RefreshSubtype.BEGIN))
    assert session.receive_data(begin, 1.0) == []
    session.receive_data(raw(Update()), 2.0)
    assert session.receive_data(begin, 3.0) == [RefreshBegun(IPV4_UNICAST)]
