"""Average the weights of a run's epochs: ``python -m training.average WEIGHTS... --out FILE``.

What lives here: the mean of weights (Izmailov et al. 2018): an ensemble at the price of one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def main() -> None:
    """Write the mean of the files, tensor by tensor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    states = [load_file(path) for path in options.weights]
    mean = {name: torch.stack([s[name] for s in states]).mean(dim=0) for name in states[0]}
    save_file(mean, options.out)


if __name__ == "__main__":
    main()
