"""The MCP server around a client: arguments in, calls to Furler, text out.

What lives here: tools as the SDK serves them. What does not: transports; the
command ``furler mcp`` serves it over stdio, the gateway over HTTP.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp.types import Tool as SdkTool

from furler.client import DEFAULT_SPACE, AsyncFurler
from furler.errors import FieldInvalidError, FurlerError
from furler.mcp.tools import COMPRESS, INSTRUCTIONS, RETRIEVE, STATS, TOOLS, Tool
from furler.values import Stats

PAGE_TOKENS: Final = 10_000
"""A page when the model asks for no size: more at once would undo what the view saved."""

Context = ServerRequestContext[dict[str, object], object]


def make_server(furler: AsyncFurler) -> Server[dict[str, object]]:
    """Return an MCP server whose tools call a client. The client is the caller's to close."""
    tools = _Tools(furler)
    return Server(
        "furler",
        title="Furler",
        version=_version(),
        instructions=INSTRUCTIONS,
        on_list_tools=_list_tools,
        on_call_tool=tools.call,
    )


async def _list_tools(_context: Context, _params: PaginatedRequestParams | None) -> ListToolsResult:
    return ListToolsResult(tools=[_described(tool) for tool in TOOLS])


def _described(tool: Tool) -> SdkTool:
    hints = ToolAnnotations(
        read_only_hint=not tool.changes,
        destructive_hint=False,
        idempotent_hint=True,
        open_world_hint=False,
    )
    return SdkTool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.schema(),
        annotations=hints,
    )


class _Tools:
    """The tools' work."""

    def __init__(self, furler: AsyncFurler) -> None:
        self._furler = furler
        self._work: Mapping[str, tuple[Tool, Callable[[_Arguments], Awaitable[list[str]]]]] = {
            COMPRESS.name: (COMPRESS, self._compress),
            RETRIEVE.name: (RETRIEVE, self._retrieve),
            STATS.name: (STATS, self._stats),
        }

    async def call(self, _context: Context, params: CallToolRequestParams) -> CallToolResult:
        """Answer one call. What goes wrong is told to the model, which can do better."""
        try:
            tool, work = self._work[params.name]
        except KeyError:
            known = ", ".join(self._work)
            return _failed(f"there is no tool {params.name[:40]!r}; there are {known}")
        try:
            texts = await work(_Arguments(tool, params.arguments or {}))
        except FurlerError as error:
            return _failed(f"{error.reason}: {error.message}")
        # No structured content: agents show it to the model in the place of the text.
        return CallToolResult(content=[TextContent(type="text", text=text) for text in texts])

    async def _compress(self, given: _Arguments) -> list[str]:
        view = await self._furler.compress(
            given.text("content") or "",
            kind=given.text("kind"),
            query=given.text("query"),
            tool=given.text("tool"),
            filename=given.text("filename"),
            space=given.text("space") or DEFAULT_SPACE,
        )
        return [view.text]

    async def _retrieve(self, given: _Arguments) -> list[str]:
        part = await self._furler.retrieve(
            given.text("ref") or "",
            marker=given.text("marker"),
            lines=given.text("lines"),
            match=given.text("match"),
            context=given.number("context") or 0,
            path=given.text("path"),
            symbol=given.text("symbol"),
            query=given.text("query"),
            limit=given.number("limit") or 0,
            max_tokens=given.number("max_tokens") or PAGE_TOKENS,
            page=given.text("page"),
            space=given.text("space") or DEFAULT_SPACE,
        )
        # A byte range may cut a character; the halves have no form in JSON.
        texts = [part.data.decode("utf-8", "replace")]
        if part.next_page:
            texts.append(
                f"[furler: there is more, about {part.picked_tokens:,} tokens in all:"
                f' call again with the same arguments and page="{part.next_page}"]'
            )
        return texts

    async def _stats(self, given: _Arguments) -> list[str]:
        stats = await self._furler.stats(space=given.text("space") or DEFAULT_SPACE)
        return [_told(stats)]


class _Arguments:
    """A call's arguments, checked against its tool's schema."""

    def __init__(self, tool: Tool, given: Mapping[str, object]) -> None:
        """Raise FieldInvalidError for an argument that the tool does not have, or lacks."""
        for name in given:
            if name not in tool.properties:
                known = ", ".join(tool.properties)
                raise _invalid(name[:40], f"{tool.name} has no such argument; it has {known}")
        for name in tool.required:
            if name not in given:
                raise _invalid(name, f"{tool.name} needs it")
        self._given = given

    def text(self, name: str) -> str | None:
        """Return an argument that is text; None if it was left out."""
        value = self._given.get(name)
        # Models fill what they do not use with nothing; only content may be empty.
        if value is None or (value == "" and name != "content"):
            return None
        if not isinstance(value, str):
            raise _invalid(name, "want text")
        return value

    def number(self, name: str) -> int | None:
        """Return an argument that is a whole number; None if it was left out."""
        value = self._given.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
            raise _invalid(name, "want a whole number, 0 or more")
        return value


def _invalid(name: str, problem: str) -> FieldInvalidError:
    return FieldInvalidError(f"{name}: {problem}", metadata={"field": name})


def _failed(message: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=message)], is_error=True)


def _told(stats: Stats) -> str:
    total = (
        f"{stats.views:,} views: {stats.tokens_before:,} tokens became {stats.tokens_after:,}"
        f" ({stats.saved:.1%} saved). {stats.originals:,} originals held,"
        f" {stats.retrievals:,} retrievals."
    )
    rows = [
        f"- {row.kind}: {row.views:,} views, {row.tokens_before:,} -> {row.tokens_after:,} tokens"
        for row in stats.kinds
    ]
    return "\n".join([total, *rows])


def _version() -> str:
    try:
        return version("furler")
    except PackageNotFoundError:
        return "0"
