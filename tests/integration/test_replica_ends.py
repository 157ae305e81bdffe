"""A replica that ends under load, as a rollout has it: no call of a client that watches health fails."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import grpc

from furler.channel import SERVICE_CONFIG
from furler.v1 import compressor_service_pb2, compressor_service_pb2_grpc, content_pb2
from support.inputs import service_log
from support.service import running_service

CALLERS = 8
LOG = service_log(20).encode()


def test_no_call_is_lost_when_a_replica_ends() -> None:
    with running_service() as ending, running_service() as staying:
        ended = threading.Event()
        made = threading.Semaphore(0)

        def calls(_caller: int) -> Counter[str]:
            target = f"ipv4:{ending.address},{staying.address}"
            options = [
                ("grpc.service_config", SERVICE_CONFIG),
                # No connection of another caller; one more each, as agents in other processes have.
                ("grpc.use_local_subchannel_pool", 1),
            ]
            request = compressor_service_pb2.CompressRequest(
                content=content_pb2.Content(inline=LOG)
            )
            outcomes: Counter[str] = Counter()
            with grpc.insecure_channel(target, options=options) as channel:
                stub = compressor_service_pb2_grpc.CompressorServiceStub(channel)
                while not ended.is_set():
                    code = stub.Compress.future(request, timeout=60).code()  # waits for the end
                    outcomes[code.name] += 1
                    made.release()
            return outcomes

        with ThreadPoolExecutor(CALLERS) as callers:
            pending = [callers.submit(calls, caller) for caller in range(CALLERS)]
            try:
                for _ in range(20 * CALLERS):  # connections are made, both replicas are called
                    assert made.acquire(timeout=60)
                assert ending.stop() == 0
            finally:
                ended.set()
            outcomes = sum((future.result() for future in pending), Counter[str]())
        assert set(outcomes) == {"OK"}, outcomes
