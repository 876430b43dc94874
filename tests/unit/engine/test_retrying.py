"""How long a step waits before it is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.domain.errors import ClusterThrottled, ClusterUnavailable, Conflict
from kubernaut.engine.retrying import RetryPolicy, retried

_POLICY = RetryPolicy(first=timedelta(seconds=1), longest=timedelta(seconds=8))


@given(attempt=st.integers(1, 30), key=st.text(max_size=20))
def test_the_wait_grows_to_its_bound_and_is_spread_over_its_upper_half(attempt: int, key: str) -> None:
    wait_s = _POLICY.wait_after(attempt, ClusterUnavailable("refused"), key=key)
    backoff = min(2.0 ** (attempt - 1), 8.0)
    assert backoff / 2 <= wait_s <= backoff


@given(asked=st.floats(0, 600))
def test_a_server_that_says_when_to_come_back_is_not_asked_earlier(asked: float) -> None:
    assert _POLICY.wait_after(1, ClusterThrottled("later", retry_after_s=asked), key="k") >= asked


def test_runs_that_failed_together_do_not_come_back_together() -> None:
    waits = {_POLICY.wait_after(3, ClusterUnavailable("refused"), key=f"inc-{number}/read") for number in range(50)}
    assert len(waits) == 50


async def test_a_wait_beyond_the_total_time_is_not_begun() -> None:
    tried = 0

    async def throttled() -> None:
        nonlocal tried
        tried += 1
        raise ClusterThrottled("much later", retry_after_s=3600)

    with pytest.raises(ClusterThrottled):
        await retried(throttled, RetryPolicy(), key="k")
    assert tried == 1


async def test_an_error_that_the_same_call_cannot_cure_is_not_tried_again() -> None:
    tried = 0

    async def conflicting() -> None:
        nonlocal tried
        tried += 1
        raise Conflict("changed")

    with pytest.raises(Conflict):
        await retried(conflicting, RetryPolicy(first=timedelta(0)), key="k")
    assert tried == 1
