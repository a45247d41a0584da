"""Who may join whom on an address, and which is the lowest that one may join."""

from hypothesis import given
from hypothesis import strategies as st

from k8sglue.refusals import Refusal
from k8sglue.resources import Key
from k8sglue.sharing import ALONE, Claim, Conflict, Group, Holding

A, B, C = (Key("default", name) for name in "abc")
WEB, DNS = ("TCP", 80), ("UDP", 53)


def claim(*ports: tuple[str, int], key: str = "key", pods: str = "") -> Claim:
    return Claim(key, (("app", pods),) if pods else (), frozenset(ports))


def holding(first: Claim) -> Holding:
    made = Holding()
    made.add(A, first)
    return made


def test_one_who_is_alone_may_change_its_terms() -> None:
    made = holding(ALONE)
    assert made.conflict(A, claim(WEB)) is None
    assert made.conflict(B, ALONE) == Conflict(Refusal.ADDRESS_TAKEN, A)


def test_only_those_who_agree_share() -> None:
    made = holding(claim(WEB, pods="web"))
    assert made.conflict(B, claim(DNS, pods="web")) is None
    assert made.conflict(B, claim(DNS, key="other", pods="web")) == Conflict(Refusal.ADDRESS_TAKEN, A)
    assert made.conflict(B, claim(DNS, pods="dns")) == Conflict(Refusal.DIFFERENT_BACKENDS, A)
    assert made.conflict(B, claim(DNS)) == Conflict(Refusal.DIFFERENT_BACKENDS, A)
    assert made.conflict(B, ALONE) == Conflict(Refusal.ADDRESS_TAKEN, A)


def test_the_same_port_of_another_protocol_is_another_port() -> None:
    made = holding(claim(WEB))
    assert made.conflict(B, claim(("UDP", 80))) is None
    found = made.conflict(B, claim(DNS, WEB))
    assert found == Conflict(Refusal.PORT_TAKEN, A, WEB)
    assert str(found) == "TCP port 80 of default/a"
    assert made.conflict(A, claim(DNS, WEB)) is None


def test_one_of_several_may_change_its_ports_but_not_its_key() -> None:
    made = holding(claim(WEB))
    made.add(B, claim(DNS))
    assert made.conflict(B, claim(("TCP", 443))) is None
    assert made.conflict(B, claim(("TCP", 443), key="other")) == Conflict(Refusal.ADDRESS_TAKEN, A)
    assert made.remove(A) == claim(WEB)
    assert made.conflict(C, claim(WEB)) is None
    assert made.conflict(B, claim(key="other")) is None


PORTS = st.frozensets(st.sampled_from([("TCP", number) for number in range(4)]), max_size=3)


@given(st.lists(st.tuples(st.integers(0, 12), PORTS), max_size=40), PORTS)
def test_the_lowest_that_fits_is_found_as_by_going_through_all(
    steps: list[tuple[int, frozenset[tuple[str, int]]]], wanted: frozenset[tuple[str, int]]
) -> None:
    group = Group()
    used: dict[int, frozenset[tuple[str, int]]] = {}
    for number, ports in steps:
        if number in used:
            group.leave(number, used[number])
            group.remove(number)
            del used[number]
        else:
            group.add(number)
            group.use(number, ports)
            used[number] = ports
        fitting = [each for each in sorted(used) if not used[each] & wanted]
        assert group.lowest(wanted) == next(iter(fitting), None)
        assert [each for each in range(14) if group.fits(each, wanted)] == fitting
        assert bool(group) == bool(used)
