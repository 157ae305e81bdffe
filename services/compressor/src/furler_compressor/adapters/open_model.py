"""From a setting to the model that serves."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from furler_compressor.app.model_port import Model, NoModel

_NEEDS: Final = ("furler_kompress", "onnxruntime", "tokenizers")


def open_model(name: str, threads: int) -> Model:
    """Return the model of this process: ``onnx``; ``auto`` for that where it is installed; else none.

    Nothing is loaded yet. Raises ValueError for a model that cannot serve here.
    """
    missing = [package for package in _NEEDS if find_spec(package) is None]
    if name == "onnx" and missing:
        raise ValueError(f"FURLER_MODEL: onnx needs {', '.join(missing)}, which is not installed")
    if name in {"none", "triton"} or missing:
        return NoModel()
    # Where no model serves nothing of it is imported.
    from furler_compressor.adapters.onnx_model import OnnxModel  # noqa: PLC0415

    return OnnxModel(threads)
