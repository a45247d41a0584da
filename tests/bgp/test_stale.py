"""Routes that outlive their session: RFC 4724 4.2, RFC 8538, RFC 9494."""

import pytest

from bgp.capabilities import (
    GracefulRestartCapability,
    LongLivedFamily,
    LongLivedGracefulRestartCapability,
)
from bgp.events import RoutesLongLivedStale, RoutesStale, StaleRoutesGone
from bgp.negotiated import Negotiated
from bgp.notification import Notification
from bgp.prefix import IPV4_UNICAST as FOUR
from bgp.prefix import IPV6_UNICAST as SIX
from bgp.prefix import Family
from bgp.stale import StaleRoutes

CEASE = Notification(6, 4)
HARD = Notification.hard_reset(CEASE)


def session(
    kept: dict[Family, bool] | None,
    *,
    long_lived: dict[Family, tuple[int, bool]] | None = None,
    families: frozenset[Family] = frozenset({FOUR, SIX}),
    notification: bool = False,
) -> Negotiated:
    """What a peer promises that keeps some families, and has kept their forwarding state or not."""
    restart = None if kept is None else GracefulRestartCapability(restart_time=60, families=kept)
    lasting = [LongLivedFamily(family, *entry) for family, entry in (long_lived or {}).items()]
    return Negotiated(
        four_octet_as=True,
        families=families,
        graceful_restart=restart,
        graceful_notification=notification,
        long_lived_graceful_restart=LongLivedGracefulRestartCapability(lasting) if long_lived else None,
    )


PLAIN = session({FOUR: True, SIX: True})


def lost(promise: Negotiated, now: float = 100.0) -> StaleRoutes:
    """A peer that has just gone away."""
    stale = StaleRoutes(stale_time=300.0)
    assert stale.established(promise, now - 50) == []
    stale.closed(now, None, None)
    return stale


def test_a_lost_session_leaves_stale_routes() -> None:
    stale = StaleRoutes(stale_time=300.0)
    stale.established(PLAIN, 0.0)
    assert stale.next_timeout() is None
    assert stale.closed(100.0, None, None) == [RoutesStale(FOUR), RoutesStale(SIX)]
    assert stale.families == {FOUR, SIX}
    assert stale.next_timeout() == 160.0


def test_families_that_both_exchange_and_the_peer_keeps() -> None:
    assert lost(session({FOUR: False})).families == {FOUR}
    assert lost(session({FOUR: True}, families=frozenset({SIX}))).families == set()
    assert lost(session({})).families == set()
    assert lost(session(None)).families == set()


def test_a_session_that_never_was_leaves_nothing() -> None:
    assert StaleRoutes(300.0).closed(0.0, None, None) == []


@pytest.mark.parametrize(
    ("sent", "received", "notification", "kept"),
    [
        # RFC 4724 4.2: a NOTIFICATION ends it, ...
        (CEASE, None, False, False),
        (None, CEASE, False, False),
        # ... unless both set the N bit (RFC 8538 4), ...
        (CEASE, None, True, True),
        (None, CEASE, True, True),
        # ... and it is no hard reset.
        (HARD, None, True, False),
        (None, HARD, True, False),
        # RFC 4724 5: the peer has opened a new connection.
        (Notification(6, 7), None, False, True),
    ],
)
def test_notifications(
    sent: Notification | None, received: Notification | None, notification: bool, kept: bool
) -> None:
    stale = StaleRoutes(300.0)
    stale.established(session({FOUR: True}, notification=notification), 0.0)
    assert bool(stale.closed(1.0, sent, received)) is kept


def test_a_peer_that_does_not_come_back_in_time() -> None:
    stale = lost(PLAIN)
    assert stale.handle_timeout(159.0) == []
    assert stale.handle_timeout(160.0) == [StaleRoutesGone(FOUR), StaleRoutesGone(SIX)]
    assert stale.next_timeout() is None


def test_a_peer_that_comes_back_confirms_family_by_family() -> None:
    stale = lost(PLAIN)
    assert stale.established(PLAIN, 110.0) == []
    assert stale.families == {FOUR, SIX}
    assert stale.end_of_rib(FOUR) == [StaleRoutesGone(FOUR)]
    assert stale.end_of_rib(FOUR) == []
    assert stale.next_timeout() == 410.0
    assert stale.handle_timeout(410.0) == [StaleRoutesGone(SIX)]


@pytest.mark.parametrize(
    "back",
    [
        session(None),
        session({}),
        session({FOUR: False}),
        session({FOUR: True}, families=frozenset({SIX})),
    ],
)
def test_a_peer_that_has_lost_its_forwarding_state(back: Negotiated) -> None:
    stale = lost(session({FOUR: True}))
    assert stale.established(back, 110.0) == [StaleRoutesGone(FOUR)]
    assert stale.families == set()


def test_what_is_stale_twice_goes() -> None:
    stale = lost(session({FOUR: True}))
    stale.established(session({FOUR: True}), 110.0)
    assert stale.closed(120.0, None, None) == [StaleRoutesGone(FOUR), RoutesStale(FOUR)]


def test_clear() -> None:
    stale = lost(PLAIN)
    assert stale.clear() == [StaleRoutesGone(FOUR), StaleRoutesGone(SIX)]
    assert stale.closed(200.0, None, None) == []


# RFC 9494.

LASTING = {FOUR: (600, True), SIX: (0, True)}


def test_the_last_resort() -> None:
    stale = lost(session({FOUR: True, SIX: True}, long_lived=LASTING))
    assert stale.handle_timeout(160.0) == [RoutesLongLivedStale(FOUR), StaleRoutesGone(SIX)]
    assert stale.families == {FOUR}
    assert stale.next_timeout() == 760.0
    assert stale.handle_timeout(760.0) == [StaleRoutesGone(FOUR)]


def test_a_session_does_not_prolong_the_last_resort() -> None:
    promise = session({FOUR: True}, long_lived=LASTING)
    stale = lost(promise)
    stale.handle_timeout(160.0)
    assert stale.established(promise, 500.0) == []
    assert stale.next_timeout() == 760.0
    assert stale.end_of_rib(FOUR) == [StaleRoutesGone(FOUR)]


@pytest.mark.parametrize(
    "back", [session({FOUR: True}), session({FOUR: True}, long_lived={FOUR: (600, False)})]
)
def test_long_lived_routes_need_their_own_flag(back: Negotiated) -> None:
    stale = lost(session({FOUR: True}, long_lived=LASTING))
    stale.handle_timeout(160.0)
    assert stale.established(back, 500.0) == [StaleRoutesGone(FOUR)]


def test_without_the_capability_there_is_no_last_resort() -> None:
    stale = lost(session({FOUR: True}))
    assert stale.handle_timeout(160.0) == [StaleRoutesGone(FOUR)]
