"""The MCP tools: their bytes, their arguments, what a model is told."""

from __future__ import annotations

import hashlib
import json
import re

import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent

from furler import AsyncFurler
from furler.mcp.server import make_server
from furler.mcp.tools import INSTRUCTIONS, TOOLS
from support.inputs import service_log

LOG = service_log(400)


def test_the_tools_bytes_change_with_a_release_only() -> None:
    # They stand in every prompt, before everything a provider caches. Change this with care.
    shown = [[tool.name, tool.description, tool.schema()] for tool in TOOLS]
    digest = hashlib.sha256(json.dumps([INSTRUCTIONS, shown]).encode()).hexdigest()
    assert digest == "72d3c78bc39f0db8d56b49ca5da2346194164c45daa8e3ba427b504b91251a8e"


def _text(result: CallToolResult, at: int = 0) -> str:
    content = result.content[at]
    assert isinstance(content, TextContent)
    return content.text


def _ref(made: CallToolResult) -> str:
    (ref,) = re.findall(r'retrieve\(ref="([a-z2-7]{16})"', _text(made))
    return str(ref)


async def _calls(*calls: tuple[str, dict[str, object]]) -> list[CallToolResult]:
    async with AsyncFurler.embedded("memory:") as furler, Client(make_server(furler)) as client:
        return [await client.call_tool(name, arguments) for name, arguments in calls]


@pytest.mark.anyio
async def test_a_view_and_any_part_of_its_original_come_back() -> None:
    async with AsyncFurler.embedded("memory:") as furler, Client(make_server(furler)) as client:
        made = await client.call_tool("compress", {"content": LOG, "query": "FATAL"})
        assert not made.is_error
        ref = _ref(made)
        lines = LOG.splitlines(keepends=True)
        for given, expected in (
            ({"lines": "3-4"}, "".join(lines[2:4])),
            ({"marker": "L1"}, lines[0]),
            ({"match": "FATAL"}, lines[200]),
            ({"match": "FATAL", "lines": "", "query": ""}, lines[200]),
            ({"query": "pool exhausted", "limit": 1, "max_tokens": 9999}, None),
        ):
            got = await client.call_tool("retrieve", {"ref": ref, **given})
            assert not got.is_error, _text(got)
            assert _text(got) == (expected or _text(got))
        told = await client.call_tool("stats", {})
        assert _text(told).startswith("1 views: ")


@pytest.mark.anyio
async def test_all_that_is_said_is_said_in_text() -> None:
    """Agents (Claude Code) show structured content to the model, and then no text."""
    async with AsyncFurler.embedded("memory:") as furler, Client(make_server(furler)) as client:
        made = await client.call_tool("compress", {"content": LOG})
        got = await client.call_tool("retrieve", {"ref": _ref(made), "max_tokens": 100})
        for result in (made, got, await client.call_tool("stats", {})):
            assert result.structured_content is None
            assert all(isinstance(content, TextContent) for content in result.content)


@pytest.mark.anyio
async def test_a_page_says_how_to_go_on() -> None:
    async with AsyncFurler.embedded("memory:") as furler, Client(make_server(furler)) as client:
        made = await client.call_tool("compress", {"content": LOG})
        arguments: dict[str, object] = {"ref": _ref(made), "max_tokens": 2000}
        text = ""
        while True:
            got = await client.call_tool("retrieve", arguments)
            text += _text(got)
            if len(got.content) == 1:
                break
            told = re.findall(
                r'about ([\d,]+) tokens in all: call again .* page="([^"]+)"', _text(got, 1)
            )
            ((total, page),) = told
            assert abs(int(total.replace(",", "")) - 9_201) < 920  # of the whole log, not of a page
            arguments["page"] = page
        assert text == LOG


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("compress", {}, "content"),
        ("compress", {"content": 3}, "content"),
        ("compress", {"content": "x", "kind": "novel"}, "novel"),
        ("retrieve", {"ref": "a" * 16}, "CONTENT_NOT_FOUND"),
        ("retrieve", {"ref": "a" * 16, "lines": "x"}, "lines"),
        ("retrieve", {"ref": "a" * 16, "lines": "1", "match": "x"}, "one selector"),
        ("retrieve", {"ref": "a" * 16, "max_tokens": "many"}, "max_tokens"),
        ("retrieve", {"hash": "a" * 16}, "no such argument"),
        ("forget", {}, "there are compress, retrieve, stats"),
    ],
)
async def test_what_goes_wrong_is_told_to_the_model(
    tool: str, arguments: dict[str, object], told: str
) -> None:
    (result,) = await _calls((tool, arguments))
    assert result.is_error
    assert told in _text(result)
