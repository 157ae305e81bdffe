"""The retrieve tool as models see it, and the answer to a call of it.

Its bytes stand before everything else in the prompts of every conversation that has
it: they change with a release only, and a test pins them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from furler.client import AsyncFurler
from furler.conversations import Dialect
from furler.errors import FurlerError
from furler_gateway.errors import failure_of

NAME: Final = "furler_retrieve"
PAGE_TOKENS: Final = 10_000
"""Most tokens of one answer: more would undo what the view saved."""
MOST_TOOLS: Final[Mapping[Dialect, int]] = {
    Dialect.OPENAI_CHAT: 128,
    Dialect.OPENAI_RESPONSES: 128,
}
"""Tools that a provider takes; one more, and it refuses the request."""
_FREE: Final = ("auto", "any", "required")
"""Choices of tools that leave the choice to the model. Any other names what it has to call."""
_OWN_RETRIEVE: Final = re.compile(
    rb'"name"\s*:\s*"[A-Za-z0-9_.-]{0,64}(?:furler|headroom)_{1,2}retrieve"'
)
"""A client's own retrieve tool, alone or behind its MCP server's prefix."""
_SERVER: Final = re.compile(rb'"name"\s*:\s*"[A-Za-z0-9_.-]{0,64}(?:furler|headroom)"')
_ITS_RETRIEVE: Final = re.compile(rb'"name"\s*:\s*"retrieve"')
"""The same where a server's tools stand within a namespace of its name."""
_DESCRIPTION: Final = (
    "Return part of an original, exactly as it was. Some tool results are shortened views; their last"
    ' line, [furler: … retrieve(ref="…")], names the ref, and a marker such as L120-188 names what was'
    " left out. Use at most one of marker, lines, match, path, symbol and query; without any of them the"
    " whole original comes, page by page. Call it alone, before other tools."
)


def _text(description: str) -> dict[str, object]:
    return {"type": "string", "description": description}


_SCHEMA: Final[dict[str, object]] = {
    "type": "object",
    "properties": {
        "ref": _text("Reference from a view."),
        "marker": _text("A selector as the view prints it: L120-188, $.data[3:480]."),
        "lines": _text("Lines, counted from 1, inclusive: 120-188."),
        "match": _text("RE2 pattern: the lines it matches."),
        "context": {"type": "integer", "description": "Lines around each match."},
        "path": _text("JSONPath query: $.items[?@.status == 'failed']."),
        "symbol": _text("Qualified name of a function, class or section."),
        "query": _text("A question: the passages that answer it best."),
        "page": _text("The page to go on with, as the answer before named it."),
    },
    "required": ["ref"],
}
_FUNCTION: Final[dict[str, object]] = {
    "name": NAME,
    "description": _DESCRIPTION,
    "parameters": _SCHEMA,
}
DEFINITIONS: Final[Mapping[Dialect, bytes]] = {
    Dialect.ANTHROPIC_MESSAGES: orjson.dumps(
        {"name": NAME, "description": _DESCRIPTION, "input_schema": _SCHEMA}
    ),
    Dialect.OPENAI_CHAT: orjson.dumps({"type": "function", "function": _FUNCTION}),
    # Here functions are strict unless they say otherwise, and strict ones have no optional arguments.
    Dialect.OPENAI_RESPONSES: orjson.dumps({"type": "function", **_FUNCTION, "strict": False}),
}
"""The element of a request's ``tools``, by dialect."""
_TEXTS: Final = ("marker", "lines", "match", "path", "symbol", "query", "page")


@dataclass(frozen=True, slots=True)
class Call:
    """A model's call: its id, and its arguments as the model wrote them."""

    id: str
    arguments: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call is answered with. ``tokens`` is what it costs, at most."""

    call: Call
    text: str
    is_error: bool = False
    tokens: int = 0


def has_own(tools: bytes) -> bool:
    """Return whether a request's tools have a retrieve tool of the client's."""
    if _OWN_RETRIEVE.search(tools) is not None:
        return True
    return _ITS_RETRIEVE.search(tools) is not None and _SERVER.search(tools) is not None


def is_allowed(choice: object, written: bytes) -> bool:
    """Return whether a request's ``tool_choice`` leaves it to the model to call a retrieve tool.

    ``written`` are the choice's bytes: what is named in it may be ours or the client's own.
    """
    kind = choice.get("type") if isinstance(choice, dict) else choice
    if kind is None or isinstance(choice, str):
        return kind != "none"
    return kind in _FREE or has_own(written)


def refused(call: Call, why: str) -> Answer:
    """Return the answer to a call that is not carried out."""
    return Answer(call, f"[furler: {why}]", is_error=True)


async def answer(furler: AsyncFurler, call: Call, space: str, max_tokens: int) -> Answer:
    """Carry a call out. What goes wrong is told to the model, which can do better."""
    try:
        given: object = orjson.loads(call.arguments or b"{}")
    except ValueError:
        return refused(call, "the arguments are no JSON")
    if not isinstance(given, dict) or not isinstance(given.get("ref"), str) or not given["ref"]:
        return refused(call, "ref is missing")
    texts = {name: given[name] for name in _TEXTS if isinstance(given.get(name), str)}
    context = given.get("context")
    page = min(max_tokens, PAGE_TOKENS)
    try:
        part = await furler.retrieve(
            given["ref"],
            marker=texts.get("marker") or None,
            lines=texts.get("lines") or None,
            match=texts.get("match") or None,
            context=context if type(context) is int and 0 <= context < 2**31 else 0,
            path=texts.get("path") or None,
            symbol=texts.get("symbol") or None,
            query=texts.get("query") or None,
            max_tokens=page,
            page=texts.get("page") or None,
            space=space,
        )
    except FurlerError as error:
        # In words that name no address inside: they go to the provider.
        return refused(call, f"{error.reason}: {failure_of(error).message}")
    text = part.data.decode("utf-8", "replace")
    if part.next_page:
        text += (
            f"\n[furler: there is more, about {part.picked_tokens:,} tokens in all:"
            f' call again with the same arguments and page="{part.next_page}"]'
        )
    # Of several pages this is one, and its last one may be short: a token has a byte at least.
    cost = min(part.picked_tokens, page, len(part.data))
    # Empty results are refused by providers.
    return Answer(call, text or "[furler: nothing matches]", tokens=cost)
