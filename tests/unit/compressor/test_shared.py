"""The use cases of shared context, against stores and backends that are wrong in one way."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import aclosing
from dataclasses import replace

import pytest

from contract.places import Clock
from furler_compressor.adapters.memory_entries import MemoryEntries
from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.app import shared
from furler_compressor.app.compress import CompressRequest
from furler_compressor.app.context import Context
from furler_compressor.app.entries_port import Bounds, Changes, Page, Removal
from furler_compressor.app.errors import (
    ContentCorruptError,
    CursorExpiredError,
    EntryNotFoundError,
    OverloadedError,
    SpaceFullError,
    StoreUnavailableError,
)
from furler_compressor.app.ports import Scope, Store
from furler_compressor.app.sharing import Sharing, SharingLimits
from furler_compressor.app.watching import Batch, WatchRequest, watch
from furler_engine.types import Fidelity, Hints, Policy
from support import fakes
from support.inputs import service_log

pytestmark = pytest.mark.anyio

SCOPE = Scope("acme", "default")
LOG = service_log(900)
LIMITS = SharingLimits(Bounds(entries=5, size=1_000_000), watches=2, checkpoint=0.05)


class DownEntries(MemoryEntries):
    """Answers nothing about what others wrote."""

    async def sketches(self, scope: Scope, limit: int) -> list[tuple[str, bytes]]:
        raise StoreUnavailableError("the store is down")


class HangingEntries(MemoryEntries):
    """Never says what changed."""

    async def changes(self, scope: Scope, after: int | None, limit: int) -> Changes:
        await asyncio.Event().wait()
        raise AssertionError


class CountingEntries(MemoryEntries):
    """Counts how many wait."""

    waiting = 0
    most = 0

    async def wait(self, scope: Scope, after: int, seconds: float) -> None:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        try:
            await super().wait(scope, after, seconds)
        finally:
            self.waiting -= 1


def context(
    store: Store | None = None,
    entries: MemoryEntries | None = None,
    limits: SharingLimits = LIMITS,
) -> Context:
    made = fakes.context(store or MemoryStore())
    return replace(made, sharing=Sharing(entries or MemoryEntries(), limits))


def put_request(key: str, text: str = LOG, policy: Policy | None = None) -> shared.PutRequest:
    content = CompressRequest("", text.encode(), Hints(), policy or Policy())
    return shared.PutRequest(key, content, author="ana")


async def watched(context: Context, request: WatchRequest, batches: int) -> list[Batch]:
    """Return a watch's first batches."""
    found: list[Batch] = []
    async with aclosing(watch(context, fakes.caller(), request)) as watching:  # type: ignore[type-var]
        async for batch in watching:
            found.append(batch)
            if len(found) == batches:
                break
    return found


# Putting


async def test_without_a_backend_every_call_says_so() -> None:
    bare, caller = fakes.context(MemoryStore()), fakes.caller()
    for call in (
        shared.put(bare, caller, put_request("k")),
        shared.get(bare, caller, "", "k"),
        shared.page(bare, caller, "", "", "", 0),
        shared.delete(bare, caller, "", Removal("k")),
        anext(watch(bare, caller, WatchRequest("", "", None))),
    ):
        with pytest.raises(StoreUnavailableError, match="no store for shared context"):
            await call


@pytest.mark.parametrize("text", [LOG, "a short note"])
async def test_nothing_is_written_when_the_store_does_not_acknowledge_the_original(
    text: str,
) -> None:
    entries = MemoryEntries()
    for store in (fakes.FailingStore(), fakes.FullStore()):
        with pytest.raises(StoreUnavailableError):
            await shared.put(context(store, entries), fakes.caller(), put_request("k", text))
    assert (await entries.page(SCOPE, "", "", 10)).entries == ()


async def test_engine_trouble_keeps_the_content_whole() -> None:
    store = MemoryStore()
    broken = replace(context(store), engine=fakes.CrashingEngine())
    done = await shared.put(broken, fakes.caller(), put_request("k"))
    assert done.shared.body.outcome.degraded == "compressor_failed"
    got = await shared.get(broken, fakes.caller(), "", "k")
    assert got.compressed.outcome.view.text == LOG
    assert await shared.original(broken, fakes.caller(), "", got) == LOG.encode()


