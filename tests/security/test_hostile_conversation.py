"""Hostile requests: read in linear time and bounded memory, refused or edited, never anything else."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

_CAP_BYTES = 3 * 1024**3
_CAP_CPU_SECONDS = 120
"""Ten times what the slowest takes alone: quadratic work would take hours."""

_CHILD = """
import sys
from furler_engine.causal import Turn, fold
from furler_engine.dialects import read
from furler_engine.dialects.block import Dialect
from furler_engine.dialects.json_scan import BodyError
from furler_engine.types import Policy
data = open(sys.argv[1], "rb").read()
for dialect in Dialect:
    try:
        seen = fold(read(data, dialect), Turn(Policy(), lambda digest: "a" * 16))
    except BodyError:
        continue
    assert all(each.view.tokens_after <= each.view.tokens_before for each in seen)
print("done")
"""


def chat(*results: str) -> bytes:
    """Return a request with these tool results."""
    messages = [{"role": "tool", "tool_call_id": "x", "content": text} for text in results]
    return json.dumps({"messages": messages}).encode()


BODIES = {
    "the same line again and again": chat("a\n" * 300_000, "a\n" * 300_000),
    "two lines in turn": chat("a\nb\n" * 150_000, "b\na\n" * 150_000),
    "blank lines": chat("\n" * 300_000, "\n" * 300_001),
    "one long line twice": chat("x" * 5_000_000, "x" * 5_000_001),
    "long lines that are nearly alike": chat(*("x" * 200_000 + str(n) for n in range(20))),
    "numbers that count up": chat("\n".join(map(str, range(200_000))), "1:\n2:\n" * 100_000),
    "periods that do not match": chat("\n".join(str(n % 1000) for n in range(200_000)),
                                      "\n".join(str(n % 999) for n in range(200_000))),
    "a hundred thousand messages": chat(*["ok"] * 100_000),
    "deep nesting": b'{"messages":[{"role":"tool","content":' + b"[" * 3_000_000,
    "deep nesting, closed": b'{"messages":[],"x":' + b"[" * 2_000_000 + b"]" * 2_000_000 + b"}",
    "many members": b'{"messages":[{' + b'"a":1,' * 1_000_000 + b'"role":"user","content":""}]}',
    "quotes that never close": b'{"messages":["' + b'\\"' * 2_000_000,
    "escapes": chat("\u0001\u0002" * 500_000, "\ud83d\ude00" * 200_000),
    "arguments that nest": json.dumps({"messages": [{"role": "assistant", "tool_calls": [
        {"id": "x", "function": {"name": "f", "arguments": "[" * 1_000_000}}]}]}).encode(),
    "a system prompt of ids": json.dumps({"messages": [{"role": "system", "content": "req_" * 400_000}]}).encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_request_is_read_within_bounds(name: str, tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(BODIES[name])

    def cap() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (_CAP_BYTES, _CAP_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (_CAP_CPU_SECONDS, _CAP_CPU_SECONDS))

    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(path)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=cap,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == "done\n"
