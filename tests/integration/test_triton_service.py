"""An agent's call through a whole service, whatever its Triton does: a view, in time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import triton_servers
from furler.v1 import compression_pb2, info_service_pb2
from furler_kompress import artefact
from support.prose import report
from support.service import Service, running_service
from support.waiting import eventually
from triton_servers import TritonServer

pytestmark = pytest.mark.slow

DEADLINE = 20.0
"""Seconds; the model may take a part of it. A busy machine is no broken service."""
MODEL_UNAVAILABLE = compression_pb2.DEGRADED_REASON_MODEL_UNAVAILABLE


@pytest.fixture(scope="module")
def service(triton_server: TritonServer) -> Iterator[Service]:
    """A service whose only model goes wrong as the first word of a text says."""
    with running_service(
        model="none",
        triton_urls=triton_server.url,
        triton_model="faulty",
        triton_timeout_seconds="0.5",
    ) as running:
        yield running


@pytest.mark.parametrize("fault", triton_servers.FAULTS)
def test_what_goes_wrong_with_the_model_costs_its_savings_and_nothing_else(
    service: Service, fault: str
) -> None:
    text = f"{fault} {report(12)}"
    view = service.compress(text, timeout=DEADLINE)
    assert view.degraded == MODEL_UNAVAILABLE
    assert view.tokens_after.tokens <= view.tokens_before.tokens
    assert view.text == text


def test_a_service_whose_server_dies_goes_on_and_uses_it_again_when_it_is_back(
    tmp_path: Path,
) -> None:
    repository = triton_servers.write_repository(tmp_path, faulty=False)
    with (
        triton_servers.triton(repository) as server,
        running_service(
            model="none", triton_urls=server.url, triton_timeout_seconds="10"
        ) as running,
    ):
        capabilities = running.info.GetCapabilities(info_service_pb2.GetCapabilitiesRequest())
        assert capabilities.model == artefact.version()
        made = running.compress(report(12), timeout=DEADLINE)
        assert made.degraded == compression_pb2.DEGRADED_REASON_UNSPECIFIED
        assert made.tokens_after.tokens < made.tokens_before.tokens
        server.kill()
        gone = running.compress(report(13), timeout=DEADLINE)
        assert gone.degraded == MODEL_UNAVAILABLE
        assert running.compress(report(12), timeout=DEADLINE).text == made.text
        server.start()
        numbers = iter(range(14, 10_000))

        def back() -> bool:
            view = running.compress(f"Note {next(numbers)}. {report(12)}", timeout=DEADLINE)
            return view.degraded == compression_pb2.DEGRADED_REASON_UNSPECIFIED

        eventually(back, "the model judges again")
