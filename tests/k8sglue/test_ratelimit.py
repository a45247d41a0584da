"""The bucket of tokens."""

import pytest

from k8sglue.ratelimit import TokenBucket


def test_a_burst_goes_through_and_then_one_after_the_other() -> None:
    bucket = TokenBucket(rate=10.0, burst=3.0)
    assert [round(bucket.take(5.0), 3) for _ in range(5)] == [0, 0, 0, 0.1, 0.2]
    assert round(bucket.take(5.1), 3) == 0.2
    assert bucket.take(6.0) == 0


def test_a_bucket_holds_no_more_than_a_burst() -> None:
    bucket = TokenBucket(rate=10.0, burst=2.0)
    bucket.take(0.0)
    assert [round(bucket.take(1000.0), 3) for _ in range(3)] == [0, 0, 0.1]


@pytest.mark.parametrize(("rate", "burst"), [(0.0, 1.0), (1.0, 0.5)])
def test_a_bucket_that_lets_nothing_through_is_none(rate: float, burst: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        TokenBucket(rate=rate, burst=burst)
