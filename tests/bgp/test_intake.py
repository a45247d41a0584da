"""From received UPDATEs to events: RFC 7606's treatments, families, and prefix limits."""

import pytest

from bgp.attributes import PathAttributes
from bgp.config import PrefixLimit
from bgp.events import EndOfRib, FamilyDisabled, Output, PrefixLimitWarning, RoutesReceived
from bgp.faults import Fault, Treatment
from bgp.intake import Intake
from bgp.labelled import LabelledPrefix
from bgp.multiprotocol import MPReach, MPUnreach, NextHop
from bgp.nlri import NLRI, Path
from bgp.notification import Notification
from bgp.prefix import IPV4_LABELLED, IPV4_UNICAST, IPV6_MULTICAST, IPV6_UNICAST
from bgp.update import Update

A, B, C = "203.0.113.1/32", "203.0.113.2/32", "203.0.113.3/32"
SIX, SEVEN = "2001:db8:6::/48", "2001:db8:7::/48"
BOTH = frozenset({IPV4_UNICAST, IPV6_UNICAST})
ATTRIBUTES = PathAttributes(origin=0, as_path=[64513])
HOP = NextHop("2001:db8::1")
NONE_4, NONE_6 = NLRI(), NLRI([], IPV6_UNICAST)


def events(update: Update) -> list[Output]:
    found, farewell = Intake.of(BOTH, ()).take(update)
    assert farewell is None
    return found


def received(announced: NLRI, withdrawn: NLRI, **values: object) -> RoutesReceived:
    fields: dict[str, object] = {"attributes": ATTRIBUTES, "family": announced.family, **values}
    return RoutesReceived(announced=announced, withdrawn=withdrawn, **fields)  # type: ignore[arg-type]  # any


def test_routes_of_ipv4() -> None:
    update = Update(announced=[A], withdrawn=[B], attributes=ATTRIBUTES)
    assert events(update) == [received(NLRI([A]), NLRI([B]))]


def test_routes_of_another_family() -> None:
    reach, unreach = MPReach([SIX], HOP), MPUnreach([SEVEN])
    announced, withdrawn = NLRI([SIX]), NLRI([SEVEN])
    assert events(Update(mp_reach=reach, mp_unreach=unreach, attributes=ATTRIBUTES)) == [
        received(announced, withdrawn, next_hop=HOP)
    ]
    assert events(Update(mp_reach=reach, attributes=ATTRIBUTES)) == [
        received(announced, NONE_6, next_hop=HOP)
    ]
    assert events(Update(mp_unreach=unreach, attributes=ATTRIBUTES)) == [received(NONE_6, withdrawn)]


def test_each_family_is_an_event_of_its_own() -> None:
    four = MPUnreach(NLRI([B]))
    update = Update(announced=[A], attributes=ATTRIBUTES, mp_reach=MPReach([SIX], HOP), mp_unreach=four)
    assert events(update) == [
        received(NLRI([A]), NONE_4),
        received(NLRI([SIX]), NONE_6, next_hop=HOP),
        received(NONE_4, NLRI([B])),
    ]


def test_families_that_were_not_negotiated_are_ignored() -> None:
    multicast = NLRI.from_wire(NLRI([SIX]).wire, IPV6_MULTICAST)
    update = Update(announced=[A], attributes=ATTRIBUTES, mp_reach=MPReach(multicast, HOP))
    assert events(update) == [received(NLRI([A]), NONE_4)]
    assert events(Update(mp_unreach=MPUnreach(NLRI([], IPV6_MULTICAST)))) == []


@pytest.mark.parametrize("family", sorted(BOTH), ids=str)
def test_end_of_rib(family: object) -> None:
    update = Update() if family == IPV4_UNICAST else Update(mp_unreach=MPUnreach(NONE_6))
    assert events(update) == [EndOfRib(family)]  # type: ignore[arg-type]  # a family


# RFC 7606.

DISCARD = Fault(5, Treatment.ATTRIBUTE_DISCARD, "LOCAL_PREF from an external peer")
WITHDRAW = Fault(1, Treatment.TREAT_AS_WITHDRAW, "ORIGIN is missing")
DISABLE = Fault(14, Treatment.AFI_SAFI_DISABLE, "next hop of 5 octets", family=IPV6_UNICAST)


