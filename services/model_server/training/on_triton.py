"""A judge for ``training.parity``: the model of the Triton that ``make parity SERVED=1`` starts.

``python -m training.parity WEIGHTS --judge triton=training.on_triton:judge``
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from furler_kompress.encode import Chunk, FloatVector
from training.export import INPUTS, OUTPUT

ADDRESS: Final = "127.0.0.1:8001"
MODEL: Final = "kompress"
PATIENCE: Final = 60
"""Seconds. It takes 3, and more on a machine in use."""


def judge(chunks: Sequence[Chunk]) -> list[FloatVector]:
    """Return the probabilities of each chunk, one request each, padded as the service pads.

    Raises tritonclient.utils.InferenceServerException where no server answers in time.
    """
    with InferenceServerClient(ADDRESS) as client:
        _wait(client)
        return [_asked(client, chunk) for chunk in chunks]


def _wait(client: InferenceServerClient) -> None:
    """Give a server that starts time to be ready."""
    for _ in range(PATIENCE):
        try:
            if client.is_model_ready(MODEL):
                return
        except InferenceServerException:
            pass  # not listening yet; the last answer is the first request's
        time.sleep(1)


def _asked(client: InferenceServerClient, chunk: Chunk) -> FloatVector:
    inputs = []
    rows = (chunk.input_ids, chunk.attention_mask, chunk.token_type_ids)
    for name, row in zip(INPUTS, rows, strict=True):
        tensor = InferInput(name, [1, len(row)], "INT64")
        tensor.set_data_from_numpy(row[None])
        inputs.append(tensor)
    answer = client.infer(MODEL, inputs).as_numpy(OUTPUT)
    return np.asarray(answer[0], dtype=np.float32)
