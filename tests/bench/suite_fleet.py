"""One store for the fleet: cache hits through Redis, its memory per original, many conversations.

The store is a real Valkey on a unix socket of this machine; the service is one worker.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import redis

import servers
from furler import Furler
from furler.v1 import compressor_service_pb2 as compressor
from furler.v1 import content_pb2 as content

from . import generate
from .clock import Times, once
from .generate import KB
from .report import Bar, Json, SuiteResult, Table, at_most
from .server import Server
from .setting import Setting

HIT_MS = 2.0
_SIZE = 60 * KB
_THREADS = 4
_RESULT = 3 * KB
"""Size of a tool's result: the median of recorded agents' is about that."""


def run(setting: Setting) -> SuiteResult:
    """Measure hits, memory and conversations."""
    conversations, turns = (4, 10) if setting.quick else (200, 50)
    originals = 40 if setting.quick else 400
    with servers.valkey() as store, Server(store=store.url) as server:
        hits = _hits(server, 30 if setting.quick else 300)
        held = _memory_per_original(server, store.url, originals)
        times, before, after = _conversations(server.address, conversations, turns)
    saved = 1 - after / before
    table = Table(
        "One store for the fleet",
        ("what", "measured"),
        (
            ("60 KB log, cache hit through gRPC and Valkey, p50", f"{hits.p50:.2f} ms"),
            ("the same, p95", f"{hits.p95:.2f} ms"),
            ("memory of Valkey per 60 KB original with its view", f"{held / KB:.1f} KB"),
            (
                f"{conversations} conversations x {turns} turns, p50 of a turn",
                f"{times.p50:.1f} ms",
            ),
            ("the same, p95", f"{times.p95:.1f} ms"),
            ("tokens saved over all requests as sent", f"{saved:.1%}"),
        ),
    )
    data: dict[str, Json] = {
        "hit_ms": list(hits.samples),
        "bytes_per_original": held,
        "turn_ms": list(times.samples),
        "tokens_before": before,
        "tokens_after": after,
    }
    bars: tuple[Bar, ...] = (
        at_most("cache hit through gRPC and Valkey, p50", HIT_MS, round(hits.p50, 2), " ms"),
    )
    return SuiteResult("fleet", (table,), data, bars)


def _request(text: str) -> compressor.CompressRequest:
    return compressor.CompressRequest(content=content.Content(inline=text.encode()))


def _hits(server: Server, calls: int) -> Times:
    stub, request = server.stub(), _request(generate.log(_SIZE, 7))
    stub.Compress(request)
    return Times(tuple(once(lambda: stub.Compress(request)) for _ in range(calls)))


def _memory_per_original(server: Server, url: str, originals: int) -> float:
    """Return the bytes of the store's memory that one more original takes."""
    stub, kinds = server.stub(), list(generate.KINDS.values())
    with redis.Redis.from_url(url) as store:
        start = _used(store)
        for number in range(originals):
            stub.Compress(_request(kinds[number % len(kinds)](_SIZE, 5000 + number)))
        return (_used(store) - start) / originals


def _used(store: redis.Redis) -> int:
    return int(store.info("memory")["used_memory_dataset"])


def _conversations(address: str, conversations: int, turns: int) -> tuple[Times, int, int]:
    """Play conversations from several threads; every turn sends all that came before."""
    samples: list[float] = []
    totals = [0, 0]
    lock = threading.Lock()

    def play(numbers: range) -> None:
        with Furler.connect(address) as furler:
            for number in numbers:
                for body in _bodies(number, turns):
                    start = time.perf_counter()
                    got = furler.compress_conversation(
                        body, "openai_chat", conversation=f"bench-{number}"
                    )
                    took = (time.perf_counter() - start) * 1000
                    with lock:
                        samples.append(took)
                        totals[0] += got.tokens_before
                        totals[1] += got.tokens_after

    threads = [
        threading.Thread(target=play, args=(range(at, conversations, _THREADS),))
        for at in range(_THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Times(tuple(samples)), totals[0], totals[1]


def _bodies(number: int, turns: int) -> Iterator[bytes]:
    """Yield the requests of one conversation: each a question, a tool's result, and what was before."""
    kinds = list(generate.KINDS.values())
    messages: list[dict[str, object]] = [{"role": "system", "content": "You fix bugs."}]
    for turn in range(turns):
        # Every fourth result is one that was read before.
        seed = 100 * number + (turn - 3 if turn % 4 == 3 else turn)
        result = kinds[seed % len(kinds)](_RESULT, seed)
        call = {
            "id": f"c{turn}",
            "type": "function",
            "function": {"name": "bash", "arguments": "{}"},
        }
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"c{turn}", "content": result},
        ]
        yield json.dumps({"model": "m", "messages": messages}).encode()
