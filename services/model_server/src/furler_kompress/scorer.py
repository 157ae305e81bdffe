"""The model in this process: ONNX Runtime on the CPU, one chunk at a time.

What lives here: the session and its settings. What does not: tokens, chunks, pooling (encode).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

# The wheel for Linux keeps a device's number and events in the user's cache, and uploads them, unless
# this says otherwise before it is loaded; onnxruntime.disable_telemetry_events() comes too late.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from furler_kompress import artefact
from furler_kompress.encode import Chunk, encode, pool
from furler_kompress.words import Span

OUTPUT: Final = "keep_prob"
_WARM: Final = "The service keeps every original until its retention ends."


class Scorer:
    """Scores the words of a text; safe to share by threads, each call runs in its caller's.

    The scores depend on the text alone: chunks are run one by one, because the quantised
    model's scales are taken per run, and because on a CPU a batch saves nothing.
    """

    def __init__(self, model: bytes | Path, version: str, *, threads: int = 1) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors
        # Idle threads sleep: a replica shares its cores with the rest of the service.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(
            str(model) if isinstance(model, Path) else model,
            options,
            providers=["CPUExecutionProvider"],
        )
        self.version = version

    @classmethod
    def load(cls, threads: int = 1) -> Scorer:
        """Return a warm scorer with the model that ships with the package.

        ``threads`` run one chunk together; 1 or 2 are worth their cores.

        Raises:
            ArtefactError: a file is missing or has not the sum that the manifest names.
        """
        scorer = cls(artefact.path(artefact.MODEL), artefact.version(), threads=threads)
        scorer.score(_WARM)
        return scorer

    def score(self, text: str, words: Sequence[Span] | None = None) -> NDArray[np.float32]:
        """Return a score in [0, 1] per word of ``words.spans(text)``, float32 [words].

        ``words`` are those spans, where the caller has them.
        """
        chunks = encode(text, words)
        return pool(chunks, [self.run(chunk) for chunk in chunks])

    def run(self, chunk: Chunk) -> NDArray[np.float32]:
        """Return the probability that each token's word stays, float32 [chunk.length]."""
        n = chunk.length
        inputs = {
            "input_ids": chunk.input_ids[None, :n],
            "attention_mask": chunk.attention_mask[None, :n],
            "token_type_ids": chunk.token_type_ids[None, :n],
        }
        answer: NDArray[np.float32] = self._session.run([OUTPUT], inputs)[0][0]
        return answer
