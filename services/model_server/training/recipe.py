"""The whole training, from labels to exported files: ``python -m training.recipe``.

What lives here: the steps and their order. A step whose result exists is not run again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from furler_kompress import artefact

WEIGHTS: Final = Path(__file__).parents[1] / "weights" / "kompress-fp16.safetensors"
SEED: Final = 1
EPOCHS: Final = 4
AVERAGED: Final = 3
"""Last epochs whose weights are averaged: as good as their best on both halves of SQuAD, and
none has to be chosen (Izmailov et al. 2018)."""
FEW: Final = 48
"""Passages of a quick run: three steps an epoch, to see that every step runs."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command of this package, and the file that it leaves."""

    module: str
    arguments: tuple[str, ...]
    result: Path


def steps(data: Path, out: Path, threads: int, *, quick: bool = False) -> list[Step]:
    """Return the steps, in order; ``quick``: with few passages, whose weights are of no use."""
    few = ("--passages", str(FEW)) if quick else ()
    numbers = ("--seed", str(SEED), "--epochs", str(EPOCHS), "--threads", str(threads))
    epochs = [out / f"epoch-{i}.safetensors" for i in range(1, EPOCHS + 1)]
    last = out / "kompress.safetensors"
    averaged = tuple(map(str, epochs[-AVERAGED:]))
    return [
        Step("fit", ("--data", str(data), "--out", str(out), *numbers, *few), epochs[-1]),
        Step("average", (*averaged, "--out", str(last)), last),
    ]


def run(step: Step, *, anew: bool = False) -> None:
    """Run a step unless its result exists; raises CalledProcessError where it fails."""
    if step.result.exists() and not anew:
        print(f"there already: {step.result}")
        return
    command = [sys.executable, "-m", f"training.{step.module}", *step.arguments]
    print(" ".join(command[1:]), flush=True)
    subprocess.run(command, check=True)  # noqa: S603 - our own command


def main() -> None:
    """Train, then export to the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--artefacts", type=Path, default=artefact.DIRECTORY)
    parser.add_argument("--fp16", type=Path, required=True, help="weights for GPUs go here")
    parser.add_argument("--threads", type=int, default=1, help="1: the weights that ship")
    parser.add_argument("--quick", action="store_true", help="few passages, to try every step")
    options = parser.parse_args()
    shipped = options.artefacts.resolve() == artefact.DIRECTORY.resolve()
    if options.quick and (shipped or options.fp16.resolve() == WEIGHTS.resolve()):
        parser.error(
            "--quick: its weights must not take the place of those that ship; give --artefacts and --fp16"
        )
    for step in steps(options.data, options.out, options.threads, quick=options.quick):
        run(step, anew=options.quick)
    last = options.out / "kompress.safetensors"
    command = ["-m", "training.export", str(last), "--out", str(options.artefacts)]
    subprocess.run([sys.executable, *command, "--fp16", str(options.fp16)], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
