"""What providers say a reply cost, found without reading the reply. Pure.

A reply passes by; its first and last bytes are kept, and the usage is looked for in
them when it has ended. Within a JSON string every quote is escaped, so what looks
like a usage member is one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from json import JSONDecoder
from typing import Final

import zstandard

from furler.conversations import Dialect

_NAME: Final = b'"usage"'
_USAGE: Final = re.compile(rb'"usage"\s{0,8}:\s{0,8}(?=\{)')
_MOST_USAGES: Final = 64
"""Chat servers may send one with every piece; the last counts."""
_DECODER: Final = JSONDecoder()
_HEAD_BYTES: Final = 16 * 1024
_TAIL_BYTES: Final = 64 * 1024
_USAGE_BYTES: Final = 16 * 1024
"""Longest usage member that is read; they take some hundred bytes."""
_SAMPLING: Final = (
    "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
    "cache_creation",
)  # fmt: skip
"""What is told of one sampling."""
Raw = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one reply, as the provider counts them. ``fresh`` is input that no cache held."""

    fresh: int = 0
    read: int = 0
    written: int = 0
    output: int = 0

    @property
    def prompt(self) -> int:
        """All tokens of the input."""
        return self.fresh + self.read + self.written


def normal(dialect: Dialect, raw: Raw) -> Usage:
    """Return a provider's usage in our terms."""
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        return Usage(
            _count(raw, "input_tokens"),
            _count(raw, "cache_read_input_tokens"),
            _count(raw, "cache_creation_input_tokens"),
            _count(raw, "output_tokens"),
        )
    name, output = (
        ("prompt", "completion") if dialect is Dialect.OPENAI_CHAT else ("input", "output")
    )
    details = raw.get(f"{name}_tokens_details")
    parts = details if isinstance(details, dict) else {}
    read, written = _count(parts, "cached_tokens"), _count(parts, "cache_write_tokens")
    given = _count(raw, f"{name}_tokens")
    return Usage(max(0, given - read - written), read, written, _count(raw, f"{output}_tokens"))


def summed(usages: Iterable[Raw]) -> dict[str, object]:
    """Return the usage of several replies together: numbers add up, of the rest the last counts."""
    total: dict[str, object] = {}
    for usage in usages:
        for name, value in usage.items():
            held = total.get(name)
            if isinstance(value, dict):
                total[name] = summed([held, value] if isinstance(held, dict) else [value])
            elif type(value) in (int, float) and type(held) in (int, float):
                assert isinstance(value, int | float)  # noqa: S101 - tells the type checker
                assert isinstance(held, int | float)  # noqa: S101 - as above
                total[name] = held + value
            elif value is not None or name not in total:
                total[name] = value
    return total


def iterations(usages: Iterable[Raw]) -> list[Raw]:
    """Return the usage of each sampling of a reply, as Anthropic tells it of tools that it runs itself.

    The last one says how large the context is by now; in the sum the prefix is there once for each.
    """
    found: list[Raw] = []
    for usage in usages:
        own = usage.get("iterations")
        if isinstance(own, list) and own:
            found += own
        else:
            counts = {name: usage[name] for name in _SAMPLING if name in usage}
            found.append({"type": "message"} | counts)
    return found


def merged(usages: Iterable[Raw]) -> dict[str, object]:
    """Return a reply's usage from its reports: a later one corrects an earlier one."""
    total: dict[str, object] = {}
    for usage in usages:
        total |= {name: value for name, value in usage.items() if value is not None}
    return total


def found(data: bytes) -> list[Raw]:
    """Return the usage members that stand in a piece of a reply, in order."""
    usages: list[Raw] = []
    at = len(data)
    # From the end on: of a needle this short a search backwards takes a fifth of the time of one forwards.
    while len(usages) < _MOST_USAGES and (at := data.rfind(_NAME, 0, at)) >= 0:
        match = _USAGE.match(data, at)
        if match is None:
            continue
        text = data[match.end() : match.end() + _USAGE_BYTES].decode("latin-1")
        try:
            value, _ = _DECODER.raw_decode(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and value:
            usages.append(value)
    return usages[::-1]


@dataclass(slots=True)
class Watch:
    """Keeps the first and last bytes of a reply that passes by."""

    encoding: str = ""
    _head: bytes = b""
    _pieces: list[bytes] = field(default_factory=list)
    _size: int = 0

    def take(self, chunk: bytes) -> bytes:
        """See a piece of the body; return it."""
        self._pieces.append(chunk)
        self._size += len(chunk)
        if self._size > 2 * _TAIL_BYTES:
            self._cut()
        return chunk

    def usage(self) -> Raw:
        """Return the reply's usage; empty if it says none, or cannot be read."""
        if self._size > _TAIL_BYTES:
            self._cut()
        tail = b"".join(self._pieces)
        if self.encoding not in ("", "identity"):
            # Of a compressed reply the start must be had: a stream is not kept for this.
            if self._head:
                return {}
            return merged(found(_plain(tail, self.encoding)))
        usages = found(tail)
        return merged([*found(self._head), *usages] if self._head else usages)

    def _cut(self) -> None:
        """Forget what is neither of the first nor of the last bytes: now and then, not with every piece."""
        held = b"".join(self._pieces)
        self._head = self._head or held[:_HEAD_BYTES]
        self._pieces, self._size = [held[-_TAIL_BYTES:]], _TAIL_BYTES


def _plain(data: bytes, encoding: str) -> bytes:
    """Return what a compressed reply holds, as far as it is asked for; nothing if it is no such."""
    most = 64 * _TAIL_BYTES
    try:
        if encoding in ("gzip", "deflate"):
            return zlib.decompressobj(32 + zlib.MAX_WBITS).decompress(data, most)
        if encoding == "zstd":
            return zstandard.ZstdDecompressor().stream_reader(data).read(most)
    except (zlib.error, zstandard.ZstdError):
        pass
    return b""


def _count(raw: Raw, name: str) -> int:
    value = raw.get(name)
    return value if type(value) is int and value >= 0 else 0
