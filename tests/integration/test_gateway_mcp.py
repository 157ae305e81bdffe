"""MCP with the SDK's own client, over HTTP at the gateway and over standard input and output."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Iterator

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import METHOD_NOT_FOUND, CallToolResult, TextContent

from support.gateway import Gateway, running_gateway
from support.inputs import service_log
from support.ports import free_port
from support.recording import recording_server
from support.service import Service, running_service

pytestmark = pytest.mark.anyio
LOG = service_log(400)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(service: Service) -> Iterator[Gateway]:
    with running_gateway(service.address) as running:
        yield running


def _stdio(*arguments: str) -> Client:
    # The SDK hands on a few variables only; where the packages are must be among them.
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "furler.cli", "mcp", *arguments], env=dict(os.environ)
    )
    return Client(stdio_client(command))


def _text(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def _use(client: Client) -> None:
    tools = await client.list_tools()
    assert [tool.name for tool in tools.tools] == ["compress", "retrieve", "stats"]
    made = await client.call_tool("compress", {"content": LOG})
    (ref,) = re.findall(r'retrieve\(ref="([a-z2-7]{16})"', _text(made))
    part = await client.call_tool("retrieve", {"ref": ref, "lines": "3-4"})
    assert _text(part) == "".join(LOG.splitlines(keepends=True)[2:4])
    missing = await client.call_tool("retrieve", {"ref": "a" * 16})
    assert missing.is_error
    assert "saved" in _text(await client.call_tool("stats", {}))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_tools_work_over_http(gateway: Gateway, mode: str) -> None:
    async with Client(f"http://{gateway.address}/mcp", mode=mode) as client:
        await _use(client)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_holds_no_gateway_that_ends_and_goes_on_at_the_next(
    service: Service, mode: str
) -> None:
    listen = f"127.0.0.1:{free_port()}"
    with running_gateway(service.address, listen=listen, drain_seconds="3600") as ending:
        async with Client(f"http://{ending.address}/mcp", mode=mode) as client:
            await client.list_tools()
            ending.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(ending.process.wait, 60) == 0
            with running_gateway(service.address, listen=listen):
                await _use(client)


def test_nothing_of_mcp_is_a_stream(gateway: Gateway) -> None:
    """What is answered at once need not be ended when the gateway is."""
    accept = "application/json, text/event-stream"
    assert gateway.get("/mcp", accept=accept).status == 405
    said = {
        "protocolVersion": "2026-07-28",
        "clientInfo": {"name": "tests", "version": "0"},
        "clientCapabilities": {},
    }
    meta = {f"io.modelcontextprotocol/{name}": value for name, value in said.items()}
    asked = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "subscriptions/listen",
        "params": {"notifications": {"toolsListChanged": True}, "_meta": meta},
    }
    headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": "subscriptions/listen"}
    reply = gateway.post("/mcp", asked, accept=accept, **headers)
    assert (reply.headers["Content-Type"], reply.json["id"]) == ("application/json", 1)
    error = reply.json["error"]
    assert isinstance(error, dict)
    assert error["code"] == METHOD_NOT_FOUND


async def test_the_tools_work_over_standard_input_and_output(service: Service) -> None:
    async with _stdio("--server", service.address) as client:
        await _use(client)


async def test_the_tools_work_without_a_server() -> None:
    async with _stdio("--data", "memory:") as client:
        await _use(client)


async def test_both_transports_show_a_model_the_same_bytes(
    gateway: Gateway, service: Service
) -> None:
    shown = []
    for made in (Client(f"http://{gateway.address}/mcp"), _stdio("--server", service.address)):
        async with made as client:
            shown.append([tool.model_dump_json() for tool in (await client.list_tools()).tools])
    assert shown[0] == shown[1]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_each_clients_credential_goes_along_with_its_own_calls(mode: str) -> None:
    with recording_server() as recorder, running_gateway(recorder.address) as gateway:
        url = f"http://{gateway.address}/mcp"
        for name in ("alice", "bob"):
            async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {name}"}) as http:
                transport = streamable_http_client(url, http_client=http)
                async with Client(transport, mode=mode) as client:
                    await client.call_tool("stats", {})
    credentials = [
        metadata.get("authorization")
        for path, metadata in recorder.calls
        if path == "/furler.v1.InfoService/GetStats"
    ]
    assert credentials == ["Bearer alice", "Bearer bob"]


async def test_credential_and_trace_go_along_with_every_surface() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with recording_server() as recorder, running_gateway(recorder.address) as gateway:
        headers = {"authorization": "Bearer alice", "traceparent": trace}
        gateway.post("/furler.v1.InfoService/GetStats", {}, **headers)
        body = {"messages": [{"role": "tool", "content": "x"}]}
        gateway.post("/v1/compress", body, **headers)
        gateway.post("/v1/retrieve", {"hash": "a"}, **headers)
        gateway.post("/furler.v1.InfoService/GetStats", {})
    got = [(m.get("authorization"), m.get("traceparent")) for _, m in recorder.calls]
    # The fourth is the gateway's own question, whose credential it is.
    assert got == [("Bearer alice", trace)] * 4 + [(None, None)]


async def test_mcp_can_be_left_out(service: Service) -> None:
    with running_gateway(service.address, mcp="false") as without:
        assert without.post("/mcp", {}).status == 404


def test_a_long_message_of_more_parts_than_any_call_has_is_refused_unread(gateway: Gateway) -> None:
    parts = b"[]," * 1_000_001
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"a":[' + parts + b"1]}}"
    reply = gateway.post("/mcp", body, accept="application/json, text/event-stream")
    assert (reply.status, b"strings and brackets" in reply.body) == (400, True)


def test_a_hostile_message_is_refused(gateway: Gateway) -> None:
    for body in (b"[" * 60_000, b"{}", b"null", b'{"jsonrpc":"2.0"}', b"\xff"):
        reply = gateway.post("/mcp", body, accept="application/json, text/event-stream")
        assert 400 <= reply.status < 500
    assert gateway.get("/mcp").status == 405
    assert gateway.post("/mcp", {}, origin="https://evil.example").status == 403
    assert gateway.probe("/livez").status == 200
