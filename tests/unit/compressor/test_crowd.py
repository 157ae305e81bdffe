"""While there is room everybody gets in; beyond it, who has few. Long queues inside take room away."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furler_compressor.app.crowd import Crowd, Lull
from furler_compressor.app.errors import OverloadedError

pytestmark = pytest.mark.anyio


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


def shrink(crowd: Crowd, calls: int) -> None:
    """Let calls in that find too long a queue inside."""
    for _ in range(calls):
        with suppress(OverloadedError), crowd.admitted("a"):
            raise OverloadedError("engine queue is too long", retry_after=1.0)


def test_calls_that_find_too_long_a_queue_inside_take_room_away_and_leave_an_eighth() -> None:
    crowd = Crowd(64)
    shrink(crowd, 1)
    assert crowd.room == 60
    shrink(crowd, 1000)
    assert crowd.room == 8


def test_what_is_refused_at_the_door_takes_no_room_away() -> None:
    crowd = Crowd(2)
    with ExitStack() as stack:
        let_in(crowd, stack, "a", 100)
        assert crowd.room == 2


def test_calls_that_end_well_give_the_room_back_and_no_more() -> None:
    crowd = Crowd(64)
    shrink(crowd, 1000)
    ended = 0
    while crowd.room < 64:
        with crowd.admitted("a"):
            ended += 1
    # A place for every room's worth of calls: 8 + 9 + ... + 63, nearly.
    assert ended == pytest.approx(sum(range(8, 64)), rel=0.05)
    for _ in range(100):
        with crowd.admitted("a"):
            pass
    assert crowd.room == 64


def test_less_room_is_the_large_tenants_loss_and_not_a_small_ones() -> None:
    crowd = Crowd(64)
    shrink(crowd, 1000)
    with ExitStack() as stack:
        assert let_in(crowd, stack, "noisy", 20) == 8
        assert let_in(crowd, stack, "quiet", 20) == 4
        assert let_in(crowd, stack, "noisy") == 0


def test_beyond_the_room_a_large_tenants_places_are_not_filled_again() -> None:
    crowd = Crowd(8)
    with ExitStack() as quiet:
        with ExitStack() as noisy:
            let_in(crowd, noisy, "noisy", 8)
            let_in(crowd, quiet, "quiet", 8)
            assert len(crowd) == 12
        with ExitStack() as noisy:
            assert let_in(crowd, noisy, "noisy", 8) == 4
    assert len(crowd) == 0


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["in", "out", "over"]))),
    st.integers(1, 12),
)
def test_there_are_never_more_than_twice_as_many_and_a_tenant_alone_never_more_than_the_room(
    steps: list[tuple[str, str]], most: int
) -> None:
    crowd = Crowd(most)
    inside: dict[str, list[ExitStack]] = {tenant: [] for tenant in "abcd"}
    for tenant, step in steps:
        if step == "in":
            stack = ExitStack()
            before = {name: len(stacks) for name, stacks in inside.items()}
            if let_in(crowd, stack, tenant):
                inside[tenant].append(stack)
                few = 2 * before[tenant] < max(before.values())
                assert sum(before.values()) < crowd.room or few
            else:
                assert sum(before.values()) >= crowd.room
        elif inside[tenant]:
            ending = inside[tenant].pop(0)
            error = OverloadedError("inside", retry_after=1.0) if step == "over" else None
            ending.__exit__(type(error) if error else None, error, None)
        assert len(crowd) == sum(map(len, inside.values())) <= 2 * most
        assert max(1, most // 8) <= crowd.room <= most
    for stacks in inside.values():
        for stack in stacks:
            stack.close()
    assert len(crowd) == 0


async def test_so_many_refusals_are_kept_back_at_a_time_and_the_next_goes_out_at_once() -> None:
    lull = Lull(seconds=3600, most=2)
    held = [asyncio.create_task(lull.wait(time_left=10_000)) for _ in range(2)]
    await asyncio.sleep(0)
    await lull.wait(time_left=10_000)
    assert [task.done() for task in held] == [False, False]
    held[0].cancel()
    await asyncio.wait(held[:1])
    # A caller that left makes room for another.
    held.append(asyncio.create_task(lull.wait(time_left=10_000)))
    await asyncio.sleep(0)
    assert not held[2].done()
    for task in held:
        task.cancel()
    await asyncio.wait(held)


async def test_refusals_that_come_together_go_together() -> None:
    lull = Lull(seconds=0.01)
    held = [asyncio.create_task(lull.wait(time_left=60)) for _ in range(20)]
    await asyncio.wait(held, return_when=asyncio.FIRST_COMPLETED)
    assert [task.done() for task in held] == [True] * 20


async def test_who_leaves_takes_nobody_along() -> None:
    lull = Lull(seconds=0.01)
    leaving, staying = (asyncio.create_task(lull.wait(time_left=60)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait({leaving, staying})
    assert (leaving.cancelled(), staying.cancelled(), staying.exception()) == (True, False, None)


async def test_a_refusal_is_not_kept_back_until_the_callers_time_is_over() -> None:
    lull = Lull(seconds=3600)
    async with asyncio.timeout(30):
        await lull.wait(time_left=0.002)
        await lull.wait(time_left=0)
        await lull.wait(time_left=-1)
