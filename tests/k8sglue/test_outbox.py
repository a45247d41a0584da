"""What waits to be written: its order, its retries, and that no address is ever shown twice."""

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from k8sglue.cluster import Event
from k8sglue.outbox import Draft, Outbox
from k8sglue.resources import Service
from tests.k8sglue.objects import service


def draft(
    name: str, *addresses: str, shown: tuple[str, ...] = (), write: bool = True, say: str = ""
) -> Draft:
    about = service(name, ingress=shown, resource_version="1")
    events = (Event(regarding=about, reason="R", action="A", note=say),) if say else ()
    return Draft(service=about, addresses=addresses, pool="p", write=write, events=events)


def sent(outbox: Outbox, now: float = 0.0) -> list[str]:
    """Take all that may be sent, in words."""
    found = []
    while (taken := outbox.take(now)) is not None:
        notes = [event.note for event in taken.events]
        found.append(" ".join([taken.service.key.name, *taken.addresses, *notes]))
    return found


def succeed(outbox: Outbox, taken: Draft | None) -> None:
    assert taken is not None
    if taken.write:
        outbox.written(taken)
    outbox.done(taken.service.key)


def test_drafts_go_out_in_order_one_of_each_service_at_a_time() -> None:
    outbox = Outbox()
    for each in (draft("a", "1"), draft("b", "2"), draft("a", "3"), draft("c")):
        outbox.put(each)
    first = outbox.take(0.0)
    assert first == draft("a", "3")
    outbox.put(draft("a", "1", "3"))
    assert sent(outbox) == ["b 2", "c"]
    assert outbox.depth == 4
    succeed(outbox, first)
    assert sent(outbox) == ["a 1 3"]


def test_nothing_to_write_is_nothing() -> None:
    outbox = Outbox()
    outbox.put(draft("a", "1"))
    outbox.put(draft("a", "1", shown=("1",), write=False))
    assert (outbox.depth, outbox.take(0.0), outbox.next_timeout()) == (0, None, None)


def test_an_address_is_not_shown_here_before_it_is_gone_there() -> None:
    outbox = Outbox()
    outbox.put(draft("b", "1"))
    outbox.put(draft("a", "2", shown=("1",)))
    first = outbox.take(0.0)
    assert first == draft("a", "2", shown=("1",))
    assert outbox.take(0.0) is None
    assert outbox.next_timeout() is None
    succeed(outbox, first)
    assert sent(outbox) == ["b 1"]


def test_a_service_that_is_gone_shows_nothing() -> None:
    outbox = Outbox()
    outbox.put(draft("b", "1"))
    outbox.put(draft("a", "2", shown=("1",)))
    outbox.withdraw(draft("a").service.key)
    assert sent(outbox) == ["b 1"]


def test_two_that_swap_their_addresses_let_go_of_them_first() -> None:
    outbox = Outbox()
    outbox.put(draft("a", "2", shown=("1",)))
    outbox.put(draft("b", "1", shown=("2",)))
    assert sent(outbox) == ["a", "b"]


def test_of_two_addresses_the_free_one_is_shown_at_once() -> None:
    outbox = Outbox()
    outbox.put(draft("a", "1", "2", shown=("9",)))
    outbox.put(draft("b", "8", shown=("2",)))
    taken = outbox.take(0.0)
    assert taken is not None
    assert (taken.addresses, taken.pool) == (("1",), "p")


def test_what_was_sent_and_perhaps_arrived_is_shown_perhaps() -> None:
    outbox = Outbox()
    outbox.put(draft("a", "1"))
    taken = outbox.take(0.0)
    assert taken is not None
    outbox.failed(taken, 0.0, alone=False)
    outbox.put(draft("a", "2"))
    outbox.put(draft("b", "1"))
    assert sent(outbox, 100.0) == ["a 2"]
    # Another version tells that nothing more can arrive.
    outbox.done(taken.service.key)
    newer = attrs.evolve(draft("a", "2"), service=service("a", ingress=(), resource_version="2"))
    outbox.put(newer)
    assert sorted(sent(outbox, 100.0)) == ["a 2", "b 1"]


def test_an_outage_delays_all_and_longer_each_time() -> None:
    outbox = Outbox()
    for name in "abc":
        outbox.put(draft(name))
    first, second = outbox.take(0.0), outbox.take(0.0)
    assert first is not None
    assert second is not None
    outbox.failed(first, 0.0, alone=False)
    outbox.failed(second, 0.1, alone=False)
    assert outbox.failing
    assert outbox.next_timeout() == 0.5
    assert outbox.take(0.4) is None
    third = outbox.take(0.5)
    assert third is not None
    outbox.failed(third, 0.5, alone=False)
    assert outbox.next_timeout() == 1.5
    succeed(outbox, outbox.take(1.5))
    assert len(sent(outbox, 1.5)) == 2