async def test_a_put_does_not_need_to_know_what_it_resembles() -> None:
    made = context(entries=DownEntries())
    await shared.put(made, fakes.caller(), put_request("one"))
    assert (await shared.put(made, fakes.caller(), put_request("two"))).resembles is None


async def test_an_original_is_kept_as_long_as_its_entry() -> None:
    clock = Clock()
    store, entries = MemoryStore(clock=clock), MemoryEntries(clock=clock)
    made = context(store, entries)
    for key, text in (("log", LOG), ("note", "a short note")):
        request = replace(put_request(key, text, Policy(retention_seconds=5)), retention=7200.0)
        await shared.put(made, fakes.caller(), request)
    clock.now += 7199.0
    for key, text in (("log", LOG), ("note", "a short note")):
        got = await shared.get(made, fakes.caller(), "", key)
        assert await shared.original(made, fakes.caller(), "", got) == text.encode()
    clock.now += 1.0
    with pytest.raises(EntryNotFoundError):
        await shared.get(made, fakes.caller(), "", "log")


async def test_a_space_holds_no_more_than_its_bounds() -> None:
    made = context()
    for number in range(5):
        await shared.put(made, fakes.caller(), put_request(f"k{number}", str(number)))
    with pytest.raises(SpaceFullError) as refused:
        await shared.put(made, fakes.caller(), put_request("k5", "5"))
    assert refused.value.metadata == {"quota": "shared_entries", "limit": "5"}
    with pytest.raises(SpaceFullError) as refused:
        await shared.put(made, fakes.caller(), put_request("k0", "x" * 1_000_001))
    assert refused.value.metadata == {"quota": "shared_bytes", "limit": "1000000"}


async def test_a_lossless_view_is_decodable_without_its_store() -> None:
    policy = Policy(fidelity=Fidelity.LOSSLESS)
    made = context()
    await shared.put(made, fakes.caller(), put_request("k", LOG, policy))
    got = await shared.get(made, fakes.caller(), "", "k")
    assert await shared.original(made, fakes.caller(), "", got) == LOG.encode()


# Getting


async def test_another_tenant_finds_nothing() -> None:
    made = context()
    revision = (await shared.put(made, fakes.caller(), put_request("k"))).shared.entry.revision
    stranger = fakes.caller(tenant="other")
    texts = []
    for key in ("k", "never"):
        with pytest.raises(EntryNotFoundError) as refused:
            await shared.get(made, stranger, "", key)
        texts.append(str(refused.value))
        with pytest.raises(EntryNotFoundError):
            await shared.delete(made, stranger, "", Removal(key))
    assert texts[0] == texts[1]
    assert (await shared.page(made, stranger, "", "", "", 0)).entries == ()
    with pytest.raises(CursorExpiredError) as expired:
        await anext(watch(made, stranger, WatchRequest("", "", revision)))
    # Nothing of the other tenant's revisions shows.
    assert expired.value.metadata == {"oldest_revision": "0"}


async def test_a_view_that_the_store_lost_is_the_original_again() -> None:
    store = MemoryStore()
    made = context(store)
    done = await shared.put(made, fakes.caller(), put_request("k"))
    for held in store._spaces[SCOPE].entries.values():
        held.views.clear()
    view = (await shared.get(made, fakes.caller(), "", "k")).compressed.outcome.view
    assert view.text == LOG
    assert view.tokens_after == view.tokens_before > done.shared.body.outcome.view.tokens_after


async def test_a_read_waits_for_its_revision_and_gives_up_soon() -> None:
    made = context()
    at = (await shared.put(made, fakes.caller(), put_request("k", "one"))).shared.entry.revision
    with pytest.raises(StoreUnavailableError, match="has not reached it"):
        await shared.get(made, fakes.caller(1.0), "", "k", at + 10**12)
    reading = asyncio.create_task(shared.get(made, fakes.caller(), "", "k", at + 1))
    await asyncio.wait([reading], timeout=0.05)
    later = await shared.put(made, fakes.caller(), put_request("k", "two"))
    assert (await reading).entry == later.shared.entry


