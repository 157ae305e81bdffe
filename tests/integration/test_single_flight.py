"""Many agents, several services, one content at once: one compression, and an answer for each."""

from __future__ import annotations

import contextlib
import os
import signal
import uuid
from concurrent.futures import ThreadPoolExecutor

from furler.v1 import compression_pb2, compressor_service_pb2, content_pb2, info_service_pb2
from support.inputs import service_log
from support.service import Service, running_service
from support.waiting import eventually

MEGABYTE = service_log(19_500)
AGENTS, SERVICES = 12, 3


def compress(service: Service, space: str, text: str) -> compression_pb2.View:
    content = content_pb2.Content(inline=text.encode())
    request = compressor_service_pb2.CompressRequest(space=space, content=content)
    return service.compressor.Compress(request, timeout=60).view


def row(service: Service, space: str, views: int) -> info_service_pb2.KindStats | None:
    stats = service.info.GetStats(info_service_pb2.GetStatsRequest(space=space))
    return stats.kinds[0] if stats.kinds and stats.kinds[0].views == views else None


def test_many_agents_of_several_services_make_one_compression(valkey_server: str) -> None:
    assert len(MEGABYTE) > 1_000_000
    space = f"flight-{uuid.uuid4().hex}"
    with contextlib.ExitStack() as stack:
        services = [stack.enter_context(running_service(valkey_server)) for _ in range(SERVICES)]
        with ThreadPoolExecutor(AGENTS) as agents:
            calls = [
                agents.submit(compress, services[number % SERVICES], space, MEGABYTE)
                for number in range(AGENTS)
            ]
            views = [call.result() for call in calls]
        counted = eventually(lambda: row(services[0], space, AGENTS), "all views are counted")
    assert len({(view.text, view.ref, view.recipe) for view in views}) == 1
    assert {view.degraded for view in views} == {compression_pb2.DEGRADED_REASON_UNSPECIFIED}
    assert (counted.views, counted.cached, counted.degraded) == (AGENTS, AGENTS - 1, 0)


def test_a_leader_that_dies_is_replaced_by_who_waits(valkey_server: str) -> None:
    space, text = f"flight-{uuid.uuid4().hex}", MEGABYTE + "the end\n"
    with running_service(valkey_server) as dying, running_service(valkey_server) as other:
        content = content_pb2.Content(inline=text.encode())
        request = compressor_service_pb2.CompressRequest(space=space, content=content)
        lost = dying.compressor.Compress.future(request)
        # It holds its lease, or is about to, or is done: in each case the other must answer.
        os.kill(dying.process.pid, signal.SIGKILL)
        view = compress(other, space, text)
        assert lost.exception() is not None
    assert view.ref
    assert view.degraded == compression_pb2.DEGRADED_REASON_UNSPECIFIED