def test_a_success_ends_an_outage() -> None:
    outbox = Outbox()
    outbox.put(draft("a"))
    succeed(outbox, outbox.take(0.0))
    assert not outbox.failing


def test_an_address_that_two_leave_is_free_when_both_have_left() -> None:
    outbox = Outbox()
    for name in "ab":
        outbox.put(draft(name, shown=("1",)))
    outbox.put(draft("c", "1"))
    first, second = outbox.take(0.0), outbox.take(0.0)
    succeed(outbox, first)
    assert outbox.take(0.0) is None
    succeed(outbox, second)
    assert sent(outbox) == ["c 1"]


def test_a_source_that_asks_for_time_gets_it() -> None:
    outbox = Outbox()
    outbox.put(draft("a"))
    taken = outbox.take(0.0)
    assert taken is not None
    outbox.failed(taken, 0.0, alone=False, pause=7.0)
    assert outbox.next_timeout() == 7.0


def test_a_refusal_of_one_does_not_delay_the_others() -> None:
    outbox = Outbox()
    outbox.put(draft("a"))
    taken = outbox.take(0.0)
    assert taken is not None
    outbox.failed(taken, 0.0, alone=True)
    outbox.put(draft("b"))
    assert sent(outbox) == ["b"]
    assert outbox.next_timeout() == 1.0
    again = outbox.take(1.0)
    assert again == taken
    outbox.failed(taken, 1.0, alone=True)
    assert outbox.next_timeout() == 6.0
    outbox.put(draft("a", "1"))
    assert sent(outbox, 1.0) == ["a 1"]


def test_a_failure_does_not_bring_back_what_is_outdated() -> None:
    outbox = Outbox()
    outbox.put(draft("a", "1", say="first"))
    taken = outbox.take(0.0)
    assert taken is not None
    outbox.put(draft("a", "2", say="second"))
    outbox.failed(taken, 0.0, alone=True)
    assert sent(outbox) == ["a 2 first second"]


def test_a_failure_does_not_bring_back_what_there_is_no_reason_for_any_more() -> None:
    outbox = Outbox()
    outbox.put(draft("a", "1"))
    taken = outbox.take(0.0)
    assert taken is not None
    other = attrs.evolve(draft("a", write=False), service=service("a", resource_version="2"))
    outbox.put(other)
    outbox.failed(taken, 0.0, alone=True)
    assert (outbox.depth, sent(outbox)) == (0, [])


def test_a_draft_of_a_service_that_is_gone_does_not_come_back() -> None:
    outbox = Outbox()
    outbox.put(draft("a", "1"))
    taken = outbox.take(0.0)
    assert taken is not None
    outbox.withdraw(taken.service.key)
    outbox.failed(taken, 0.0, alone=True)
    assert outbox.depth == 0


def test_a_status_that_may_have_been_written_is_looked_at_before_others_get_its_address() -> None:
    outbox = Outbox()
    outbox.put(draft("a", "1"))
    taken = outbox.take(0.0)
    assert taken is not None
    outbox.failed(taken, 0.0, alone=False)
    outbox.put(draft("a", write=False))
    outbox.put(draft("b", "1"))
    check = outbox.take(9.0)
    assert check is not None
    assert (check.check, check.write) == (True, False)
    assert outbox.take(9.0) is None
    outbox.checked(check)
    outbox.done(check.service.key)
    assert sent(outbox, 9.0) == ["b 1"]


def test_a_write_that_failed_when_it_was_no_longer_wanted_is_looked_at_too() -> None:
    outbox = Outbox()
    outbox.put(draft("a", "1"))
    taken = outbox.take(0.0)
    assert taken is not None
    outbox.put(draft("a", write=False))
    outbox.failed(taken, 0.0, alone=False)
    check = outbox.take(9.0)
    assert check is not None
    assert check.check


def test_what_was_decided_meanwhile_counts_when_a_status_was_looked_at() -> None:
    outbox = Outbox()
    outbox.put(draft("a", "1"))
    first = outbox.take(0.0)
    assert first is not None
    outbox.put(draft("a", "2"))
    outbox.put(draft("b", "1"))
    outbox.written(first)
    outbox.done(first.service.key)
    newer = attrs.evolve(draft("a", "2"), service=service("a", ingress=("1",), resource_version="2"))
    outbox.put(newer)
    assert sent(outbox) == ["a 2"]


