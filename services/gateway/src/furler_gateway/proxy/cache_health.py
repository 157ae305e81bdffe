"""Whether the provider's prompt cache held a turn's prefix, and if not, why. Pure.

A prefix is compared by digests of its parts, without the cache breakpoints that
clients move from turn to turn. No content is kept.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from furler.conversations import Dialect
from furler_gateway.json_spans import BodyError, Span, elements, members
from furler_gateway.proxy.usage import Usage

_BREAKPOINT: Final = b'"cache_control"'
_BREAKPOINT_VALUE: Final = re.compile(rb"\s{0,8}:\s{0,8}(?:\{[^{}]{0,200}\}|null)")
_BLANK: Final = b" \t\r\n"
_LONG: Final = re.compile(rb'"ttl"\s{0,8}:\s{0,8}"1h"')
_MOST_MESSAGES: Final = 2000
"""Messages whose digests are kept: 16 KB a conversation."""
_DIGEST_BYTES: Final = 8
_SECONDS: Final = {
    Dialect.ANTHROPIC_MESSAGES: 300.0,
    Dialect.OPENAI_CHAT: 600.0,
    Dialect.OPENAI_RESPONSES: 600.0,
}
"""How long providers keep a prefix that is not used: 5 minutes; 5 to 10 minutes."""
_LONG_SECONDS: Final = 3600.0
_LEAST_TOKENS: Final = 1024
"""Shorter prefixes are not cached, by either provider."""
_MOST_PARTS: Final = 2
"""A prefix of which less than half is read is lost: tools and system prompt are those of many
conversations, who keep them in the cache when the messages are long gone."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """What of a request a provider caches, as digests: in the order tools, system, messages."""

    model: bytes
    tools: bytes
    system: bytes
    messages: bytes
    """The digests one after another: as objects they would take six times the memory."""
    seconds: float

    @property
    def first(self) -> str:
        """What the conversation began with; empty if that is not known."""
        return self.messages[:_DIGEST_BYTES].hex()


@dataclass(frozen=True, slots=True)
class Seen:
    """A conversation's last turn: its prefix, when it was, how much of it a cache should hold."""

    prefix: Prefix
    at: float
    cached: int


def prefix(dialect: Dialect, body: bytes) -> Prefix | None:
    """Return a body's prefix; None if it is no body of the dialect."""
    is_responses = dialect is Dialect.OPENAI_RESPONSES
    try:
        top = members(body)
        held = top["input" if is_responses else "messages"]
        spans = [(held.start, held.end)]
        if isinstance(held.value, list):
            spans = elements(body, spans[0])
    except (BodyError, KeyError):
        return None
    parts: dict[str, bytes] = {}
    for name in ("model", "tools", "instructions" if is_responses else "system"):
        part = top.get(name)
        parts[name] = _digest(body, (part.start, part.end)) if part is not None else b""
    if "previous_response_id" in top or "conversation" in top:
        spans = []  # what comes before is the provider's to know
    is_long = dialect is Dialect.ANTHROPIC_MESSAGES and _is_long(body)
    return Prefix(
        parts["model"],
        parts["tools"],
        parts["instructions" if is_responses else "system"],
        b"".join(_digest(body, span) for span in spans[:_MOST_MESSAGES]),
        _LONG_SECONDS if is_long else _SECONDS[dialect],
    )


def outcome(before: Seen | None, now: Prefix, usage: Usage, at: float) -> str:
    """Return what became of a turn's prefix.

    ``first`` turn seen here; ``hit``; ``small`` or ``unused``: there was nothing to hit;
    ``changed_model``, ``_tools``, ``_system`` or ``_messages``: the request begins otherwise than the
    one before; ``lapsed``: it came too late, most of the prefix was gone; ``lost``: nothing here
    explains that.
    """
    if before is None:
        return "first"
    changed = _changed(before.prefix, now)
    if changed:
        return f"changed_{changed}"
    if usage.read > 0 and usage.read * _MOST_PARTS >= before.cached:
        return "hit"
    if before.cached == 0:
        return "small" if usage.prompt < _LEAST_TOKENS else "unused"
    return "lapsed" if at - before.at > before.prefix.seconds else "lost"


def seen(dialect: Dialect, now: Prefix, usage: Usage, at: float) -> Seen:
    """Return what to remember of a turn."""
    cached = usage.read + usage.written
    if dialect is not Dialect.ANTHROPIC_MESSAGES:
        cached = usage.prompt if usage.prompt >= _LEAST_TOKENS else 0  # it caches by itself
    return Seen(now, at, cached)


def _changed(before: Prefix, now: Prefix) -> str:
    for name in ("model", "tools", "system"):
        if getattr(before, name) != getattr(now, name):
            return name
    return "" if now.messages.startswith(before.messages) else "messages"


def _is_long(body: bytes) -> bool:
    """Return whether all breakpoints of a body are kept for an hour: the last ones are the shorter."""
    at, found = -1, False
    while (at := body.find(_BREAKPOINT, at + 1)) >= 0:
        value = _BREAKPOINT_VALUE.match(body, at + len(_BREAKPOINT))
        if value is None or value.group().endswith(b"null"):
            continue
        if _LONG.search(value.group()) is None:
            return False
        found = True
    return found


def _digest(body: bytes, span: Span) -> bytes:
    text = _unmarked(body[slice(*span)])
    return hashlib.blake2b(text, digest_size=_DIGEST_BYTES).digest()


def _unmarked(text: bytes) -> bytes:
    """Return a JSON text without its cache breakpoints, and the commas beside them."""
    first, *pieces = text.split(_BREAKPOINT)  # a search for bytes, however long the text
    out = [first]
    for piece in pieces:
        value = _BREAKPOINT_VALUE.match(piece)
        if value is None:
            out += [_BREAKPOINT, piece]
            continue
        before, after = out[-1].rstrip(_BLANK), piece[value.end() :]
        if before.endswith(b","):
            out[-1] = before[:-1]
        else:
            after = after.lstrip(_BLANK).removeprefix(b",").lstrip(_BLANK)
        out.append(after)
    return b"".join(out)
