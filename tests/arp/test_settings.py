"""The figures of a responder: their defaults, and what is refused."""

import pytest

from arp import AddressError, ConflictPolicy, LocalError, MACAddress, Settings


def test_the_defaults_are_those_that_are_documented() -> None:
    settings = Settings()
    assert (settings.announce_interval, settings.announce_duration, settings.announce_count) == (1.1, 5.0, 5)
    assert (settings.refresh_interval, settings.announcements_per_second) == (60.0, None)
    assert (settings.probe_count, settings.probe_interval) == (0, 0.1)
    assert (settings.conflict_policy, settings.defend_interval) == (ConflictPolicy.DEFEND, 10.0)
    assert (settings.reclaim_interval, settings.friends) == (30.0, frozenset())


@pytest.mark.parametrize(
    ("interval", "duration", "count"), [(1.1, 0, 1), (1.1, 1.0, 1), (1.1, 3.3, 4), (2.0, 5.0, 3)]
)
def test_announcements_are_those_that_fit_into_the_duration(
    interval: float, duration: float, count: int
) -> None:
    assert Settings(announce_interval=interval, announce_duration=duration).announce_count == count


@pytest.mark.parametrize(
    ("name", "value", "limit"),
    [
        ("announce_interval", 0, "0.01 s or more"),
        ("announce_interval", float("nan"), "0.01 s or more"),
        ("announce_duration", -1, "0 to 3600 s"),
        ("announce_duration", float("inf"), "0 to 3600 s"),
        ("refresh_interval", 0.001, "0.01 s or more, or 0"),
        ("refresh_interval", float("inf"), "0.01 s or more, or 0"),
        ("announcements_per_second", 0, "above 0"),
        ("announcements_per_second", float("inf"), "above 0"),
        ("probe_count", 11, "0 to 10"),
        ("probe_count", -1, "0 to 10"),
        ("probe_interval", 0, "0.01 s or more"),
        ("defend_interval", float("inf"), "0.01 s or more"),
        ("reclaim_interval", -1, "0.01 s or more, or 0"),
    ],
)
def test_what_is_out_of_range_is_refused_with_its_limit(name: str, value: float, limit: str) -> None:
    with pytest.raises(LocalError, match=f"{name} {value!r}, must be .*{limit}"):
        Settings(**{name: value})  # type: ignore[arg-type]  # the names are checked by attrs


def test_never_and_no_limit_are_accepted() -> None:
    settings = Settings(refresh_interval=0, reclaim_interval=0, announcements_per_second=0.5)
    assert (settings.refresh_interval, settings.reclaim_interval) == (0, 0)


def test_friends_are_stations_given_as_text_or_objects() -> None:
    friend = MACAddress("02:00:00:00:00:07")
    assert Settings(friends=["02:00:00:00:00:07", friend]).friends == {friend}
    with pytest.raises(AddressError):
        Settings(friends=["ff:ff:ff:ff:ff:ff"])


def test_the_policies_are_known_by_their_names() -> None:
    assert [ConflictPolicy(name).value for name in ("defend", "yield", "ignore")] == [
        "defend",
        "yield",
        "ignore",
    ]
