"""The client's two modes and its command line, against the real service."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import psutil
import pytest

from furler import (
    AsyncFurler,
    ContentNotFoundError,
    Digest,
    FieldInvalidError,
    Furler,
    FurlerError,
    SelectorInvalidError,
    View,
)
from furler.backends.remote import STREAM_ABOVE
from support.gateway import fetch
from support.inputs import orders, service_log
from support.ports import free_ports
from support.service import running_service

LOG = service_log(800)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running_service() as service:
        yield service.address


@pytest.fixture(scope="module", params=["connected", "embedded"])
def furler(request: pytest.FixtureRequest, address: str) -> Iterator[Furler]:
    made = Furler.connect(address) if request.param == "connected" else Furler.embedded("memory:")
    with made as client:
        yield client


@pytest.mark.parametrize("content", [LOG, orders(300), "short", ""])
def test_both_modes_give_the_same_view(address: str, content: str) -> None:
    with Furler.connect(address) as connected, Furler.embedded("memory:") as embedded:
        policy = {"levels": {"log": "tight"}}
        connected_view = connected.compress(content, query="FATAL", policy=policy, space="same")
        embedded_view = embedded.compress(content, query="FATAL", policy=policy, space="same")
    assert connected_view == embedded_view


def test_any_part_comes_back_exactly(furler: Furler) -> None:
    view = furler.compress(LOG, tool="bash")
    lines = LOG.splitlines(keepends=True)
    assert view.elisions
    assert furler.retrieve(view.ref, lines=(3, 5)).text == "".join(lines[2:5])
    assert furler.retrieve(view.ref, match="FATAL").text == lines[400]
    marked = furler.retrieve(view.ref, marker="B0-20").data
    assert marked == LOG.encode()[:20]
    assert b"".join(furler.read(view.ref)) == LOG.encode()
    assert b"".join(furler.read(view.ref, offset=100)) == LOG.encode()[100:]


def test_pages_add_up_to_the_whole(furler: Furler) -> None:
    ref = furler.compress(LOG).ref
    page = furler.retrieve(ref, max_tokens=2000)
    parts = [page.data]
    while page.next_page:
        page = furler.retrieve(ref, max_tokens=2000, page=page.next_page)
        parts.append(page.data)
    assert len(parts) > 2
    assert b"".join(parts) == LOG.encode()


def test_errors_are_the_same_in_both_modes(furler: Furler) -> None:
    ref = furler.compress(LOG).ref
    with pytest.raises(ContentNotFoundError):
        furler.retrieve("aaaaaaaaaaaaaaaa")
    with pytest.raises(SelectorInvalidError):
        furler.retrieve(ref, match="(")
    with pytest.raises(FieldInvalidError) as caught:
        furler.compress(LOG, policy={"tokenizer": "none_such"})
    assert caught.value.metadata["field"] == "policy.tokenizer"


def test_what_is_larger_than_a_message_goes_through(furler: Furler) -> None:
    large = service_log(80_000)
    assert len(large) > STREAM_ABOVE
    view = furler.compress(large)
    assert view.original == Digest.of(large)
    assert "FATAL db pool exhausted" in view.text
    assert furler.compress(large).text == view.text


def test_many_contents_at_once(furler: Furler) -> None:
    contents = [service_log(n) for n in range(100, 400)]
    outcomes = furler.compress_many([*contents, b"\xff"])
    views = [each for each in outcomes if isinstance(each, View)]
    assert [view.original for view in views] == [Digest.of(each) for each in contents]
    assert isinstance(outcomes[-1], FurlerError)
    missing = furler.find_missing([Digest.of("never sent"), *(view.original for view in views[:3])])
    assert missing == [Digest.of("never sent")]


def test_figures_and_limits_are_told(furler: Furler) -> None:
    furler.compress(LOG, space="figures")
    stats = furler.stats(space="figures")
    assert [(row.kind, row.views) for row in stats.kinds] == [("log", 1)]
    assert stats.saved > 0.5
    assert "o200k_base" in furler.capabilities().tokenizers
    assert furler.explain(LOG).decisions


def test_a_deleted_original_is_gone(furler: Furler) -> None:
    ref = furler.compress(LOG, space="gone").ref
    furler.delete(ref, space="gone")
    with pytest.raises(ContentNotFoundError):
        list(furler.read(ref, space="gone"))


def test_an_asyncio_program_has_the_same_face(address: str) -> None:
    async def use() -> tuple[list[View], bytes]:
        async with AsyncFurler.connect(address) as furler:
            views = await asyncio.gather(*(furler.compress(LOG) for _ in range(8)))
            whole = b"".join([chunk async for chunk in furler.read(views[0].ref)])
            return list(views), whole

    views, whole = asyncio.run(use())
    assert {view.text for view in views} == {views[0].text}
    assert whole == LOG.encode()


def _cli(*args: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "furler.cli", *args]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=120, check=False)


@pytest.mark.parametrize("mode", ["--server", "--data"])
def test_the_command_line_brings_back_the_very_bytes(
    mode: str, address: str, tmp_path: Path
) -> None:
    content = LOG.replace("\n", "\r\n").encode()
    where = (mode, address if mode == "--server" else str(tmp_path))
    compressed = _cli("compress", "--json", *where, stdin=content)
    assert compressed.stderr == b""
    view = json.loads(compressed.stdout)
    assert view["tokens_after"] < view["tokens_before"]
    assert _cli("retrieve", view["ref"], *where).stdout == content
    assert _cli("retrieve", view["ref"], "--lines", "L2-3", *where).stdout == b"".join(
        content.splitlines(keepends=True)[1:3]
    )
    stats = json.loads(_cli("stats", "--json", *where).stdout)
    assert stats["originals"] >= 1
    assert _cli("doctor", *where).returncode == 0


def test_a_doctor_says_why_a_directory_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "furler.sqlite3").mkdir()  # where the store's file would be
    done = _cli("doctor", "--data", str(tmp_path))
    said = done.stdout.decode()
    assert done.returncode == 1
    (store,) = [line for line in said.splitlines() if line.startswith("store  ")]
    assert "the store's file cannot be opened: " in store
    assert "store: name a directory you may write to with --data" in said


@pytest.mark.parametrize("has_started", [False, True])
def test_up_ends_with_its_gateway_and_says_so(*, has_started: bool) -> None:
    address, gateway = (f"127.0.0.1:{port}" for port in free_ports(2))
    settings = {"FURLER_GATEWAY_OPERATE_LISTEN": "127.0.0.1:0"}
    if not has_started:
        settings["FURLER_GATEWAY_MAX_REQUESTS"] = "none"
    process = subprocess.Popen(
        [sys.executable, "-m", "furler.cli", "up",
         "--listen", address, "--gateway", gateway, "--data", "memory:"],
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        if has_started:
            process.stdout.readline(), process.stdout.readline()
            children = psutil.Process(process.pid).children()
            (child,) = [each for each in children if "furler_gateway.main" in each.cmdline()]
            child.kill()
        _, said = process.communicate(timeout=60)
        assert process.returncode == 1
        assert f"the gateway has ended with status {-9 if has_started else 2}" in said
        assert "Traceback" not in said
        assert ("max_requests" in said) == (not has_started)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_serves_until_it_is_told_to_stop(number: signal.Signals) -> None:
    address, gateway = (f"127.0.0.1:{port}" for port in free_ports(2))
    where = ["--listen", address, "--gateway", gateway, "--data", "memory:"]
    process = subprocess.Popen(
        [sys.executable, "-m", "furler.cli", "up", *where],
        env=os.environ | {"FURLER_GATEWAY_OPERATE_LISTEN": "127.0.0.1:0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        ready = process.stdout.readline() + process.stdout.readline()
        assert f"furler-compressor is ready on {address}\n" in ready
        assert f"furler-gateway is ready on {gateway}," in ready
        with Furler.connect(address) as furler:
            assert furler.compress(LOG).ref
        body = {"messages": [{"role": "tool", "content": LOG}], "config": {"mode": "ccr"}}
        headers = {"content-type": "application/json"}
        url = f"http://{gateway}/v1/compress"
        reply = fetch(url, "POST", json.dumps(body).encode(), headers)
        assert cast("int", reply.json["tokens_saved"]) > 0
        os.kill(process.pid, number)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "Traceback" not in said
        assert f"http://{gateway}/mcp" in said
        with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
            probe.connect(("127.0.0.1", int(gateway.rpartition(":")[2])))
    finally:
        process.kill()
        process.wait()
