"""A model that goes wrong as the first word of each request says.

Its configuration's parameters give the words' token ids.
"""

from __future__ import annotations

import json
import time

import numpy as np
import triton_python_backend_utils as pb_utils

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
SLOW_SECONDS = 2.0


class TritonPythonModel:
    """What the backend calls."""

    def initialize(self, args: dict[str, str]) -> None:
        parameters = json.loads(args["model_config"])["parameters"]
        self._words = {
            int(value["string_value"]): name
            for name, value in parameters.items()
            if ":" not in name
        }

    def execute(
        self, requests: list[pb_utils.InferenceRequest]
    ) -> list[pb_utils.InferenceResponse]:
        return [self._answer(request) for request in requests]

    def _answer(self, request: pb_utils.InferenceRequest) -> pb_utils.InferenceResponse:
        ids = np.from_dlpack(pb_utils.get_input_tensor_by_name(request, "input_ids"))
        answer = np.full(ids.shape, 0.5, dtype=np.float32)
        match self._words.get(int(ids[0, 1])):
            case "nan":
                answer[0, 2] = np.nan
            case "short":
                answer = answer[:, :-1].copy()
            case "beyond":
                answer[0, 2] = 1.5
            case "slow":
                time.sleep(SLOW_SECONDS)
            case "error":
                return pb_utils.InferenceResponse(error=pb_utils.TritonError("it is broken"))
        return pb_utils.InferenceResponse([pb_utils.Tensor.from_dlpack("keep_prob", answer)])
