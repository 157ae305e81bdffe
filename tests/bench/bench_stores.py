"""Time of a commit, a recall and a fetch per store: python tests/bench/bench_stores.py --help."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import servers
from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.adapters.open_store import StoreOptions, decorate
from furler_compressor.adapters.redis_store import RedisStore
from furler_compressor.adapters.sqlite_store import SqliteStore
from furler_compressor.app.ports import Record, Scope, Store, StoredView, Tally

SCOPE = Scope("bench", "space")


@contextlib.contextmanager
def stores(redis_url: str | None) -> Iterator[dict[str, Callable[[], Store]]]:
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        url = redis_url or stack.enter_context(servers.valkey()).url
        bare: dict[str, Callable[[], Store]] = {
            "memory": lambda: MemoryStore(max_bytes=2**32),
            "sqlite": lambda: SqliteStore(Path(directory)),
            "redis": lambda: RedisStore(url),
        }
        made = dict(bare)
        for name, make in bare.items():
            made[f"{name} decorated"] = lambda make=make: decorate(make(), StoreOptions())  # type: ignore[misc]
        yield made


def content(number: int, size: int) -> Record:
    """Return a JSON log of ``size`` bytes; no two numbers share one."""
    lines = (
        json.dumps({"id": n * 7919 % 100_003, "run": number, "message": "request served"})
        for n in range(size)
    )
    text = ""
    while len(text) < size:
        text += next(lines) + "\n"
    data = text.encode()[:size]
    digest = hashlib.sha256(data).digest()
    return Record(digest.hex()[:16], digest, size, data)


async def p50(calls: list[Callable[[], Awaitable[object]]]) -> float:
    """Return the median time of one call in milliseconds, one after the other."""
    times = []
    for call in calls:
        began = time.perf_counter()
        await call()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


async def measure(store: Store, size: int, count: int) -> list[float]:
    records = [content(number, size) for number in range(count)]
    await store.ping()
    figures = [
        await p50(
            [
                lambda r=r: store.commit(SCOPE, r, StoredView("v", r.data[: size // 8]), 600.0)  # type: ignore[misc]
                for r in records
            ]
        ),
        await p50([lambda r=r: store.recall(SCOPE, r.ref, "v", 600.0) for r in records]),  # type: ignore[misc]
        await p50([lambda r=r: store.fetch(SCOPE, r.ref) for r in records]),  # type: ignore[misc]
        await p50([lambda: store.add(SCOPE, Tally("log", views=1)) for _ in records]),
    ]
    for record in records:
        await store.delete(SCOPE, record.ref)
    await store.close()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=64 * 1024, help="bytes of an original")
    parser.add_argument("--count", type=int, default=200, help="calls per figure")
    parser.add_argument("--redis", help="URL of a server; otherwise one is started")
    arguments = parser.parse_args()
    print(f"p50 of {arguments.count} calls in ms, originals of {arguments.size} bytes")
    print(f"{'store':<18}{'commit':>9}{'recall':>9}{'fetch':>9}{'add':>9}")
    with stores(arguments.redis) as made:
        for name, make in made.items():
            figures = asyncio.run(measure(make(), arguments.size, arguments.count))
            print(f"{name:<18}" + "".join(f"{figure:>9.3f}" for figure in figures))


if __name__ == "__main__":
    main()
