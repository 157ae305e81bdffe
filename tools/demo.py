"""The main job on real samples: start the service, compress, show, retrieve, compare, stop.

Run by ``make demo``. Exits with 1 when a retrieved part is not the original's.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from furler import Furler, View

ROOT = Path(__file__).parent.parent
SAMPLES = {
    "a service's log": ROOT / "samples/service.log",
    "an API's reply": ROOT / "samples/orders.json",
    "a source file": ROOT / "services/compressor/src/furler_engine/select.py",
    "search results": ROOT / "samples/search.txt",
}
SHOWN = "a service's log"


@dataclass(frozen=True)
class Result:
    """One sample, its view, and how long a first compression took, in milliseconds."""

    text: str
    view: View
    ms: float


@contextmanager
def service(directory: str) -> Iterator[str]:
    """Start the compressor on a free loopback port with SQLite in a directory; give its address."""
    command = [sys.executable, "-m", "furler_compressor.main"]
    process = subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0", "--store", directory],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        ready = process.stdout.readline() if process.stdout else ""
        if "ready" not in ready:
            raise SystemExit("the service did not start; its message stands above")
        yield ready.split()[-1]
    finally:
        process.terminate()
        status = process.wait(timeout=60)
    if status != 0:
        raise SystemExit(f"the service ended with status {status}")


def compress_samples(furler: Furler) -> dict[str, Result]:
    """Compress each sample once, after a first call that opens the connection."""
    furler.capabilities()
    results = {}
    for name, path in SAMPLES.items():
        text = path.read_text(encoding="utf-8")
        start = time.perf_counter()
        view = furler.compress(text, filename=path.name if path.suffix == ".py" else None)
        results[name] = Result(text, view, (time.perf_counter() - start) * 1000)
    return results


def savings(results: dict[str, Result]) -> Table:
    """Return the table of all samples."""
    table = Table("sample", "kind", title="Tokens an agent would have read, and reads now")
    for column in ("before", "after", "saved", "ms"):
        table.add_column(column, justify="right")
    for name, result in results.items():
        view = result.view
        saved = 1 - view.tokens_after / view.tokens_before
        table.add_row(
            name,
            view.kind,
            f"{view.tokens_before:,}",
            f"{view.tokens_after:,}",
            f"{saved:.0%}",
            f"{result.ms:.1f}",
        )
    return table


def prove(furler: Furler, result: Result) -> tuple[str, str, bool]:
    """Retrieve the largest elision; return its marker, its text, and whether it is the original's."""
    elision = max(result.view.elisions, key=lambda e: e.tokens)
    first, last = (int(part) for part in elision.marker.lstrip("L").split("-"))
    got = furler.retrieve(result.view.ref, lines=elision.marker).text
    expected = "".join(result.text.splitlines(keepends=True)[first - 1 : last])
    return elision.marker, got, got == expected


def main() -> int:
    """Run the demo."""
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory() as directory, service(directory) as address:
        console.print(f"Service on {address}, originals in SQLite\n")
        with Furler.connect(address) as furler:
            results = compress_samples(furler)
            console.print(savings(results))
            shown = results[SHOWN]
            console.print(
                Panel(escape(shown.view.text), title=f"The view of {SHOWN}, as an agent reads it")
            )
            marker, part, same = prove(furler, shown)
            whole = all(
                furler.retrieve(r.view.ref).text == r.text for r in results.values() if r.view.ref
            )
            head = "\n".join(part.splitlines()[:3])
            console.print(Panel(escape(head), title=f"retrieve(lines={marker!r}), its first lines"))
    console.print(f"{marker}: {len(part):,} characters, equal to the original: {same}")
    console.print(f"All originals restored byte for byte: {whole}")
    console.print("Service stopped cleanly")
    return 0 if same and whole else 1


if __name__ == "__main__":
    sys.exit(main())