async def test_an_entry_of_another_release_is_an_error_and_not_a_crash() -> None:
    entries = MemoryEntries()
    made = context(entries=entries)
    await shared.put(made, fakes.caller(), put_request("k"))
    space = entries._spaces[SCOPE]
    space.entries["k"] = replace(space.entries["k"], body=b'{"version": 99}')
    with pytest.raises(ContentCorruptError):
        await shared.get(made, fakes.caller(), "", "k")
    page: Page = await shared.page(made, fakes.caller(), "", "", "", 0)
    assert len(page.entries) == 1


# Watching


async def test_a_watch_without_changes_is_told_how_far_it_is() -> None:
    made = context()
    at = (await shared.put(made, fakes.caller(), put_request("k"))).shared.entry.revision
    checkpoints = await watched(made, WatchRequest("", "", None), 3)
    assert checkpoints == [Batch((), at)] * 3


async def test_a_checkpoint_covers_changes_that_the_prefix_hides() -> None:
    made = context()
    await shared.put(made, fakes.caller(), put_request("seen/k"))
    last = (await shared.put(made, fakes.caller(), put_request("other"))).shared.entry.revision
    batches = await watched(made, WatchRequest("", "seen/", 0), 2)
    assert [change.key for change in batches[0].changes] == ["seen/k"]
    assert [batch.through for batch in batches] == [last, last]


async def test_a_watch_ends_well_before_its_deadline() -> None:
    made = context()
    request = WatchRequest("", "", None)
    batches = [batch async for batch in watch(made, fakes.caller(0.4), request)]
    assert batches
    assert made.sharing is not None
    assert made.sharing.watching == 0


async def test_watches_end_when_the_process_is_about_to() -> None:
    made = context(limits=replace(LIMITS, checkpoint=60.0))
    assert made.sharing is not None
    watching = watch(made, fakes.caller(60.0), WatchRequest("", "", None))
    await anext(watching)
    following = asyncio.ensure_future(anext(watching, None))
    await asyncio.wait([following], timeout=0.05)
    made.sharing.stopping.set()
    async with asyncio.timeout(10.0):
        assert await following is None


async def test_watches_of_one_space_wait_together_and_leave_nothing_behind() -> None:
    entries = CountingEntries()
    made = context(entries=entries, limits=replace(LIMITS, watches=20, checkpoint=60.0))
    await shared.put(made, fakes.caller(), put_request("k", "one"))
    watches = [watch(made, fakes.caller(60.0), WatchRequest("", "", None)) for _ in range(20)]
    for each in watches:
        await anext(each)
    following = [asyncio.ensure_future(anext(each)) for each in watches]
    await asyncio.wait(following, timeout=0.1)
    assert entries.most == 1
    await shared.put(made, fakes.caller(), put_request("k", "two"))
    async with asyncio.timeout(10.0):
        batches = await asyncio.gather(*following)
    assert len({batch.through for batch in batches}) == 1
    # Cancelled in the middle of a wait, they give everything back.
    following = [asyncio.ensure_future(anext(each)) for each in watches]
    await asyncio.wait(following, timeout=0.05)
    for waiting in following:
        waiting.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    assert made.sharing is not None
    assert made.sharing.watching == 0
    async with asyncio.timeout(10.0):
        while entries.waiting:
            await asyncio.sleep(0)


async def test_one_watch_too_many_is_refused() -> None:
    made = context()
    first = [watch(made, fakes.caller(), WatchRequest("", "", None)) for _ in range(2)]
    for each in first:
        await anext(each)
    with pytest.raises(OverloadedError):
        await anext(watch(made, fakes.caller(), WatchRequest("", "", None)))


async def test_a_backend_that_hangs_ends_the_watch_by_its_time_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("furler_compressor.app.watching._STORE_SECONDS", 0.05)
    made = context(entries=HangingEntries())
    with pytest.raises(StoreUnavailableError, match="in time"):
        await anext(watch(made, fakes.caller(), WatchRequest("", "", None)))


async def test_a_digest_and_a_view_belong_to_the_content_that_was_put() -> None:
    made = context()
    done = await shared.put(made, fakes.caller(), put_request("k"))
    assert done.shared.compressed.sha256 == hashlib.sha256(LOG.encode()).digest()
    assert done.shared.compressed.size == len(LOG.encode())