def test_what_is_left_to_be_said_is_not_lost_because_there_is_nothing_to_write_any_more() -> None:
    outbox = Outbox()
    outbox.put(draft("a", "1", say="news"))
    taken = outbox.take(0.0)
    assert taken is not None
    outbox.written(taken)
    shown = service("a", ingress=("1",), resource_version="2")
    outbox.put(Draft(service=shown, addresses=("1",)))
    outbox.failed(attrs.evolve(taken, write=False), 0.0, alone=False)
    assert sent(outbox, 9.0) == ["a 1 news"]


def test_what_is_said_of_a_service_is_not_lost_and_does_not_pile_up() -> None:
    outbox = Outbox()
    for number in range(9):
        outbox.put(draft("a", write=False, say=str(number)))
    assert sent(outbox) == ["a 5 6 7 8"]


ADDRESSES = ("1", "2", "3")
NAMES = ("a", "b", "c")


@attrs.define
class _Server:
    """What an API server does with a patch that names its version."""

    shown: dict[str, tuple[str, ...]] = attrs.field(factory=lambda: dict.fromkeys(NAMES, ()))
    version: dict[str, int] = attrs.field(factory=lambda: dict.fromkeys(NAMES, 1))

    def patch(self, taken: Draft) -> bool:
        name = taken.service.key.name
        if str(self.version[name]) != taken.service.resource_version:
            return False
        self.shown[name] = taken.addresses
        self.version[name] += 1
        return True


class Writing(RuleBasedStateMachine):
    """A server, a view of it that lags behind, and requests that get lost on either way or arrive much later."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.outbox = Outbox()
        self.server = _Server()
        self.view = {name: service(name, resource_version="1") for name in NAMES}
        self.assigned: dict[str, tuple[str, ...]] = dict.fromkeys(NAMES, ())
        self.flying: list[Draft] = []
        self.lost: list[Draft] = []

    def settle(self, name: str) -> None:
        wanted = self.assigned[name]
        write = wanted != self.view[name].ingress
        self.outbox.put(Draft(service=self.view[name], addresses=wanted, write=write))

    @rule(name=st.sampled_from(NAMES), address=st.sampled_from(ADDRESSES))
    def move(self, name: str, address: str) -> None:
        if not any(address in held for held in self.assigned.values()):
            self.assigned[name] = (address,)
            self.settle(name)

    @rule(name=st.sampled_from(NAMES))
    def clear(self, name: str) -> None:
        self.assigned[name] = ()
        self.settle(name)

    @rule(name=st.sampled_from(NAMES))
    def change(self, name: str) -> None:
        """Somebody else changes the Service."""
        self.server.version[name] += 1

    @rule(name=st.sampled_from(NAMES))
    def watch(self, name: str) -> None:
        version = str(self.server.version[name])
        if self.view[name].resource_version != version:
            self.view[name] = self.seen(self.server.shown[name], name, version)
            self.settle(name)

    def seen(self, shown: tuple[str, ...], name: str, version: str) -> Service:
        return service(name, ingress=shown, resource_version=version)

    @rule()
    def send(self) -> None:
        if (taken := self.outbox.take(self.now)) is not None:
            self.flying.append(taken)

    @precondition(lambda self: self.flying)
    @rule(which=st.integers(0, 2), answered=st.booleans(), late=st.booleans())
    def arrive(self, which: int, answered: bool, late: bool) -> None:
        taken = self.flying.pop(which % len(self.flying))
        key = taken.service.key
        if not answered and late:
            self.lost.append(taken)
            self.outbox.failed(taken, self.now, alone=False)
            return
        if answered:
            self.lost = [each for each in self.lost if each.service.key != key]
        if taken.check and answered:
            if self.view[key.name] == taken.service:
                self.watch(key.name)
            self.outbox.checked(taken)
            self.outbox.done(key)
            return
        succeeded = not taken.check and self.server.patch(taken)
        if not answered or not succeeded:
            self.outbox.failed(taken, self.now, alone=answered)
            return
        self.outbox.written(taken)
        self.outbox.done(key)
        if self.view[key.name] == taken.service:
            self.watch(key.name)

    @precondition(lambda self: self.lost)
    @rule()
    def arrive_late(self) -> None:
        self.server.patch(self.lost.pop(0))

    @rule()
    def wait(self) -> None:
        self.now += 400.0

    @invariant()
    def no_address_is_shown_twice(self) -> None:
        shown = [address for each in self.server.shown.values() for address in each]
        assert len(set(shown)) == len(shown)

    def teardown(self) -> None:
        """Without further trouble everything is written in the end."""
        self.lost.clear()
        for _ in range(12):
            self.now += 400.0
            for name in NAMES:
                self.watch(name)
            self.send()
            while self.flying:
                self.arrive(0, answered=True, late=False)
                self.send()
        assert self.server.shown == self.assigned
        assert self.outbox.depth == 0


TestWriting = Writing.TestCase
TestWriting.settings = settings(max_examples=60, stateful_step_count=30)
