"""How fast a GPU is with the model: ``python -m training.measure_gpu [--onnx kompress-fp16.onnx]``.

What lives here: tokens per second, p50 and p99 by rows in a batch, share of the card's limit; by
PyTorch in fp16, and by ONNX Runtime where its CUDA provider is installed. Without a GPU it says
so, measures nothing, and ends well. What does not: a server (python -m loadtests.triton --url).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort
import torch

from furler_kompress.encode import LENGTHS
from training import network
from training.export import INPUTS, OUTPUT
from training.recipe import WEIGHTS

ROWS: Final = (1, 2, 4, 8, 16, 32, 64)
WARM_RUNS: Final = 20
"""Kernels are chosen and memory is taken in the first runs."""
# MiniLM-L6: per token and layer 4 x 384^2 in attention's projections, 2 x 384 x 1536 in the
# feed-forward part; a multiply and an add each; and 2 x 2 x length x 384 for scores and values.
_LAYERS, _WIDTH, _INNER = 6, 384, 1536


def operations(length: int) -> float:
    """Return the floating point operations that a token of a row of ``length`` costs."""
    dense = 2 * (4 * _WIDTH**2 + 2 * _WIDTH * _INNER)
    return float(_LAYERS * (dense + 4 * length * _WIDTH))


def by_torch(weights: Path) -> Callable[[np.ndarray], None]:
    """Return a run of PyTorch in fp16, the copies to the card and back included."""
    model = network.load(weights).half().cuda()

    def run(ids: np.ndarray) -> None:
        tokens = torch.from_numpy(ids).cuda(non_blocking=True)
        ones = torch.ones_like(tokens)
        with torch.inference_mode():
            torch.sigmoid(model(tokens, ones, ones)).cpu()

    return run


def by_onnx(file: Path) -> Callable[[np.ndarray], None]:
    """Return a run of ONNX Runtime on CUDA, as Triton's ONNX backend runs it."""
    session = ort.InferenceSession(str(file), providers=["CUDAExecutionProvider"])

    def run(ids: np.ndarray) -> None:
        ones = np.ones_like(ids)
        session.run([OUTPUT], dict(zip(INPUTS, (ids, ones, ones), strict=True)))

    return run


def timed(run: Callable[[np.ndarray], None], rows: int, length: int, runs: int) -> list[float]:
    """Return the seconds of each run of a batch of so many rows, ascending."""
    ids = np.random.default_rng(0).integers(1000, 20_000, (rows, length), dtype=np.int64)
    for _ in range(WARM_RUNS):
        run(ids)
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        run(ids)
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)


def table(name: str, run: Callable[[np.ndarray], None], options: argparse.Namespace) -> None:
    """Print the figures of one way to run the model."""
    print(f"\n{name}, rows of {options.length} tokens\n")
    print("| rows | tokens/s | p50 ms | p99 ms | TFLOP/s | share of the card |")
    print("|--:|--:|--:|--:|--:|--:|")
    for rows in ROWS:
        seconds = timed(run, rows, options.length, options.runs)
        speed = rows * options.length / (sum(seconds) / len(seconds))
        p50, p99 = (1000 * seconds[int(share * (len(seconds) - 1))] for share in (0.5, 0.99))
        flops = speed * operations(options.length) / 1e12
        share = f"{flops / options.peak:.1%}" if options.peak else "-"
        print(f"| {rows} | {speed:,.0f} | {p50:.2f} | {p99:.2f} | {flops:.2f} | {share} |")


def main() -> None:
    """Measure, or say that there is nothing to measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--onnx", type=Path, help="what export_gpu wrote")
    parser.add_argument("--length", type=int, choices=LENGTHS, default=256)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--peak", type=float, default=0.0, help="the card's dense fp16 TFLOP/s")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("no GPU here (or a PyTorch without CUDA): nothing was measured")
        return
    print(
        f"{torch.cuda.get_device_name()}, {time.strftime('%Y-%m-%d')}, PyTorch {torch.__version__}"
    )
    table("PyTorch fp16", by_torch(options.weights), options)
    if options.onnx and "CUDAExecutionProvider" in ort.get_available_providers():
        table(f"ONNX Runtime {ort.__version__} CUDA", by_onnx(options.onnx), options)
    else:
        print("\nONNX Runtime is not measured: it needs onnxruntime-gpu and --onnx")


if __name__ == "__main__":
    main()
