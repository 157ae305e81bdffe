"""Tenants take turns by work, one's own jobs keep their order, who floods makes room."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furler_compressor.adapters.engine_queue import LARGE_BYTES, FairQueue, Pace, Ticket

Queue = FairQueue[int]


def ticket(tenant: str, number: int = 0, size: int = 1000) -> Ticket[int]:
    return Ticket(tenant, size, 10.0, number)


def drained(queue: Queue, *, large: bool = True) -> list[tuple[str, int]]:
    served = []
    while (found := queue.pop(large=large)) is not None:
        served.append((found.tenant, found.give))
    return served


def test_one_tenant_alone_is_served_in_the_order_it_came() -> None:
    queue = Queue(10)
    for number in range(5):
        assert queue.push(ticket("a", number)) is None
    assert drained(queue) == [("a", number) for number in range(5)]


def test_a_newcomer_waits_for_one_job_of_a_tenant_that_has_many() -> None:
    queue = Queue(100)
    for number in range(50):
        queue.push(ticket("noisy", number))
    assert queue.pop(large=True) is not None
    queue.push(ticket("quiet"))
    assert [tenant for tenant, _ in drained(queue)][:2].count("quiet") == 1


def test_tenants_get_equal_work_and_not_equal_numbers_of_jobs() -> None:
    queue = Queue(1000)
    for number in range(100):
        queue.push(ticket("big", number, size=100_000))
        queue.push(ticket("small", number, size=1000))
    served = drained(queue)[:60]
    work: dict[str, int] = defaultdict(int)
    for tenant, _ in served:
        work[tenant] += ticket(tenant, size=100_000 if tenant == "big" else 1000).cost
    assert work["small"] == pytest.approx(work["big"], rel=0.25)


def test_when_full_the_tenant_with_most_jobs_makes_room() -> None:
    queue = Queue(4)
    crowd = [ticket("noisy", number) for number in range(4)]
    for one in crowd:
        queue.push(one)
    assert queue.push(ticket("quiet")) is crowd[-1]
    refused = ticket("noisy", 9)
    assert queue.push(refused) is refused
    assert sorted(drained(queue)) == [("noisy", 0), ("noisy", 1), ("noisy", 2), ("quiet", 0)]


def test_a_queue_of_none_takes_what_a_free_process_takes_at_once() -> None:
    queue = Queue(0)
    first, second = ticket("a"), ticket("a")
    assert queue.push(first, free=1) is None
    assert queue.push(second, free=1) is second


def test_a_small_job_passes_a_large_one_that_must_wait() -> None:
    queue = Queue(10)
    queue.push(ticket("a", 1, size=LARGE_BYTES))
    queue.push(ticket("a", 2))
    assert drained(queue, large=False) == [("a", 2)]
    assert drained(queue, large=True) == [("a", 1)]


def test_what_is_ahead_is_all_for_a_crowd_and_little_for_a_newcomer() -> None:
    queue = Queue(100)
    for number in range(10):
        queue.push(ticket("noisy", number))
    one = ticket("quiet")
    assert (queue.ahead(ticket("noisy")), queue.ahead(one)) == (10 * one.cost, 0)
    queue.push(one)
    assert queue.ahead(ticket("quiet")) == 2 * one.cost


def test_large_jobs_are_ahead_of_large_ones_only() -> None:
    queue = Queue(100)
    large = ticket("a", size=LARGE_BYTES)
    queue.push(large)
    assert queue.ahead(ticket("a")) == 0
    assert queue.ahead(ticket("a", size=LARGE_BYTES)) == large.cost


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, LARGE_BYTES - 1)), max_size=80),
    st.integers(0, 40),
    st.integers(1, LARGE_BYTES - 1),
)
def test_a_newcomers_job_waits_for_its_own_work_from_each_other_tenant_and_one_job_more(
    crowd: list[tuple[str, int]], taken: int, size: int
) -> None:
    queue = Queue(1000)
    for number, (tenant, each) in enumerate(crowd):
        queue.push(ticket(tenant, number, each))
    for _ in range(min(taken, len(crowd))):
        queue.pop(large=True)
    queue.push(mine := ticket("newcomer", size=size))
    before: dict[str, list[int]] = defaultdict(list)
    while (found := queue.pop(large=True)) is not mine:
        assert found is not None
        before[found.tenant].append(found.cost)
    for costs in before.values():
        assert sum(costs[:-1]) <= mine.cost


def test_the_pace_follows_what_jobs_took() -> None:
    pace = Pace()
    for _ in range(100):
        pace.learn(1000, 5.0)
    assert pace.expect(2000) == pytest.approx(10.0, rel=0.01)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from([10, 5000, LARGE_BYTES]), st.booleans()),
        max_size=60,
    ),
    st.integers(0, 8),
)
def test_every_job_is_served_once_or_refused_once_and_a_tenants_lane_keeps_its_order(
    steps: list[tuple[str, int, bool]], most: int
) -> None:
    queue = Queue(most)
    refused: list[int] = []
    served: list[Ticket[int]] = []
    for number, (tenant, size, take) in enumerate(steps):
        out = queue.push(ticket(tenant, number, size))
        if out is not None:
            refused.append(out.give)
        assert len(queue) <= most
        if take and (found := queue.pop(large=True)) is not None:
            served.append(found)
    while (found := queue.pop(large=True)) is not None:
        served.append(found)
    assert sorted([*refused, *(t.give for t in served)]) == list(range(len(steps)))
    for tenant in "abcd":
        for large in (False, True):
            lane = [t.give for t in served if t.tenant == tenant and t.large is large]
            assert lane == sorted(lane)
    assert len(queue) == 0
    assert queue.ahead(ticket("a", size=LARGE_BYTES)) == 0
