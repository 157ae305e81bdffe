"""What became of the provider's cache where some of a prefix was read: others' requests keep that part alive."""

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
