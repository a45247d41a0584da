"""What is counted of a peer."""

from bgp import IPV4_UNICAST, Keepalive, Notification, Open, RouteRefresh, State, Update
from bgp.messages import Message
from bgp.statistics import Counters, PrefixCounts, Statistics

KINDS = ["open", "update", "notification", "keepalive", "route_refresh"]
MESSAGES: list[Message] = [
    Open(my_as=64512, hold_time=90, router_id="192.0.2.1"),
    Update(),
    Notification.shutdown(),
    Keepalive(),
    RouteRefresh(IPV4_UNICAST),
]


def test_messages_by_kind() -> None:
    counters = Counters()
    assert counters.received == counters.sent == dict.fromkeys(KINDS, 0)
    for times, message in enumerate(MESSAGES, 1):
        for _ in range(times):
            counters.count_received(message)
        counters.count_sent(message)
    assert counters.received == {kind: times for times, kind in enumerate(KINDS, 1)}
    assert counters.sent == dict.fromkeys(KINDS, 1)


def test_peers_have_counters_of_their_own() -> None:
    one, other = Counters(), Counters()
    one.count_sent(Keepalive())
    assert other.sent["keepalive"] == 0


def test_statistics_are_a_value() -> None:
    def made() -> Statistics:
        return Statistics(
            state=State.IDLE,
            uptime=None,
            last_error=None,
            established=0,
            messages_received=Counters().received,
            messages_sent=Counters().sent,
            octets_received=0,
            octets_sent=0,
            prefixes={IPV4_UNICAST: PrefixCounts(received=2, accepted=1, advertised=0)},
        )

    assert made() == made()
