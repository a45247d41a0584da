"""Who leads: the rules, and that there is never more than one who may act."""

import attrs
from hypothesis import given
from hypothesis import strategies as st

from k8sglue.leadership import Leadership
from k8sglue.resources import Key, Lease

KEY = Key("metallb-system", "k8sglue-controller")


def candidate(name: str = "a", duration: float = 15.0) -> Leadership:
    return Leadership(key=KEY, identity=name, duration=duration)


def held(by: str, version: str = "1", transitions: int = 0, duration: float = 15.0) -> Lease:
    return Lease(key=KEY, holder=by, resource_version=version, transitions=transitions, duration=duration)


def test_nothing_is_claimed_before_the_lease_was_looked_for() -> None:
    assert candidate().free_at() is None
    assert candidate().holder == ""
    assert candidate().lease is None


def test_a_lease_that_is_not_there_or_not_held_is_free() -> None:
    one = candidate()
    one.observe(None, 5.0)
    assert one.free_at() == 5.0
    assert one.claim() == Lease(key=KEY, holder="a", duration=15.0)
    one.observe(held("", transitions=3), 6.0)
    assert one.free_at() == 6.0
    assert one.claim().transitions == 4


def test_a_lease_is_free_once_it_has_not_changed_for_its_duration() -> None:
    one = candidate()
    one.observe(held("b", duration=20.0), 0.0)
    one.observe(held("b", duration=20.0), 19.0)
    assert (one.holder, one.free_at()) == ("b", 20.0)
    one.observe(held("b", "2", duration=20.0), 19.5)
    assert one.free_at() == 39.5
    one.observe(held("b", "3", duration=0.0), 40.0)
    assert one.free_at() == 41.0


def test_a_leader_acts_for_two_thirds_of_the_duration_from_when_it_asked() -> None:
    one = candidate()
    one.observe(None, 0.0)
    assert one.leading_until() is None
    one.written(held("a"), 3.0)
    assert one.leading_until() == 13.0
    assert (one.renew_interval, one.patience) == (2.5, 5.0)
    assert one.claim().transitions == 0


def test_our_own_lease_can_be_claimed_again_at_once_but_is_no_leave_to_act() -> None:
    one = candidate()
    one.observe(held("a", transitions=2), 7.0)
    assert one.free_at() == 7.0
    assert one.leading_until() is None
    assert one.claim().transitions == 2


def test_whoever_sees_another_holder_leads_no_more() -> None:
    one = candidate()
    one.written(held("a"), 0.0)
    one.observe(held("a", "2"), 1.0)
    assert one.leading_until() == 10.0
    one.observe(held("b", "3"), 2.0)
    assert one.leading_until() is None
    assert one.resign() is None


def test_whoever_resigns_leaves_the_lease_without_a_holder() -> None:
    one = candidate()
    assert one.resign() is None
    one.written(held("a"), 0.0)
    assert one.resign() == held("", duration=1.0)
    assert one.leading_until() is None


@attrs.define
class _Candidate:
    leadership: Leadership
    speed: float
    offset: float

    def time(self, true: float) -> float:
        return self.offset + true * self.speed


steps = st.lists(
    st.tuples(
        st.integers(0, 2),  # who
        st.sampled_from(["look", "claim", "claim and hear nothing", "claim and hear late"]),
        st.floats(0.0, 8.0),  # seconds that pass before
    ),
    max_size=60,
)


@given(steps, st.lists(st.floats(0.9, 1.1), min_size=3, max_size=3))
def test_there_is_never_more_than_one_who_may_act(
    steps: list[tuple[int, str, float]], speeds: list[float]
) -> None:
    """Clocks have nothing in common but that they run about as fast; requests take time, and get lost."""
    candidates = [
        _Candidate(candidate(f"c{number}"), speed, 1000.0 * number) for number, speed in enumerate(speeds)
    ]
    server: Lease | None = None
    true = 0.0
    for who, what, pause in steps:
        true += pause
        one = candidates[who]
        leadership = one.leadership
        if what == "look":
            leadership.observe(server, one.time(true))
        else:
            leading = leadership.leading_until()
            free = leadership.free_at()
            may_claim = (free is not None and free <= one.time(true)) or (
                leading is not None and one.time(true) < leading
            )
            if may_claim and leadership.lease == server:
                asked = one.time(true)
                version = str(int(server.resource_version or "0") + 1) if server else "1"
                server = attrs.evolve(leadership.claim(), resource_version=version)
                if what == "claim and hear late":
                    true += 1.0
                if what != "claim and hear nothing":
                    leadership.written(server, asked)
        acting = [
            each.leadership.identity
            for each in candidates
            if (until := each.leadership.leading_until()) is not None and each.time(true) < until
        ]
        assert len(acting) <= 1
