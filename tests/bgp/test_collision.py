"""Which connection survives a collision: RFC 4271 6.8 and RFC 6286 2.3."""

from ipaddress import IPv4Address

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bgp.collision import Existing, Identity, Side, Survivor, resolve

LOW, HIGH = IPv4Address("9.255.255.255"), IPv4Address("10.0.0.1")
EXISTING, NEWCOMER = Survivor.EXISTING, Survivor.NEWCOMER


@pytest.mark.parametrize(
    ("ours", "theirs", "existing", "survivor"),
    [
        # The higher identifier's connection stays; as a number, not as text.
        (Identity(HIGH, 1), Identity(LOW, 2), Side.LOCAL, EXISTING),
        (Identity(HIGH, 1), Identity(LOW, 2), Side.REMOTE, NEWCOMER),
        (Identity(LOW, 1), Identity(HIGH, 2), Side.LOCAL, NEWCOMER),
        (Identity(LOW, 1), Identity(HIGH, 2), Side.REMOTE, EXISTING),
        # RFC 6286 2.3: of equal identifiers the one with the higher AS number.
        (Identity(HIGH, 2), Identity(HIGH, 1), Side.LOCAL, EXISTING),
        (Identity(HIGH, 1), Identity(HIGH, 70000), Side.LOCAL, NEWCOMER),
    ],
)
def test_two_sides_dialled(ours: Identity, theirs: Identity, existing: Side, survivor: Survivor) -> None:
    newcomer = Side.REMOTE if existing is Side.LOCAL else Side.LOCAL
    assert resolve(Existing(dialled_by=existing), newcomer, ours=ours, theirs=theirs) is survivor


@pytest.mark.parametrize("side", Side, ids=str)
def test_one_side_dialled_twice(side: Side) -> None:
    for ours, theirs in ((LOW, HIGH), (HIGH, LOW)):
        found = resolve(Existing(dialled_by=side), side, ours=Identity(ours, 1), theirs=Identity(theirs, 2))
        assert found is NEWCOMER


@pytest.mark.parametrize(("abandoned", "survivor"), [(False, EXISTING), (True, NEWCOMER)])
def test_an_established_session_stays_unless_the_peer_restarts(abandoned: bool, survivor: Survivor) -> None:
    existing = Existing(dialled_by=Side.LOCAL, established=True, abandoned=abandoned)
    for ours, theirs in ((LOW, HIGH), (HIGH, LOW)):
        found = resolve(existing, Side.REMOTE, ours=Identity(ours, 1), theirs=Identity(theirs, 2))
        assert found is survivor


IDENTITIES = st.builds(Identity, st.integers(1, 3).map(IPv4Address), st.integers(1, 3))


@given(IDENTITIES, IDENTITIES, st.sampled_from(Side))
def test_both_sides_give_up_the_same_connection(one: Identity, other: Identity, first: Side) -> None:
    assume(one != other)  # RFC 6286 2.2: in one AS, equal identifiers are refused.
    opposite = {Side.LOCAL: Side.REMOTE, Side.REMOTE: Side.LOCAL}
    here = resolve(Existing(dialled_by=first), opposite[first], ours=one, theirs=other)
    # There it is the same pair of connections, seen from the other side, whichever of them came first.
    there = resolve(Existing(dialled_by=opposite[first]), first, ours=other, theirs=one)
    swapped = resolve(Existing(dialled_by=first), opposite[first], ours=other, theirs=one)
    assert here is there
    assert here is not swapped


def test_values_print_as_they_are_written() -> None:
    assert repr([Side.LOCAL, Survivor.NEWCOMER]) == "[Side.LOCAL, Survivor.NEWCOMER]"
