"""What became of the provider's cache: all of a prefix was read, some of it, or none."""

from __future__ import annotations

import json

import pytest

from furler.conversations import Dialect
from furler_gateway.proxy import cache_health
from furler_gateway.proxy.usage import Usage

SHORT = {"type": "ephemeral"}
LONG = {"type": "ephemeral", "ttl": "1h"}
WRITTEN = 100_000


def _body(*texts: str, system: dict[str, str] | None, last: dict[str, str] | None) -> bytes:
    """Return a request with breakpoints on the system prompt and on the last message."""

    def part(text: str, mark: dict[str, str] | None) -> list[dict[str, object]]:
        return [{"type": "text", "text": text} | ({} if mark is None else {"cache_control": mark})]

    marks = [None] * (len(texts) - 1) + [last]
    messages = [{"role": "user", "content": part(t, m)} for t, m in zip(texts, marks, strict=True)]
    return json.dumps(
        {"model": "m", "tools": [], "system": part("s", system), "messages": messages}
    ).encode()


def _outcome(body: bytes, again: bytes, read: int, after: float) -> str:
    dialect = Dialect.ANTHROPIC_MESSAGES
    first, now = cache_health.prefix(dialect, body), cache_health.prefix(dialect, again)
    assert first is not None
    assert now is not None
    before = cache_health.seen(dialect, first, Usage(10, 0, WRITTEN, 1), 0.0)
    return cache_health.outcome(before, now, Usage(10, read, WRITTEN - read, 1), after)


@pytest.mark.parametrize(
    ("read", "after", "expected"),
    [
        (WRITTEN, 400, "hit"),
        (60_000, 10, "hit"),
        (20_000, 400, "lapsed"),  # the system prompt alone, that other conversations have too
        (20_000, 10, "lost"),
        (0, 400, "lapsed"),
    ],
)
def test_a_system_prompt_that_others_keep_alive_is_no_hit(
    read: int, after: float, expected: str
) -> None:
    body = _body("a", system=SHORT, last=SHORT)
    again = _body("a", "b", system=SHORT, last=SHORT)
    assert _outcome(body, again, read, after) == expected


@pytest.mark.parametrize(
    ("system", "last", "expected"),
    [
        (LONG, SHORT, "lapsed"),
        (LONG, LONG, "lost"),
        (SHORT, SHORT, "lapsed"),
        (None, LONG, "lost"),
        (LONG, None, "lost"),
    ],
)
def test_messages_lapse_when_their_own_time_is_over(
    system: dict[str, str] | None, last: dict[str, str] | None, expected: str
) -> None:
    body, again = _body("a", system=system, last=last), _body("a", "b", system=system, last=last)
    assert _outcome(body, again, 20_000, 400) == expected
    assert _outcome(body, again, 20_000, 4000) == "lapsed"


def test_what_a_message_says_of_breakpoints_is_none() -> None:
    text = json.dumps({"cache_control": SHORT})
    body, again = _body(text, system=LONG, last=LONG), _body(text, "b", system=LONG, last=LONG)
    assert _outcome(body, again, 0, 400) == "lost"


def _plain(*messages: str, tools: str = "t", system: str = "s", **more: object) -> bytes:
    said = [{"role": "user", "content": text} for text in messages]
    return json.dumps(
        {"model": "m", "tools": [tools], "system": system, "messages": said, **more}
    ).encode()


def _moved(body: bytes) -> bytes:
    """Return a body with a breakpoint on its last message."""
    return body.replace(b'"}]}', b'", "cache_control": {"type": "ephemeral"}}]}')


@pytest.mark.parametrize(
    ("second", "read", "after", "expected"),
    [
        (_plain("a", "b", "c"), 900, 10, "hit"),
        (_moved(_plain("a", "b", "c")), 900, 10, "hit"),
        (_plain("a", "b", "c"), 0, 10, "lost"),
        (_plain("a", "b", "c"), 0, 400, "lapsed"),
        (_plain("a", "X", "c"), 500, 10, "changed_messages"),
        (_plain("a"), 900, 10, "changed_messages"),
        (_plain("a", "b", "c", tools="u"), 0, 400, "changed_tools"),
        (_plain("a", "b", "c", system="u"), 0, 10, "changed_system"),
    ],
)
def test_what_became_of_the_cache_is_told_apart(
    second: bytes, read: int, after: float, expected: str
) -> None:
    first = cache_health.prefix(Dialect.ANTHROPIC_MESSAGES, _moved(_plain("a", "b")))
    now = cache_health.prefix(Dialect.ANTHROPIC_MESSAGES, second)
    assert first is not None
    assert now is not None
    usage = Usage(10, 0, 1000, 1)
    assert cache_health.outcome(None, first, usage, 0.0) == "first"
    before = cache_health.seen(Dialect.ANTHROPIC_MESSAGES, first, usage, 0.0)
    assert cache_health.outcome(before, now, Usage(10, read, 0, 1), after) == expected


def test_a_cache_that_is_not_used_is_no_loss() -> None:
    body = cache_health.prefix(Dialect.OPENAI_CHAT, _plain("a"))
    assert body is not None
    small = cache_health.seen(Dialect.OPENAI_CHAT, body, Usage(500), 0.0)
    assert cache_health.outcome(small, body, Usage(600), 1.0) == "small"
    unused = cache_health.seen(Dialect.ANTHROPIC_MESSAGES, body, Usage(5000), 0.0)
    assert cache_health.outcome(unused, body, Usage(5000), 1.0) == "unused"
    assert cache_health.prefix(Dialect.OPENAI_CHAT, b"no json") is None
    assert cache_health.prefix(Dialect.OPENAI_CHAT, b'{"input": []}') is None
