"""How fast a Triton answers what the compressor asks: by number of callers, through the adapter.

`python -m loadtests.triton` starts the wheel's server on loopback (the CPU) and asks for a
bounded time; `--url grpc://host:8001` asks a server that is there. Closed loop: each caller asks
again when it was answered. Figures hold for one machine and one run: compare within a run only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tritonclient.grpc.aio import InferenceServerClient

from furler_compressor.adapters.triton_model import TritonModel, TritonOptions, open_triton
from furler_compressor.adapters.triton_url import parse_triton_urls
from furler_compressor.app.model_port import ModelUnavailableError
from furler_kompress.encode import encode
from furler_kompress.repository import Backend, write
from loadtests.measure import percentile

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from triton_servers import TritonServer  # noqa: E402 - found through the line above

CALLERS: Final = (1, 2, 4, 8, 16, 32, 64)
SENTENCE: Final = (
    "The worker was restarted on Tuesday, because the disk of host {} was really full. "
)


@dataclass
class Measured:
    """What one number of callers got."""

    callers: int
    took: float = 0.0
    tokens: int = 0
    seconds: list[float] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    executions: int = 0

    def row(self) -> str:
        """Return the table's row."""
        p50, p99 = (1000 * percentile(self.seconds, share) for share in (0.5, 0.99))
        joined = self.rows / self.executions if self.executions else 0.0
        troubles = ", ".join(f"{count} {name}" for name, count in sorted(self.troubles.items()))
        return (
            f"| {self.callers} | {len(self.seconds) / self.took:.1f} | {self.tokens / self.took:,.0f} "
            f"| {p50:.0f} | {p99:.0f} | {joined:.1f} | {troubles or '-'} |"
        )


HEADER: Final = (
    "| callers | texts/s | tokens/s | p50 ms | p99 ms | rows per execution | refused |\n"
    "|--:|--:|--:|--:|--:|--:|---|"
)


def text_of(tokens: int, number: int) -> str:
    """Return a text of about so many tokens; texts of other numbers differ in a word."""
    sentence = SENTENCE.format(number)
    per_sentence = encode(sentence)[0].length - 2
    return sentence * max(1, tokens // per_sentence)


async def callers(model: TritonModel, count: int, seconds: float, tokens: int) -> Measured:
    """Ask with so many callers for so many seconds."""
    measured = Measured(count)
    began = time.perf_counter()

    async def caller(number: int) -> None:
        text = text_of(tokens, number)
        length = sum(chunk.length - 2 for chunk in encode(text))
        while time.perf_counter() - began < seconds:
            start = time.perf_counter()
            try:
                await model.judge([text], 10.0)
            except ModelUnavailableError as error:
                measured.troubles[str(error.trouble)] += 1
                # As a fleet does that has another way: it does not come back at once.
                await asyncio.sleep(0.1)
                continue
            measured.seconds.append(time.perf_counter() - start)
            measured.tokens += length

    await asyncio.gather(*(caller(number) for number in range(count)))
    measured.took = time.perf_counter() - began
    return measured


async def statistics(url: str, name: str) -> tuple[int, int]:
    """Return the rows and the executions that the server has counted."""
    async with InferenceServerClient(url) as client:
        (stats,) = (await client.get_inference_statistics(name)).model_stats
        return int(stats.inference_count), int(stats.execution_count)


async def measure(url: str, counts: list[int], seconds: float, tokens: int) -> None:
    """Print a table."""
    (place,) = parse_triton_urls(url)
    model = open_triton([place], TritonOptions(timeout=10.0))
    await model.start()
    print(f"{await model.check()}; texts of about {tokens} tokens; {seconds:g} s each\n\n{HEADER}")
    await model.judge([text_of(tokens, 0)], 30.0)
    for count in counts:
        before = await statistics(place.target, "kompress")
        measured = await callers(model, count, seconds, tokens)
        after = await statistics(place.target, "kompress")
        measured.rows, measured.executions = after[0] - before[0], after[1] - before[1]
        print(measured.row(), flush=True)
    await model.close()


@contextlib.contextmanager
def wheel_server() -> Iterator[str]:
    """Run the wheel's server over a repository of its own; give its URL."""
    with tempfile.TemporaryDirectory() as directory:
        write(Path(directory), Backend.PYTHON)
        server = TritonServer(Path(directory))
        try:
            server.start()
            yield server.url
        finally:
            server.kill()


def main() -> None:
    """Measure the wheel's server, or the one at --url."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.triton", description=__doc__)
    parser.add_argument("--url", help="a server that runs; else the wheel's is started")
    parser.add_argument("--seconds", type=float, default=5.0, help="per number of callers")
    parser.add_argument("--tokens", type=int, default=250, help="of a text")
    parser.add_argument("--callers", type=int, nargs="+", default=list(CALLERS))
    given = parser.parse_args()
    with contextlib.nullcontext(given.url) if given.url else wheel_server() as url:
        asyncio.run(measure(url, given.callers, given.seconds, given.tokens))


if __name__ == "__main__":
    main()
