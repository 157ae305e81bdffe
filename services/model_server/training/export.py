"""Export trained weights: ``python -m training.export WEIGHTS``.

What lives here: ONNX fp32 with fused attention, int8 of it, fp16 safetensors, the manifest.
What does not: how far these are from PyTorch (parity).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Final

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from torch import Tensor, nn

from furler_kompress import artefact
from training import network
from training.recipe import WEIGHTS

INPUTS: Final = ("input_ids", "attention_mask", "token_type_ids")
OUTPUT: Final = "keep_prob"
OPSET: Final = 17
QUANTISED: Final = ("MatMul", "Attention", "Gather", "EmbedLayerNormalization")
"""The embeddings too: they are half of the weights."""


class Probabilities(nn.Module):
    """What is served: the network with a sigmoid, int64 [B, L] x 3 -> float32 [B, L]."""

    def __init__(self, model: network.Kompress) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Return the probability that each token's word stays."""
        return torch.sigmoid(self.model(input_ids, attention_mask, token_type_ids))


def export_fp32(weights: Path, target: Path, directory: Path) -> None:
    """Write the fused fp32 model.

    Attention is exported written out ("eager"): so ONNX Runtime's optimiser knows it and fuses it.
    """
    model = Probabilities(network.load(weights, attention="eager")).eval()
    ids = torch.randint(1000, 2000, (2, 24))
    mask = torch.ones_like(ids)
    mask[1, 16:] = 0
    plain = directory / "plain.onnx"
    torch.onnx.export(
        model,
        (ids, mask, torch.ones_like(ids)),
        str(plain),
        input_names=list(INPUTS),
        output_names=[OUTPUT],
        dynamic_axes={name: {0: "batch", 1: "length"} for name in (*INPUTS, OUTPUT)},
        opset_version=OPSET,
        dynamo=False,
    )
    fused = optimizer.optimize_model(
        str(plain), model_type="bert", num_heads=12, hidden_size=384, opt_level=0
    )
    statistics = {k: v for k, v in fused.get_fused_operator_statistics().items() if v}
    print("fused:", statistics)
    fused.save_model_to_file(str(target))


def export_int8(fp32: Path, target: Path) -> None:
    """Write the model with int8 weights per channel, activations quantised as they come."""
    quantize_dynamic(
        str(fp32),
        str(target),
        weight_type=QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=list(QUANTISED),
        extra_options={"DefaultTensorType": 1},
    )


def write_manifest(directory: Path) -> None:
    """Write the sum of each file that the package loads."""
    names = (artefact.MODEL, artefact.TOKENIZER)
    sums = {name: _sum(directory / name) for name in names}
    text = json.dumps({"sha256": sums}, indent=2, sort_keys=True)
    (directory / artefact.MANIFEST).write_text(text + "\n", encoding="utf-8")


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    """Export to the package, or to a directory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--out", type=Path, help="int8 model, tokenizer and manifest go here")
    parser.add_argument("--fp16", type=Path, help="the weights, rounded, go here; and their sum")
    parser.add_argument("--onnx-fp32", type=Path, help="the fp32 model goes here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        # All forms come from the weights as they are checked in: rounded to fp16.
        rounded = options.fp16 or Path(scratch) / WEIGHTS.name
        network.save(network.load(options.weights), rounded, torch.float16)
        if options.fp16:
            (rounded.parent / "SHA256").write_text(f"{_sum(rounded)}  {rounded.name}\n", "utf-8")
        fp32 = options.onnx_fp32 or Path(scratch) / "kompress-fp32.onnx"
        export_fp32(rounded, fp32, Path(scratch))
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
            export_int8(fp32, options.out / artefact.MODEL)
            base = files(network.BASE) / "model" / artefact.TOKENIZER
            (options.out / artefact.TOKENIZER).write_bytes(base.read_bytes())
            write_manifest(options.out)
            size = (options.out / artefact.MODEL).stat().st_size
            print(f"{artefact.MODEL}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
