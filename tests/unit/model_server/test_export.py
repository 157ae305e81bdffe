"""The exported prose model beside PyTorch. `make parity` runs this where torch is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from furler_kompress.encode import encode

pytest.importorskip("torch", reason="torch is in training's own environment: run `make parity`")

TEXT = "The pool must restart 12 workers of Bremen because it is really full. "


def test_an_export_gives_what_pytorch_gives(tmp_path: Path) -> None:
    from training import network, parity  # noqa: PLC0415 - where torch is
    from training.export import export_fp32  # noqa: PLC0415

    network.save(network.untrained(1), tmp_path / "weights.safetensors")
    export_fp32(tmp_path / "weights.safetensors", tmp_path / "fp32.onnx", tmp_path)
    chunks = [*encode(TEXT), *encode(TEXT * 40)]
    ours = parity.onnx_judge(tmp_path / "fp32.onnx")(chunks)
    theirs = parity.torch_judge(tmp_path / "weights.safetensors")(chunks)
    for chunk, a, b in zip(chunks, ours, theirs, strict=True):
        np.testing.assert_allclose(a, b[: chunk.length], atol=1e-4)


def test_half_precision_for_gpus_gives_nearly_what_pytorch_gives(tmp_path: Path) -> None:
    from training import network, parity  # noqa: PLC0415 - where torch is
    from training.export_gpu import export_fp16  # noqa: PLC0415

    network.save(network.untrained(1), tmp_path / "weights.safetensors")
    export_fp16(tmp_path / "weights.safetensors", tmp_path / "fp16.onnx")
    chunks = [*encode(TEXT), *encode(TEXT * 40)]
    ours = parity.onnx_judge((tmp_path / "fp16.onnx").read_bytes())(chunks)
    theirs = parity.torch_judge(tmp_path / "weights.safetensors")(chunks)
    for chunk, a, b in zip(chunks, ours, theirs, strict=True):
        np.testing.assert_allclose(a, b[: chunk.length], atol=5e-3)
