"""Texts of a given size, made by rule: the speed suites' inputs. Same seed, same bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator

KB = 1000
MB = 1000 * KB
_WORDS = [
    "account",
    "batch",
    "cache",
    "cluster",
    "config",
    "connection",
    "cursor",
    "customer",
    "deploy",
    "digest",
    "elision",
    "engine",
    "event",
    "gateway",
    "handler",
    "index",
    "invoice",
    "latency",
    "ledger",
    "metric",
    "notice",
    "order",
    "payload",
    "policy",
    "queue",
    "record",
    "region",
    "replica",
    "request",
    "response",
    "retry",
    "route",
    "schema",
    "session",
    "shard",
    "stream",
    "tenant",
    "token",
]
_LEVELS = ("INFO",) * 90 + ("DEBUG",) * 5 + ("WARN",) * 4 + ("ERROR",)


def log(size: int, seed: int = 0) -> str:
    """Return a service log."""
    pick = _random(seed)

    def lines() -> Iterator[str]:
        at = 0
        while True:
            at += pick.randrange(400)
            stamp = f"2026-11-20T{at // 3_600_000 % 24:02}:{at // 60_000 % 60:02}:{at // 1000 % 60:02}.{at % 1000:03}Z"
            what, level = pick.randrange(12), pick.choice(_LEVELS)
            name, other = _WORDS[what * 3], _WORDS[what * 3 + 1]
            yield (
                f"{stamp} {level} [worker-{pick.randrange(8)}] {name}: {other} "
                f"{pick.randrange(10**6)} took {pick.randrange(900)} ms from 10.0.{pick.randrange(9)}.{pick.randrange(250)}"
            )

    return _joined(lines(), size)


def rows(size: int, seed: int = 0) -> str:
    """Return a JSON array of objects, indented as APIs print them."""
    pick = _random(seed)
    items: list[str] = []
    length = 2
    while length < size:
        number = len(items)
        item = {
            "id": f"usr_{pick.randrange(16**10):010x}",
            "email": f"{pick.choice(_WORDS)}.{pick.choice(_WORDS)}{number}@corp.example",
            "plan": pick.choice(("free", "pro", "team")),
            "created": f"2026-{pick.randrange(1, 13):02}-{pick.randrange(1, 29):02}T08:{pick.randrange(60):02}:00Z",
            "seats": pick.randrange(1, 40),
            "address": {"city": pick.choice(("Lyon", "Lima", "Oslo", "Pune")), "zip": str(pick.randrange(10**5))},
            "active": pick.random() < 0.95,
            "note": None,
        }  # fmt: skip
        items.append(json.dumps(item, indent=1))
        length += len(items[-1]) + 2
    return "[" + ",\n".join(items) + "]\n"


def search(size: int, seed: int = 0) -> str:
    """Return the output of a recursive search with line numbers."""
    pick = _random(seed)

    def lines() -> Iterator[str]:
        while True:
            path = f"src/{pick.choice(_WORDS)}/{pick.choice(_WORDS)}_{pick.randrange(50)}.py"
            at = 0
            for _ in range(pick.randrange(1, 12)):
                at += pick.randrange(1, 90)
                yield f'{path}:{at}:    raise {pick.choice(_WORDS).title()}Error(f"{pick.choice(_WORDS)} {{{pick.choice(_WORDS)}}} is wrong")'

    return _joined(lines(), size)


def code(size: int, seed: int = 0) -> str:
    """Return a Python module of classes with methods, as people write them.

    It has 197 syntax nodes a kilobyte. The 27 sources of the corpus have 30 to 381, their
    median is 186; 61 modules of installed packages have a median of 170.
    """
    pick = _random(seed)

    def lines() -> Iterator[str]:
        yield '"""Generated."""\n\nimport logging\n\nlogger = logging.getLogger(__name__)'
        for number in range(1, 1 << 30):
            yield f"\n\nclass {pick.choice(_WORDS).title()}{number}:"
            yield f'    """Keeps the {pick.choice(_WORDS)} of each {pick.choice(_WORDS)} until it is done.'
            yield f"\n    Without its {pick.choice(_WORDS)} the {pick.choice(_WORDS)} is read again, once a day."
            yield '    """'
            for method in range(pick.randrange(2, 7)):
                yield from _method(pick, method)

    return _joined(lines(), size)


