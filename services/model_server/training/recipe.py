"""The whole training, from labels to exported files: ``python -m training.recipe``.

What lives here: the steps and their order. A step whose result exists is not run again, so an
interrupted run goes on where it stopped. Two runs go side by side, each on half of the cores.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from furler_kompress import artefact

SEEDS: Final = (1, 2)
STUDENTS: Final = (11, 12)
EPOCHS: Final = 4
POOL: Final = 2000
"""Unlabelled passages that the teachers score: as many tokens as the labelled ones have."""
STUDENT_RATE: Final = 5e-5
"""A third of the first rate: students start from trained weights."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command of this package, and the file that it leaves."""

    module: str
    arguments: tuple[str, ...]
    result: Path


def steps(data: Path, out: Path, threads: int) -> list[list[Step]]:
    """Return the steps; those of one list may run side by side."""
    runs = [_fit(data, out / f"seed-{seed}", seed, EPOCHS, threads) for seed in SEEDS]
    teachers = [str(run.result) for run in runs]
    start, pool, last = (
        out / "teachers.safetensors",
        out / "pool.jsonl",
        out / "kompress.safetensors",
    )
    more = ("--start", str(start), "--pseudo", str(pool), "--rate", str(STUDENT_RATE))
    students = [_fit(data, out / f"student-{s}", s, 1, threads, *more) for s in STUDENTS]
    scored = ("--data", str(data), "--out", str(pool), "--limit", str(POOL))
    return [
        runs,
        [
            Step("soup", (*teachers, "--out", str(start)), start),
            Step("pseudo", (*teachers, *scored), pool),
        ],
        students,
        [Step("soup", (*(str(s.result) for s in students), "--out", str(last)), last)],
    ]


def _fit(data: Path, out: Path, seed: int, epochs: int, threads: int, *more: str) -> Step:
    numbers = ("--seed", str(seed), "--epochs", str(epochs), "--threads", str(threads))
    result = out / f"epoch-{epochs}.safetensors"
    return Step("fit", ("--data", str(data), "--out", str(out), *numbers, *more), result)


def run(group: Sequence[Step]) -> None:
    """Run steps side by side; raises CalledProcessError where one fails."""
    started = []
    for step in group:
        if step.result.exists():
            print(f"there already: {step.result}")
            continue
        command = [sys.executable, "-m", f"training.{step.module}", *step.arguments]
        print(" ".join(command[1:]), flush=True)
        started.append((command, subprocess.Popen(command)))  # noqa: S603 - our own commands
    for command, process in started:
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, command)


def main() -> None:
    """Train, then export to the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--artefacts", type=Path, default=artefact.DIRECTORY)
    parser.add_argument("--fp16", type=Path, required=True, help="weights for GPUs go here")
    parser.add_argument("--threads", type=int, default=1, help="of each of two runs side by side")
    options = parser.parse_args()
    for group in steps(options.data, options.out, options.threads):
        run(group)
    last = options.out / "kompress.safetensors"
    command = ["-m", "training.export", str(last), "--out", str(options.artefacts)]
    subprocess.run([sys.executable, *command, "--fp16", str(options.fp16)], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
