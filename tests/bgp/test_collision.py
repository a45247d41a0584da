"""Which connection survives a collision: RFC 4271 6.8 and RFC 6286 2.3."""

from ipaddress import IPv4Address

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bgp import State
from bgp.collision import Existing, Identity, Side, Survivor, resolve

LOW, HIGH = IPv4Address("9.255.255.255"), IPv4Address("10.0.0.1")
EXISTING, NEWCOMER, BOTH = Survivor.EXISTING, Survivor.NEWCOMER, Survivor.BOTH
US, THEM = Side.LOCAL, Side.REMOTE
UNSAID = State.CONNECT, State.ACTIVE

WE_WIN = Identity(HIGH, 1), Identity(LOW, 2)
THEY_WIN = WE_WIN[::-1]


@pytest.mark.parametrize(
    ("ours", "theirs", "existing", "survivor"),
    [
        # The higher identifier's connection stays; as a number, not as text.
        (Identity(HIGH, 1), Identity(LOW, 2), US, EXISTING),
        (Identity(HIGH, 1), Identity(LOW, 2), THEM, NEWCOMER),
        (Identity(LOW, 1), Identity(HIGH, 2), US, NEWCOMER),
        (Identity(LOW, 1), Identity(HIGH, 2), THEM, EXISTING),
        # RFC 6286 2.3: of equal identifiers the one with the higher AS number.
        (Identity(HIGH, 2), Identity(HIGH, 1), US, EXISTING),
        (Identity(HIGH, 1), Identity(HIGH, 70000), US, NEWCOMER),
    ],
)
def test_the_opens_are_there(ours: Identity, theirs: Identity, existing: Side, survivor: Survivor) -> None:
    newcomer = THEM if existing is US else US
    there = Existing(state=State.OPEN_CONFIRM, dialled_by=existing)
    assert resolve(there, newcomer, ours=ours, theirs=theirs) is survivor


@pytest.mark.parametrize(
    ("state", "overdue", "if_we_win", "if_they_win"),
    [
        # Our OPEN is out, and the answer may be on its way.
        (State.OPEN_SENT, False, EXISTING, NEWCOMER),
        (State.OPEN_SENT, True, NEWCOMER, NEWCOMER),
        # Nothing is out yet on ours.
        *((state, overdue, NEWCOMER, NEWCOMER) for state in UNSAID for overdue in (False, True)),
    ],
)
def test_theirs_brings_an_open_before_ours(
    state: State, overdue: bool, if_we_win: Survivor, if_they_win: Survivor
) -> None:
    ours = Existing(state=state, dialled_by=US, overdue=overdue)
    for (one, other), survivor in ((WE_WIN, if_we_win), (THEY_WIN, if_they_win)):
        assert resolve(ours, THEM, ours=one, theirs=other) is survivor


@pytest.mark.parametrize("state", [*UNSAID, State.OPEN_SENT])
@pytest.mark.parametrize("dialled", [(US, US), (THEM, US), (THEM, THEM)], ids=str)
@pytest.mark.parametrize("overdue", [False, True])
def test_others_are_waited_for(state: State, dialled: tuple[Side, Side], overdue: bool) -> None:
    there = Existing(state=state, dialled_by=dialled[0], overdue=overdue)
    for one, other in (WE_WIN, THEY_WIN):
        assert resolve(there, dialled[1], ours=one, theirs=other) is BOTH


@pytest.mark.parametrize("side", Side, ids=str)
def test_one_side_dialled_twice(side: Side) -> None:
    there = Existing(state=State.OPEN_CONFIRM, dialled_by=side)
    for one, other in (WE_WIN, THEY_WIN):
        assert resolve(there, side, ours=one, theirs=other) is NEWCOMER


@pytest.mark.parametrize(("abandoned", "survivor"), [(False, EXISTING), (True, NEWCOMER)])
def test_an_established_session_stays_unless_the_peer_restarts(abandoned: bool, survivor: Survivor) -> None:
    there = Existing(state=State.ESTABLISHED, dialled_by=US, abandoned=abandoned)
    for one, other in (WE_WIN, THEY_WIN):
        assert resolve(there, THEM, ours=one, theirs=other) is survivor


IDENTITIES = st.builds(Identity, st.integers(1, 3).map(IPv4Address), st.integers(1, 3))


@given(IDENTITIES, IDENTITIES, st.sampled_from(Side))
def test_both_sides_give_up_the_same_connection(one: Identity, other: Identity, first: Side) -> None:
    assume(one != other)  # RFC 6286 2.2: in one AS, equal identifiers are refused.
    opposite = {US: THEM, THEM: US}

    def judge(existing: Side, ours: Identity, theirs: Identity) -> Survivor:
        there = Existing(state=State.OPEN_CONFIRM, dialled_by=existing)
        return resolve(there, opposite[existing], ours=ours, theirs=theirs)

    # There it is the same pair of connections, seen from the other side, whichever of them came first.
    here, there, swapped = (
        judge(first, one, other),
        judge(opposite[first], other, one),
        judge(first, other, one),
    )
    assert here is there
    assert here is not swapped


def test_values_print_as_they_are_written() -> None:
    assert repr([US, NEWCOMER]) == "[Side.LOCAL, Survivor.NEWCOMER]"