def _method(pick: random.Random, method: int) -> Iterator[str]:
    name, other = pick.choice(_WORDS), pick.choice(_WORDS)
    yield f'\n    def {name}_{method}(self, limit: int, name: str = "{other}") -> int:'
    yield f'        """Return the {name} that the {other} has left.'
    yield f"\n        Raises ValueError if the {name} is not known to the {other}."
    yield '        """'
    yield f"        if limit < {pick.randrange(9)}:"
    yield f'            raise ValueError(f"the {name} of {{name}} is below its limit, {{limit}}")'
    for step in range(pick.randrange(1, 7)):
        word = pick.choice(_WORDS)
        if step % 2 == 0:
            yield f"        # The {word} may be older than the {other}: what it says is looked at first."
        yield f"        value_{step} = self.{word}(limit, {pick.randrange(1000)}) + {step}"
        yield f'        logger.debug("the {word} of %s is at %d now", name, value_{step})'
    yield "        return value_0"


def dense_code(size: int, seed: int = 0) -> str:
    """Return methods of one calculation a line, 345 syntax nodes a kilobyte: few sources have as many."""
    pick = _random(seed)

    def lines() -> Iterator[str]:
        for number in range(1, 1 << 30):
            yield f"\n\nclass {pick.choice(_WORDS).title()}{number}:"
            for method in range(pick.randrange(2, 7)):
                yield f"\n    def {pick.choice(_WORDS)}_{method}(self, {pick.choice(_WORDS)}: int) -> int:"
                yield f'        """Return the {pick.choice(_WORDS)}."""'
                for step in range(pick.randrange(3, 14)):
                    yield f"        value_{step} = self.{pick.choice(_WORDS)}({pick.randrange(1000)}) + {step}"
                yield "        return value_0"

    return _joined(lines(), size)


KINDS: dict[str, Callable[[int, int], str]] = {
    "JSON": rows,
    "log": log,
    "search": search,
    "code": code,
}


def _nested_quotes(size: int) -> str:
    text = '"a"'
    while len(text) < size // 2:
        text = json.dumps({"v": text})
    return text[:size]


HOSTILE: dict[str, Callable[[int], str]] = {
    "[[[[…": lambda n: "[" * n,
    "[]{}, closed, 100,000 deep": lambda n: "[" * (n // 2) + "]" * (n // 2),
    '{"a":{"a":…': lambda n: '{"a":' * (n // 5),
    "tiny lines": lambda n: "x\n" * (n // 2),
    "empty lines": lambda n: "\n" * n,
    "one line of words": lambda n: ("lorem ipsum 42 " * (n // 15))[:n],
    "one line of letters": lambda n: "a" * n,
    "one line of blanks": lambda n: " " * n,
    "one line of digits": lambda n: "7" * n,
    "blanks, then a letter": lambda n: " " * (n - 1) + "x",
    "nested quotes": _nested_quotes,
    "backslashes": lambda n: '"' + "\\" * n,
    "path bait a/a/a/…": lambda n: "a/" * (n // 2),
    "place bait 1:1:1:…": lambda n: "1:" * (n // 2),
    "key bait k=k=k=…": lambda n: "k=" * (n // 2),
    "date bait 2026-2026-…": lambda n: "2026-" * (n // 5),
    "email bait": lambda n: "a@" * (n // 2),
    "escape bait": lambda n: "\x1b[" * (n // 2),
    "marker bait": lambda n: "[furler: L1-2 " * (n // 14),
    "trace bait": lambda n: '  File "a", line 1\n' * (n // 19),
    "diff bait": lambda n: "@@ -1 +1 @@\n+\n-\n" * (n // 16),
    "table bait |||": lambda n: ("|" * 99 + "\n") * (n // 100),
    "tag bait <a<a<a": lambda n: "<a" * (n // 2),
    "fence bait ```": lambda n: "```\n" * (n // 4),
    "comma bait": lambda n: ("a," * 49 + "\n") * (n // 99),
}
"""Texts that make careless parsers slow, by name; each is made at any size."""


def _random(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - made-up text, no secret


def _joined(lines: Iterator[str], size: int) -> str:
    parts: list[str] = []
    length = 0
    for line in lines:
        parts.append(line)
        length += len(line) + 1
        if length >= size:
            break
    return "\n".join(parts) + "\n"
