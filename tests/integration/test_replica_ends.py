"""A replica that ends under load, as a rollout has it: no call fails."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from furler import Furler
from furler.channel import SERVICE_CONFIG
from furler.v1 import compressor_service_pb2, compressor_service_pb2_grpc, content_pb2
from support.inputs import service_log
from support.service import running_service

CALLERS = 8
LOG = service_log(20)
Call = Callable[[], str]
"""Calls once; says how it went."""


def by_stubs(target: str, calls: Callable[[Call], None]) -> None:
    options = [
        ("grpc.service_config", SERVICE_CONFIG),
        # No connection of another caller: one each, as agents in other processes have.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    request = compressor_service_pb2.CompressRequest(
        content=content_pb2.Content(inline=LOG.encode())
    )
    with grpc.insecure_channel(target, options=options) as channel:
        stub = compressor_service_pb2_grpc.CompressorServiceStub(channel)
        calls(lambda: str(stub.Compress.future(request, timeout=60).code().name))


def by_the_client(target: str, calls: Callable[[Call], None]) -> None:
    with Furler.connect(target) as furler:
        calls(lambda: "OK" if furler.compress(LOG).text else "empty")


@pytest.mark.parametrize("client", [by_stubs, by_the_client])
def test_no_call_is_lost_when_a_replica_ends(
    client: Callable[[str, Callable[[Call], None]], None],
) -> None:
    with running_service() as ending, running_service() as staying:
        ended = threading.Event()
        made = threading.Semaphore(0)

        def outcomes(_caller: int) -> Counter[str]:
            found: Counter[str] = Counter()

            def calls(call: Call) -> None:
                while not ended.is_set():
                    found[call()] += 1
                    made.release()

            client(f"ipv4:{ending.address},{staying.address}", calls)
            return found

        with ThreadPoolExecutor(CALLERS) as callers:
            pending = [callers.submit(outcomes, caller) for caller in range(CALLERS)]
            try:
                for _ in range(20 * CALLERS):  # connections are made, both replicas are called
                    assert made.acquire(timeout=60)
                assert ending.stop() == 0
            finally:
                ended.set()
            found = sum((future.result() for future in pending), Counter[str]())
        assert set(found) == {"OK"}, found
