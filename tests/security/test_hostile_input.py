"""Hostile and broken inputs: a view or the content itself, nothing lost, bounded memory.

Each input is compressed in a process of its own with a cap on its memory; a
hang runs into the cap on its processor time.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
from pathlib import Path

import pytest

MIB = 1024 * 1024
_CAP_BYTES = 3 * 1024 * MIB
_CAP_CPU_SECONDS = 120
_BASE_PEAK = 160 * MIB
"""What an idle engine with its vocabulary takes. Beside it: eight times the input's bytes, however short its lines."""

_CHILD = """
import json, re, sys
from furler_engine.pipeline import compress
from furler_engine.select import select
from furler_engine.types import Hints, Policy
text = open(sys.argv[1], encoding="utf-8", newline="").read()
policy = Policy(model="a model/1")
asking = compress(text, Hints(), policy, "a" * 16)
# A model that drops every other word: what is asked about is written, too.
answers = {t: tuple(n % 2 / 2 for n in range(len(t.split()))) for t in asking.asks}
view = compress(text, Hints(), policy, "a" * 16, answers)
data = text.encode()
sizes = [sum(e - s for s, e in select(text, elision.place)) for elision in view.elisions[:20]]
print(json.dumps({
    "same": view.text == text,
    "before": view.tokens_before,
    "after": view.tokens_after,
    "kind": view.kind,
    "sizes": sizes,
    # Not ru_maxrss: that counts what this process was before it became a Python of its own.
    "peak": int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024,
}))
"""


def _truncated_json() -> str:
    rows = [{"id": n, "plan": "free", "email": f"u{n}@corp.example"} for n in range(2000)]
    return json.dumps(rows, indent=1)[:100_000]


def _random_text() -> str:
    rng = random.Random(5)  # noqa: S311 - repeatable, not secret
    return (
        "".join(
            chr(rng.choice((rng.randrange(32, 127), rng.randrange(0x2FFFF))))
            for _ in range(200_000)
        )
        .encode("utf-8", "ignore")
        .decode()
    )


INPUTS = {
    "empty": "",
    "one newline": "\n",
    "NUL bytes": "\0" * 100_000,
    "lines with NUL": "ok\0line\n" * 20_000,
    "JSON nested 100,000 deep": "[" * 100_000 + "]" * 100_000,
    "JSON objects nested 100,000 deep": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "unclosed brackets": "[" * 2_000_000,
    "truncated JSON": _truncated_json(),
    "one line of 20 MB": "x" * (20 * MIB),
    "one line of 20 MB in words": "word " * (4 * MIB),
    "a million tiny lines": "a\n" * 1_000_000,
    "a million blank lines": "\n" * 1_000_000,
    "JSON with an unclosed string of escapes": '["' + '\\"' * 2_500_000,
    "JSON of empty strings": "[" + '"",' * 1_000_000 + '""]',
    "nested quotes": '"\\' * 500_000,
    "regex bait": "a" * 50_000 + "!" + "ab" * 50_000 + " :" * 50_000,
    "path bait": "a/" * 200_000 + ":1:" + "-" * 100_000,
    "random unicode": _random_text(),
    "carriage returns": "progress 1 %\r" * 100_000,
    "escape sequences": "\x1b[31mred\x1b[0m\n" * 50_000 + "\x1b[" * 50_000,
    "diff bait": "diff --git a/x b/x\n" + "@@ -1 +1 @@\n" * 100_000,
    "matches of one file": "".join(f"{2 * n}:{'async ' * 7}def (: {n}-\n" for n in range(60_000)),
    "search events": '{"type":"begin","data":{"path":{"text":"a"}}}\n'
    + '{"type":"match","data":{"path":{"text":"a"},"lines":{"text":"\\n"},"line_number":1,"absolute_offset":0,"submatches":[]}}\n'
    * 9_000
    + '{"type":"match","data":{"lines":{"text":"'
    + "[{" * 100_000,
    "files of commits": ("1abc123 x\n" + "1\t1\ta 1, b/c 1\n" * 9 + " {a => | 1 +-\n") * 4_000
    + "1\t1\ta\n" * 100_000,
    "streamed events": "data: 1 2\n\n" * 100_000
    + 'data: {"a":"'
    + '\\"' * 9_000
    + '"}\n\n' * 3
    + ('data: "' + '\\"' * 9_000 + "\n\n") * 9,
    "tag bait": "<" * 300_000 + "<a " * 100_000,
    "deep indentation": "".join(" " * (n % 2000) + "if x:\n" for n in range(5000)),
    "open parentheses in code": "def f():\n    return " + "(" * 100_000,
    "running text of 20 MB": "The word of the day is that it is to be said. " * (450 * 1024),
    "running text full of signs": "the \"a of 'it `is [to <be {{or :no «not “and of the it is "
    * 9000,
    "running text of labels and items": "Ann: it is the end of it to you.\n- it is of the end\n"
    * 9000,
    "running text that almost quotes": ("of the and to it is " + '"a ' * 7 + "`b " * 7) * 3000,
    "markers": '… L1-9 [furler: 1 of 9 lines shown; stored: retrieve(ref="aaaaaaaaaaaaaaaa")]\n'
    * 5000,
}


@pytest.mark.parametrize("name", INPUTS)
def test_hostile_input_is_served_within_bounds(name: str, tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_text(INPUTS[name], encoding="utf-8", newline="")
    size = path.stat().st_size

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
    outcome = json.loads(done.stdout)
    assert outcome["after"] <= outcome["before"]
    assert outcome["same"] or outcome["after"] < outcome["before"]
    assert all(part > 0 for part in outcome["sizes"])
    assert outcome["peak"] <= _BASE_PEAK + 8 * size
