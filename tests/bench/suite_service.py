"""A real server process: the whole gRPC call, cache hits, throughput, health, memory at rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import partial

from grpc_health.v1 import health_pb2, health_pb2_grpc

from furler.v1 import compressor_service_pb2 as compressor
from furler.v1 import content_pb2 as content

from . import generate
from .clock import Times, once
from .generate import KB, MB
from .report import Bar, Json, SuiteResult, Table, at_least, at_most
from .server import Held, Server
from .setting import Setting

CALL_MS = 15.0
HEALTH_MS = 50.0
IDLE_MB = 120.0
REPLICA_MB = 250
_WITH_MODEL, _WITHOUT = "with the model", "one engine process, no model"
_ALONE = {"FURLER_ENGINE_PROCESSES": "1", "FURLER_MODEL": "none"}
"""A worker with one engine process: with two, one worker fills the two cores of a small machine."""
_SIZE = 60 * KB
_CLIENTS = 4


def run(setting: Setting) -> SuiteResult:
    """Measure one worker, then two."""
    calls = 15 if setting.quick else 60
    seconds = 2.0 if setting.quick else 6.0
    with Server() as server:
        idle = server.processes()
        fresh = {name: _fresh(server, name, calls) for name in generate.KINDS}
        hits = _hits(server, calls)
        health = _health_while_busy(server)
    with Server(settings=_ALONE) as server:
        bare = server.processes()
        one = _throughput(server, seconds, 0)
    with Server(workers=2, settings=_ALONE) as server:
        two = _throughput(server, seconds, 0)
    tables = (_call_table(fresh, hits, health), _rest_table(idle, bare, one, two))
    data: dict[str, Json] = {
        "call_ms": {name: list(t.samples) for name, t in fresh.items()},
        "call_core_ms": {name: t.cpu_p50 for name, t in fresh.items()},
        "cache_hit_ms": list(hits.samples),
        "health_ms": list(health.samples),
        "calls_per_second": {"1 worker": one, "2 workers": two},
        "idle_bytes": [[held.name, held.resident, held.proportional] for held in idle],
        "bare_bytes": [[held.name, held.resident, held.proportional] for held in bare],
    }
    bars = (*_bars(fresh, health, one, two), *_memory_bars(idle, bare))
    return SuiteResult("service", tables, data, bars)


def _request(text: str) -> compressor.CompressRequest:
    return compressor.CompressRequest(content=content.Content(inline=text.encode()))


def _fresh(server: Server, name: str, calls: int) -> Times:
    """Time calls with a new content each, so that no cache answers.

    The times' ``cpu`` is the server's own, a call's share of all of them.
    """
    make, stub = generate.KINDS[name], server.stub()
    requests = [_request(make(_SIZE, 1000 + n)) for n in range(calls + 3)]
    for request in requests[:3]:
        stub.Compress(request)
    busy = server.busy_ms()
    samples = tuple(once(partial(stub.Compress, request)) for request in requests[3:])
    return Times(samples, ((server.busy_ms() - busy) / calls,))


def _hits(server: Server, calls: int) -> Times:
    stub, request = server.stub(), _request(generate.log(_SIZE, 7))
    stub.Compress(request)
    return Times(tuple(once(lambda: stub.Compress(request)) for _ in range(calls)))


def _health_while_busy(server: Server) -> Times:
    """Time health checks, every 10 ms, while a log of 5 MB is compressed."""
    health = health_pb2_grpc.HealthStub(server.channel())
    check = health_pb2.HealthCheckRequest()
    health.Check(check)
    request = _request(generate.log(5 * MB, 3))
    worker = threading.Thread(target=lambda: server.stub().Compress(request))
    worker.start()
    samples = []
    while worker.is_alive():
        samples.append(once(lambda: health.Check(check)))
        time.sleep(0.01)
    worker.join()
    return Times(tuple(samples))


def _throughput(server: Server, seconds: float, seed: int) -> float:
    """Return calls per second of some clients, each on its own connection, contents all new."""
    done = [0] * _CLIENTS
    prepared = [
        [_request(generate.log(_SIZE, seed + 10_000 * c + n)) for n in range(40)]
        for c in range(_CLIENTS)
    ]

    def work(client: int) -> None:
        stub = server.stub()
        for number in range(1 << 30):
            if time.perf_counter() >= until:
                return
            request = prepared[client][number % 40]
            # A leading line makes every content a new one at no cost to the client.
            fresh = f"run {client} {number}\n".encode() + request.content.inline
            stub.Compress(compressor.CompressRequest(content=content.Content(inline=fresh)))
            done[client] += 1

    threads = [threading.Thread(target=work, args=(c,)) for c in range(_CLIENTS)]
    until = time.perf_counter() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / seconds


def _call_table(fresh: dict[str, Times], hits: Times, health: Times) -> Table:
    named = [(f"Compress, 60 KB of {name}", t) for name, t in fresh.items()]
    named += [("the same content again (cache)", hits), ("health, 5 MB log in work", health)]
    rows = tuple(
        (
            name,
            str(len(t.samples)),
            f"{t.p50:.1f}",
            f"{t.p95:.1f}",
            f"{max(t.samples):.1f}",
            f"{t.cpu_p50:.1f}" if t.cpu else "",
        )
        for name, t in named
    )
    return Table(
        "Whole gRPC call", ("call", "n", "p50 ms", "p95 ms", "worst", "core, mean ms"), rows
    )


def _rest_table(idle: Sequence[Held], bare: Sequence[Held], one: float, two: float) -> Table:
    rows = [
        (
            f"at rest, {what}: {held.name}",
            f"{held.resident / MB:.0f} MB, {held.proportional / MB:.0f} with shared pages divided",
        )
        for what, processes in ((_WITH_MODEL, idle), (_WITHOUT, bare))
        for held in processes
    ]
    rows += [
        (f"at rest, {what}: together, shared pages once", f"{_together(processes):.0f} MB")
        for what, processes in ((_WITH_MODEL, idle), (_WITHOUT, bare))
    ]
    rows += [
        (f"60 KB logs, {_CLIENTS} clients, 1 worker", f"{one:.0f} calls/s"),
        (f"60 KB logs, {_CLIENTS} clients, 2 workers", f"{two:.0f} calls/s"),
    ]
    return Table("The process", ("what", "measured"), tuple(rows))


def _together(processes: Sequence[Held]) -> float:
    """Return what a worker's processes hold, in MB, with shared pages counted once."""
    return sum(held.proportional for held in processes) / MB


def _memory_bars(idle: Sequence[Held], bare: Sequence[Held]) -> tuple[Bar, ...]:
    largest = max(held.resident for held in bare) / MB
    return (
        at_most(f"resident at rest, {_WITHOUT}: largest process", IDLE_MB, round(largest), " MB"),
        at_most(f"at rest, {_WITH_MODEL}: together", REPLICA_MB, round(_together(idle)), " MB"),
    )


def _bars(fresh: dict[str, Times], health: Times, one: float, two: float) -> tuple[Bar, ...]:
    bars = [
        at_most(
            f"gRPC call, the server's core time, 60 KB of {name}",
            CALL_MS,
            round(t.cpu_p50, 1),
            " ms",
        )
        for name, t in fresh.items()
    ]
    bars.append(
        at_most("health while a 5 MB log is compressed, worst", HEALTH_MS,
                round(max(health.samples), 1), " ms")
    )  # fmt: skip
    bars.append(
        at_least("throughput, 2 workers against 1", 1.2, round(two / max(one, 0.1), 2), "x")
    )
    return tuple(bars)
