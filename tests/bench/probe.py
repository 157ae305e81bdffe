"""The engine alone in a process of its own: how long one text takes and how much memory.

What lives here: the child (run as a module, a file's name in, a JSON line out)
and the function that starts it. A text that takes longer than the limit is
stopped, so that nothing quadratic can hold the bench up.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from furler_engine.pipeline import compress
from furler_engine.types import Hints, Policy

LIMIT_SECONDS = 60.0
_REPEAT_SECONDS = 0.3
"""Short work is repeated for this long and the best time taken: growth is told from noise so."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One text: milliseconds of one core, the text's bytes, memory above the idle engine's in bytes."""

    ms: float
    size: int
    memory: int
    saved: float
    kind: str

    @property
    def times_input(self) -> float:
        """Memory as a multiple of the input."""
        return self.memory / max(1, self.size)


@dataclass(frozen=True, slots=True)
class Failure:
    """A text that was not compressed: the last line of the error, or how long it was given."""

    reason: str


def probe(text: str, limit: float = LIMIT_SECONDS) -> Probe | Failure:
    """Compress a text once in a fresh process."""
    with tempfile.NamedTemporaryFile(suffix=".txt") as file:
        file.write(text.encode())
        file.flush()
        package = Path(__file__).resolve().parent
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([p for p in sys.path if p])}
        try:
            done = subprocess.run(
                [sys.executable, "-m", f"{package.parent.name}.{package.name}.probe", file.name],
                capture_output=True,
                text=True,
                timeout=limit,
                check=False,
                env=environment,
                cwd=package.parent.parent,
            )
        except subprocess.TimeoutExpired:
            return Failure(f"> {limit:.0f} s")
    if done.returncode == 0:
        return Probe(**json.loads(done.stdout))
    last = done.stderr.strip().splitlines()[-1:] or [f"ended with {done.returncode}"]
    return Failure(last[0][:80])


def main() -> None:
    """Compress the file named on the command line."""
    compress('{"warm": [1, 2, 3]}' + " " * 4000, Hints(), Policy(), "a" * 16)
    idle = _forget_peak()
    text = Path(sys.argv[1]).read_text()
    best, until = float("inf"), time.perf_counter() + _REPEAT_SECONDS
    while True:
        started = time.process_time()
        view = compress(text, Hints(), Policy(), "a" * 16)
        best = min(best, (time.process_time() - started) * 1000)
        if time.perf_counter() >= until:
            break
    peak = _status("VmHWM")
    share = 1 - view.tokens_after / max(1, view.tokens_before)
    size = Path(sys.argv[1]).stat().st_size
    answer = {
        "ms": best, "size": size, "memory": peak - idle, "saved": share, "kind": view.kind
    }  # fmt: skip
    print(json.dumps(answer))


def _forget_peak() -> int:
    """Set the peak of resident memory back to what is resident now, and return that (Linux)."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # proc(5): resets VmHWM
    return _status("VmRSS")


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


if __name__ == "__main__":
    main()
