"""A store that is down, hangs or dies costs savings, never an answer: through a real service."""

from __future__ import annotations

import socket
from contextlib import closing

import grpc
import pytest

import servers
from furler.v1 import compression_pb2
from support.inputs import service_log
from support.service import running_service
from support.waiting import eventually

LOG = service_log(600)
UNAVAILABLE = compression_pb2.DEGRADED_REASON_STORE_UNAVAILABLE


@pytest.fixture
def closed_port() -> int:
    """A port that nobody listens on."""
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
    return port


def test_a_store_that_is_down_gives_the_content_unshortened(closed_port: int) -> None:
    with running_service(f"redis://127.0.0.1:{closed_port}/0") as service:
        view = service.compress(LOG)
        assert (view.text, view.ref, view.degraded) == (LOG, "", UNAVAILABLE)
        assert len(view.elisions) == 0


def test_a_store_that_hangs_leaves_time_to_answer() -> None:
    with servers.silent_server() as address, running_service(f"redis://{address}/0") as service:
        view = service.compress(LOG, timeout=3)
        assert (view.text, view.ref, view.degraded) == (LOG, "", UNAVAILABLE)


def test_a_store_that_comes_back_is_used_again() -> None:
    with servers.valkey() as store, running_service(store.url) as service:
        view = service.compress(LOG)
        assert view.ref
        store.kill()
        assert service.compress(service_log(610)).degraded == UNAVAILABLE
        with pytest.raises(grpc.RpcError) as raised:
            service.retrieve(view.ref)
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
        store.start()
        again = eventually(lambda: service.compress(LOG).ref, "the store is used again")
        assert service.retrieve(again).data.decode() == LOG