def test_a_discarded_attribute_leaves_the_routes() -> None:
    update = Update(announced=[A], attributes=ATTRIBUTES, faults=[DISCARD])
    assert events(update) == [received(NLRI([A]), NONE_4, faults=(DISCARD,))]


def test_faults_without_routes_are_told() -> None:
    assert events(Update(attributes=ATTRIBUTES, faults=[DISCARD])) == [
        received(NONE_4, NONE_4, faults=(DISCARD,))
    ]


def test_routes_are_treated_as_withdrawn() -> None:
    update = Update(
        announced=[A],
        withdrawn=[B],
        attributes=ATTRIBUTES,
        mp_reach=MPReach([Path(SIX, 7)], HOP),
        faults=[WITHDRAW, DISCARD],
    )
    faults = (WITHDRAW, DISCARD)
    assert events(update) == [
        received(NONE_4, NLRI([B, A]), faults=faults),
        received(NONE_6, NLRI([Path(SIX, 7)]), next_hop=HOP, faults=faults),
    ]


def test_a_family_is_disabled_once_and_for_all() -> None:
    intake = Intake.of(BOTH, ())
    broken = Update(announced=[A], attributes=ATTRIBUTES, faults=[DISABLE])
    assert intake.take(broken) == (
        [FamilyDisabled(IPV6_UNICAST, (DISABLE,)), received(NLRI([A]), NONE_4, faults=(DISABLE,))],
        None,
    )
    fine = Update(attributes=ATTRIBUTES, mp_reach=MPReach([SIX], HOP))
    assert intake.take(fine) == ([], None)
    assert intake.take(Update(mp_unreach=MPUnreach(NONE_6))) == ([], None)
    again, _ = intake.take(broken)
    assert [type(event) for event in again] == [RoutesReceived]


# RFC 4271 6.7, RFC 4486 4.


def take(intake: Intake, announced: list[str], withdrawn: list[str] = []) -> object:  # noqa: B006  not changed
    found, farewell = intake.take(Update(announced=announced, withdrawn=withdrawn, attributes=ATTRIBUTES))
    return farewell or [event.count for event in found if isinstance(event, PrefixLimitWarning)]


def test_a_limit_warns_once_and_then_ends_the_session() -> None:
    intake = Intake.of(BOTH, [(IPV4_UNICAST, PrefixLimit(3, warning=0.5))])
    assert take(intake, [A]) == []
    assert take(intake, [A, B]) == [2]
    assert take(intake, [C]) == []
    assert take(intake, [A], [B]) == []
    assert take(intake, [], [A]) == []
    assert take(intake, [A]) == [2]
    farewell = take(intake, [B, "10.0.0.0/8"])
    assert farewell == Notification.maximum_prefixes(IPV4_UNICAST, 3)


def test_other_families_have_no_limit() -> None:
    intake = Intake.of(BOTH, [(IPV6_UNICAST, PrefixLimit(1))])
    assert take(intake, [A, B, C]) == []


def test_the_excess_is_delivered_before_the_end() -> None:
    intake = Intake.of(BOTH, [(IPV4_UNICAST, PrefixLimit(1))])
    update = Update(announced=[A, B], attributes=ATTRIBUTES, mp_reach=MPReach([SIX], HOP))
    found, farewell = intake.take(update)
    assert found == [received(NLRI([A, B]), NONE_4)]
    assert farewell is not None


def test_a_prefix_with_other_labels_is_the_same_prefix() -> None:
    family = IPV4_LABELLED
    intake = Intake.of(frozenset({family}), [(family, PrefixLimit(1, warning=1))])
    for label in range(100, 120):
        reach = MPReach([LabelledPrefix("10.0.0.0/8", labels=[label])], "192.0.2.1")
        assert intake.take(Update(attributes=ATTRIBUTES, mp_reach=reach))[1] is None
    assert intake.take(Update(mp_unreach=MPUnreach([LabelledPrefix("10.0.0.0/8")])))[1] is None
    other = MPReach([LabelledPrefix("11.0.0.0/8", labels=[100])], "192.0.2.1")
    assert intake.take(Update(attributes=ATTRIBUTES, mp_reach=other))[1] is None
