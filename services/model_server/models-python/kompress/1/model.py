"""Kompress inside Triton's Python backend: ONNX Runtime on the CPU, row by row.

Rows are run one by one, without their padding: the quantised model takes its scales per run, so
that a row's answer must not depend on its neighbours, and a batch saves nothing on a CPU. The
answers are those of the same file in any other process.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

# The wheel for Linux keeps a device's number and events in the user's cache, and uploads them, unless
# this says otherwise before it is loaded; onnxruntime.disable_telemetry_events() comes too late.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as ort
import triton_python_backend_utils as pb_utils

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OUTPUT = "keep_prob"


class TritonPythonModel:
    """What the backend calls; one object per instance of the model."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the model file of this version, and run it once."""
        parameters = json.loads(args["model_config"]).get("parameters", {})
        options = ort.SessionOptions()
        options.intra_op_num_threads = int(parameters["threads"]["string_value"])
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Idle threads sleep instead of spinning.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        directory = Path(args["model_repository"], args["model_version"])
        self._session = ort.InferenceSession(
            str(directory / "model.int8.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._run(*(np.ones((1, 384), dtype=np.int64) for _ in INPUTS))

    def execute(
        self, requests: list[pb_utils.InferenceRequest]
    ) -> list[pb_utils.InferenceResponse]:
        """Answer requests, each [rows, length], in order."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: pb_utils.InferenceRequest) -> pb_utils.InferenceResponse:
        if request.is_cancelled():  # its caller waits no more
            return pb_utils.InferenceResponse(
                error=pb_utils.TritonError("cancelled", pb_utils.TritonError.CANCELLED)
            )
        # By DLPack: the backend's own conversion reads NumPy 2's arrays wrongly.
        ids, mask, kinds = (
            np.from_dlpack(pb_utils.get_input_tensor_by_name(request, name)) for name in INPUTS
        )
        if not ids.shape == mask.shape == kinds.shape:
            return pb_utils.InferenceResponse(
                error=pb_utils.TritonError(
                    "inputs: want one shape", pb_utils.TritonError.INVALID_ARG
                )
            )
        answer = np.zeros(ids.shape, dtype=np.float32)
        for row, length in enumerate(mask.sum(axis=1)):
            part = slice(row, row + 1), slice(0, int(length))
            if length:
                answer[part] = self._run(ids[part], mask[part], kinds[part])
        return pb_utils.InferenceResponse([pb_utils.Tensor.from_dlpack(OUTPUT, answer)])

    def _run(self, *inputs: np.ndarray) -> np.ndarray:
        return self._session.run([OUTPUT], dict(zip(INPUTS, inputs, strict=True)))[0]
