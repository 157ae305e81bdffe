"""While there is room everybody gets in; beyond it, who has less than an equal share."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from furler_compressor.app.crowd import Crowd
from furler_compressor.app.errors import OverloadedError


def let_in(crowd: Crowd, stack: ExitStack, tenant: str, calls: int = 1) -> int:
    """Return how many of a tenant's calls got in."""
    count = 0
    for _ in range(calls):
        try:
            stack.enter_context(crowd.admitted(tenant))
        except OverloadedError:
            continue
        count += 1
    return count


def test_one_tenant_has_all_the_room_there_is_and_no_more() -> None:
    crowd = Crowd(8)
    with ExitStack() as stack:
        assert let_in(crowd, stack, "a", 20) == 8
    assert len(crowd) == 0


def test_a_newcomer_gets_in_where_one_tenant_has_all_the_room() -> None:
    crowd = Crowd(8)
    with ExitStack() as stack:
        let_in(crowd, stack, "noisy", 20)
        assert let_in(crowd, stack, "quiet", 20) == 4
        assert let_in(crowd, stack, "noisy") == 0


def test_newcomers_together_get_as_much_again_at_most() -> None:
    crowd = Crowd(8)
    with ExitStack() as stack:
        let_in(crowd, stack, "noisy", 20)
        assert sum(let_in(crowd, stack, f"tenant {n}", 8) for n in range(20)) <= 8
        assert len(crowd) <= 16


def test_a_call_that_ended_makes_room_however_it_ended() -> None:
    crowd = Crowd(1)
    with pytest.raises(ValueError, match="x"), crowd.admitted("a"):
        raise ValueError("x")
    with ExitStack() as stack:
        assert let_in(crowd, stack, "a") == 1


def test_who_is_refused_is_told_to_wait_as_long_as_calls_take() -> None:
    now = 0.0
    crowd = Crowd(1, clock=lambda: now)
    for _ in range(200):
        with crowd.admitted("a"):
            now += 2.0
    with crowd.admitted("a"), pytest.raises(OverloadedError) as raised, crowd.admitted("a"):
        pass
    assert raised.value.retry_after == pytest.approx(2.0, rel=0.01)
