"""Triton servers that die, hang, come back, change their weights, and see who asked."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

import triton_servers
from furler_compressor.adapters.triton_model import TritonModel, TritonOptions, open_triton
from furler_compressor.adapters.triton_url import TritonAccess, parse_triton_urls
from furler_compressor.app.model_port import Model, ModelUnavailableError
from support.certificates import Authority
from support.fake_model import FakeModel
from support.waiting import eventually

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PATIENCE = 60.0
TEXT = "The worker was restarted on Tuesday because the disk of the host was really full."


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module", autouse=True)
async def one_loop(anyio_backend: str) -> AsyncIterator[None]:
    """One event loop for all tests here: gRPC reports cancelled calls after their test's end."""
    yield  # noqa: PT022 - the loop lives as long as a fixture that waits


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return triton_servers.write_repository(tmp_path_factory.mktemp("models"), faulty=False)


@asynccontextmanager
async def model_at(
    urls: str,
    fallback: Model | None = None,
    access: TritonAccess | None = None,
    limit: float = PATIENCE,
) -> AsyncIterator[TritonModel]:
    options = TritonOptions(timeout=limit, pause=0.5, access=access or TritonAccess())
    model = open_triton(parse_triton_urls(urls), options, fallback)
    await model.start()
    try:
        yield model
    finally:
        await model.close()


async def version_that_answers(model: Model, seconds: float = PATIENCE) -> str:
    """Return the version that judged, or the trouble."""
    try:
        return (await model.judge([TEXT], seconds)).version
    except ModelUnavailableError as error:
        return str(error.trouble)


async def until_answered_by(model: Model, version: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while await version_that_answers(model) != version:
            await asyncio.sleep(0.1)


async def test_every_call_is_answered_while_the_server_dies_hangs_and_comes_back(
    repository: Path,
) -> None:
    local = FakeModel()
    with triton_servers.triton(repository) as server:
        async with model_at(server.url, local, limit=1.0) as model:
            served, answered, stop = model.version, set[str](), asyncio.Event()
            failed: list[str] = []

            async def agent() -> None:
                while not stop.is_set():
                    version = await version_that_answers(model, seconds=4.0)
                    (answered.add if version in {served, local.version} else failed.append)(version)
                    await asyncio.sleep(0.01)

            agents = [asyncio.create_task(agent()) for _ in range(4)]
            for trouble, recovery in (
                (server.kill, server.start),
                (server.pause, server.resume),
            ):
                await until_answered_by(model, served)
                trouble()
                await until_answered_by(model, local.version)
                await asyncio.to_thread(recovery)
            await until_answered_by(model, served)
            stop.set()
            await asyncio.gather(*agents)
    assert failed == []
    assert answered == {served, local.version}


async def test_new_weights_are_asked_for_once_their_servers_have_them(
    repository: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    shutil.copytree(repository, models)
    control = ("--model-control-mode=explicit", "--load-model=kompress")
    with triton_servers.triton(models, *control) as server:
        async with model_at(server.url, FakeModel()) as model:
            old = model.version
            config = models / "kompress" / "config.pbtxt"
            (models / "kompress" / "1").rename(models / "kompress" / "2")
            config.write_text(
                config.read_text()
                .replace("furler_model:1", "furler_model:2")
                .replace(old, "kompress-next")
            )
            await asyncio.to_thread(server.load, "kompress")
            seen = set[str]()
            async with asyncio.timeout(PATIENCE):
                while "kompress-next" not in seen:
                    seen.add(await version_that_answers(model))
                    await asyncio.sleep(0.1)
            assert seen == {"fake/1", "kompress-next"}
            assert model.version == "kompress-next"


class _Collector(BaseHTTPRequestHandler):
    """Takes what a server exports by OTLP over HTTP."""

    received: list[dict[str, object]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append(json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's name
        return


@contextmanager
def collector() -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Give a collector's URL, and what it has received."""
    received: list[dict[str, object]] = []
    handler = type("Handler", (_Collector,), {"received": received})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_request_goes_through_mutual_tls_and_joins_the_caller_s_trace(
    repository: Path, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    own, ours = authority.issue("triton"), authority.issue("furler")
    access = TritonAccess(str(authority.file), str(ours.certificate), str(ours.key))
    span = SpanContext(
        0xABCDEF0123456789ABCDEF0123456789, 0x1234, is_remote=True, trace_flags=TraceFlags(1)
    )
    with collector() as (endpoint, received):
        server = triton_servers.triton(
            repository,
            *("--grpc-use-ssl=true", "--grpc-use-ssl-mutual=true"),
            *(f"--grpc-server-cert={own.certificate}", f"--grpc-server-key={own.key}"),
            f"--grpc-root-cert={authority.file}",
            *("--trace-config=mode=opentelemetry", "--trace-config=level=TIMESTAMPS"),
            *("--trace-config=rate=1", f"--trace-config=opentelemetry,url={endpoint}"),
            "--trace-config=opentelemetry,bsp_schedule_delay=100",
            credentials=access,
        )
        with server as running:
            # By a name, which becomes an address: the certificate is still the name's.
            place = f"grpcs://localhost:{running.port}"
            async with model_at(place, access=access) as model:
                token = trace.use_span(NonRecordingSpan(span))
                with token:
                    assert await version_that_answers(model) == model.version != ""
            async with model_at(place, access=TritonAccess(str(authority.file))) as stranger:
                assert (stranger.version, await version_that_answers(stranger)) == (
                    "",
                    "none_serves",
                )
            wanted = f"{span.trace_id:032x}"
            await asyncio.to_thread(
                eventually, lambda: wanted in json.dumps(received).lower(), "a span of our trace"
            )
