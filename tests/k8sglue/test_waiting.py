"""Who waits for what: those whom something may help are asked, the first first, and nobody else."""

from k8sglue.resources import Key
from k8sglue.waiting import WaitingRoom

A, B, C, D = (Key("default", name) for name in "abcd")


class Room:
    """A waiting room where hopes are texts, and depend on the topics that are their letters."""

    def __init__(self) -> None:
        self.room: WaitingRoom[str, str] = WaitingRoom()
        self.met: set[str] = set()

    def wait(self, key: Key, *hopes: str) -> None:
        self.room.wait(key, hopes, iter)

    def take(self) -> set[Key]:
        return self.room.take(self.met.__contains__)


def test_nobody_is_asked_if_nothing_happened() -> None:
    made = Room()
    made.wait(A, "x")
    made.met.add("x")
    assert made.take() == set()


def test_nobody_is_asked_whose_hope_can_not_be_met() -> None:
    made = Room()
    made.wait(A, "x")
    made.room.note("x")
    assert made.take() == set()
    made.met.add("x")
    assert made.take() == set()
    assert A in made.room


def test_one_is_asked_for_each_thing_that_happened_and_then_one_at_a_time() -> None:
    made = Room()
    for key in (C, A, B, D):
        made.wait(key, "x")
    made.met.add("x")
    made.room.note("x")
    made.room.note("x")
    assert made.take() == {C, A}
    assert made.take() == {B}
    made.met.clear()
    assert made.take() == set()
    made.met.add("x")
    assert made.take() == set()
    assert D in made.room


def test_several_hopes_of_one_topic_get_no_more_than_happened() -> None:
    made = Room()
    made.wait(A, "xy")
    made.wait(B, "xz")
    made.wait(C, "x", "xz")
    made.met |= {"xy", "xz", "x"}
    made.room.note("x")
    made.room.note("x")
    assert made.take() == {A, B}
    made.room.note("z")
    assert made.take() == {C}


def test_one_who_has_several_hopes_is_asked_once() -> None:
    made = Room()
    made.wait(A, "x", "xy", "y", "y")
    made.met |= {"x", "xy", "y"}
    for topic in "xxyy":
        made.room.note(topic)
    assert made.take() == {A}
    assert made.take() == set()
    assert not made.room.is_awaited("x")
    assert not made.room.is_awaited("y")


def test_one_who_left_is_not_asked() -> None:
    made = Room()
    made.wait(A, "x")
    made.wait(B, "x", "y")
    made.met |= {"x", "y"}
    made.room.note("x")
    made.room.note("y")
    made.room.leave(B)
    made.room.leave(B)
    assert made.take() == {A}


def test_what_happened_before_somebody_waited_for_it_is_forgotten() -> None:
    made = Room()
    made.met.add("x")
    made.room.note("x")
    made.wait(A, "x")
    assert made.take() == set()


def test_the_last_one_who_leaves_takes_what_happened_along() -> None:
    made = Room()
    made.met.add("x")
    made.wait(A, "x")
    made.room.note("x")
    made.room.leave(A)
    made.wait(A, "x")
    assert made.take() == set()
