"""The fp16 model for GPUs: ``python -m training.export_gpu --to kompress-fp16.onnx``.

What lives here: ONNX in half precision, of the weights that are checked in, for Triton's ONNX
backend (``furler_kompress.repository --fp16``). What does not: how fast it is (measure_gpu).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16

from training.export import export_fp32
from training.recipe import WEIGHTS


def export_fp16(weights: Path, target: Path) -> None:
    """Write the fused model with fp16 weights and activations; its output stays float32.

    A CPU runs it too, with casts around every operator: good enough to check it, not to serve it.
    """
    with tempfile.TemporaryDirectory() as scratch:
        fp32 = Path(scratch) / "fp32.onnx"
        export_fp32(weights, fp32, Path(scratch))
        half = convert_float_to_float16(onnx.load(str(fp32)), keep_io_types=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(half, str(target))


def main() -> None:
    """Export the weights that are checked in, or others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args()
    export_fp16(options.weights, options.to)
    print(f"{options.to}: {options.to.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
