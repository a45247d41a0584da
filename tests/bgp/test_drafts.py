"""Frozen objects made in bulk."""

import attrs
import pytest

from bgp.drafts import draft_of


@attrs.frozen(weakref_slot=False)
class Point:
    x: int
    y: int = 0


def test_a_draft_becomes_the_real_thing() -> None:
    point = draft_of(Point)()
    point.x, point.y = 1, 2
    point.__class__ = Point
    assert point == Point(1, 2)
    assert hash(point) == hash(Point(1, 2))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        point.x = 3
