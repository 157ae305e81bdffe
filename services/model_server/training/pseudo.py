"""Score unlabelled passages with teachers: ``python -m training.pseudo WEIGHTS... --out FILE``.

What lives here: the mean of several trained networks as targets (Hinton et al. 2015).
What does not: learning from them (fit).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from furler_kompress.encode import encode
from training import network
from training.data import read_texts
from training.fit import word_scores


def main() -> None:
    """Write one JSON object per passage: its text, and the teachers' mean score per word."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=int, help="passages to score, from the first")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    teachers = [network.load(path).to(device) for path in options.weights]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("w", encoding="utf-8") as out:
        for text in read_texts(options.data / "unlabelled.jsonl")[: options.limit]:
            chunks = encode(text)
            scores = np.mean([word_scores(teacher, chunks) for teacher in teachers], axis=0)
            row = {"text": text, "scores": [round(float(score), 4) for score in scores]}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
