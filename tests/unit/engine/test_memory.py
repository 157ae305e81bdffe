"""Memory of a compression, as Python's own allocator counts it: a small multiple of the content (G9).

What the bench measures is a process; here are kinds and hostile texts that once took 11 to 60 times.
"""

from __future__ import annotations

import tracemalloc

import pytest

from bench import generate
from furler_engine.pipeline import compress
from furler_engine.types import Hints, Policy

_SIZE = 500_000
TEXTS = {
    "search": generate.search(_SIZE),
    "CSV": "".join(f"{n},user{n}@corp.example,Lyon,{n * 7 % 99}.5,active\n" for n in range(12_000)),
    "tiny lines": "x\n" * (_SIZE // 2),
    "empty lines": "\n" * _SIZE,
    "fences": "```\n" * (_SIZE // 4),
    "escapes": "\x1b[" * (_SIZE // 2),
}


@pytest.mark.parametrize("name", TEXTS)
def test_memory_is_at_most_eight_times_the_content(name: str) -> None:
    text = TEXTS[name]
    compress(text[:20_000], Hints(), Policy(), "a" * 16)  # loads what stays
    tracemalloc.start()
    try:
        compress(text, Hints(), Policy(), "a" * 16)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= 8 * len(text)
