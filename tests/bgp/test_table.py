"""Who has to hear of which change, and which identifiers paths get."""

from ipaddress import IPv4Address

import attrs
import pytest

from bgp import IPV4_UNICAST, LocalError, PathAttributes, PeerConfig, PeerType, Route
from bgp.candidate import OURSELVES, Candidate, Source
from bgp.peer import Peering
from bgp.rib import Rib
from bgp.table import Table

A, B = b"\x18\x0a\x00\x00", b"\x18\x0a\x00\x01"
ATTRIBUTES = PathAttributes(origin=0, as_path=[64513])


@attrs.define(eq=False)
class Hearer:
    """Notes what it hears."""

    passes_on: bool = True
    token: object = attrs.field(factory=object)
    heard: list[bytes] = attrs.field(factory=list)
    peering: Peering = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.peering = Peering(PeerConfig(local_as=64512, peer_as=64513))
        self.peering.rib_out.begin([IPV4_UNICAST])

    def hears(self) -> bool:
        """Whether something was touched since the last time."""
        told = self.peering.rib_out._told[IPV4_UNICAST].touched
        self.heard, told_of = list(told), bool(told)
        told.clear()
        return told_of

    def offers(self, path_id: int = 0) -> Candidate:
        address = IPv4Address("192.0.2.2")
        source = Source(self.token, address, 64513, address, PeerType.EXTERNAL)
        return Candidate(source, ATTRIBUTES, None, path_id)


def table_of(*hearers: Hearer) -> Table:
    table = Table(Rib(), None)
    for hearer in hearers:
        table.add(hearer)
    return table


def test_ours_concern_everybody_and_others_whom_they_may_reach() -> None:
    one, two, closed = Hearer(), Hearer(), Hearer(passes_on=False)
    table = table_of(one, two, closed)
    table.touch(IPV4_UNICAST, [], None)
    assert table.take_awake() == set()
    table.touch(IPV4_UNICAST, [A], None)
    assert table.take_awake() == {one, two, closed}
    assert [each.hears() for each in (one, two, closed)] == [True, True, True]
    table.touch(IPV4_UNICAST, table.rib.put(IPV4_UNICAST, [A, B], one.offers()), one)
    assert [each.hears() for each in (one, two, closed)] == [False, True, False]
    assert table.take_awake() == {two}
    assert table.take_awake() == set()


def test_a_change_concerns_its_sender_where_there_are_other_routes() -> None:
    one, two = Hearer(), Hearer()
    table = table_of(one, two)
    table.rib.put(IPV4_UNICAST, [A], two.offers())
    table.touch(IPV4_UNICAST, table.rib.put(IPV4_UNICAST, [A, B], one.offers()), one)
    assert one.hears()
    assert one.heard == [A]
    table.touch(IPV4_UNICAST, table.rib.remove(IPV4_UNICAST, [A, B], one.token), one)
    assert one.hears()
    assert one.heard == [A]
    assert two.hears()
    table.touch(IPV4_UNICAST, table.rib.remove(IPV4_UNICAST, [A], two.token), two)
    assert not two.hears()


def test_who_is_gone_hears_nothing() -> None:
    one, two = Hearer(), Hearer()
    table = table_of(one, two)
    table.wake(one)
    table.wake(two)
    table.remove(one)
    table.touch(IPV4_UNICAST, [A], None)
    assert table.take_awake() == {two}
    assert not one.hears()


def test_identifiers_of_paths() -> None:
    one, two = Hearer(), Hearer()
    table = table_of(one, two)
    ours = Candidate(OURSELVES, ATTRIBUTES, None, 0)
    given = [table.path_id(each) for each in (one.offers(), one.offers(7), two.offers(), ours)]
    assert given == [1, 2, 3, 4]
    assert table.path_id(one.offers(7)) == 2
    table.forget_path_ids(one)
    assert [table.path_id(each) for each in (one.offers(), two.offers(), ours)] == [5, 3, 4]
    table.remove(two)
    assert table.path_id(two.offers()) == 6


def test_what_must_not_be_done_while_a_policy_is_asked() -> None:
    table = Table(Rib(list), None)

    def reads(route: Route) -> None:
        assert table.judge(lambda other: other, route) is route

    def acts(route: Route) -> None:
        reads(route)
        table.check_free()

    assert table.judge(reads, Route("10.0.0.0/8")) is None
    table.check_free()
    with pytest.raises(LocalError, match="a policy is being asked: do this afterwards"):
        table.judge(acts, Route("10.0.0.0/8"))
    table.check_free()
