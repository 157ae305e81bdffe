"""The model that ships with the service, in this process: ONNX Runtime on the CPU.

One thread scores, chunk by chunk, so that whoever gives up stops the work within 30 ms. What
would wait too long is refused at once: the text is kept then, and nobody has waited.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from furler_compressor import telemetry
from furler_compressor.app.model_port import (
    Judgement,
    ModelUnavailableError,
    Trouble,
    word_count,
)
from furler_kompress import artefact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from furler_kompress.scorer import Scorer

_T = TypeVar("_T")

PROVIDER: Final = "onnx"
_WORDS_PER_SECOND: Final = 3_000.0
"""Of one busy core, until something is measured."""
_LOAD_SECONDS: Final = 1.0
"""Until the first answer, where nothing is loaded: 0.6 s measured, most of it imports."""
_MOST_WAITING: Final = 64
"""Jobs that may wait; time bounds them before, unless all are small."""
_WORTH_MEASURING: Final = 200
"""Words of a job from which its speed says something."""
_DIGITS: Final = 4
"""Of a score: what processors disagree on lies behind them."""


class OnnxModel:
    """Implements app.model_port.Model. ``threads`` score one chunk together."""

    def __init__(self, threads: int = 2) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="furler-model")
        self._loading: Future[Scorer] | None = None
        self._queue = _Queue()
        self._closed = threading.Event()

    @property
    def version(self) -> str:
        """The version of the files, which are not loaded for it; empty where they are missing."""
        try:
            return artefact.version()
        except artefact.ArtefactError:
            return ""

    async def start(self) -> None:
        """Load the model beside whatever else starts."""
        self._load()

    async def judge(self, texts: Sequence[str], seconds: float) -> Judgement:
        """Score the words of texts."""
        with telemetry.model_call(PROVIDER, self.version):
            return Judgement(self.version, await self._scores(texts, seconds))

    async def check(self) -> str:
        """Load the model, which compares its files with their checksums, and name it."""
        await self._answer(self._load())
        digest = artefact.manifest()[artefact.MODEL]
        return f"{self.version}, {artefact.MODEL} sha256 {digest[:16]}, in this process"

    async def close(self) -> None:
        """Stop after the chunk that is being scored."""
        self._closed.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _load(self) -> Future[Scorer]:
        """Return the scorer that is loaded or being loaded."""
        if self._closed.is_set():
            raise ModelUnavailableError(Trouble.NONE_SERVES, "closed")
        if self._loading is None:
            self._loading = self._pool.submit(_scorer, self._threads)
        return self._loading

    async def _scores(self, texts: Sequence[str], seconds: float) -> tuple[tuple[float, ...], ...]:
        loading = self._load()
        words = sum(map(word_count, texts))
        self._queue.enter(words, seconds - (0 if loading.done() else _LOAD_SECONDS))
        job = _Job(texts, words, time.monotonic() + seconds, self._closed)
        future = self._pool.submit(job.run, loading, self._queue)
        future.add_done_callback(lambda _: self._queue.leave(words))
        try:
            async with asyncio.timeout(seconds):
                return await self._answer(future)
        except TimeoutError:
            raise ModelUnavailableError(Trouble.TIMEOUT) from None
        finally:
            job.stop.set()

    async def _answer(self, future: Future[_T]) -> _T:
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if future.cancelled() and self._closed.is_set():
                raise ModelUnavailableError(Trouble.NONE_SERVES, "closed") from None
            raise


class _Queue:
    """What waits for the thread, and how fast it works. Used by the event loop and the thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs = self._words = 0
        self._speed = _WORDS_PER_SECOND

    def enter(self, words: int, seconds: float) -> None:
        """Take a job in. Raises ModelUnavailableError for one that would not be done in time."""
        with self._lock:
            if words > seconds * self._speed:
                raise ModelUnavailableError(Trouble.TIMEOUT)
            if self._jobs >= _MOST_WAITING or self._words + words > seconds * self._speed:
                raise ModelUnavailableError(Trouble.OVERLOADED)
            self._jobs += 1
            self._words += words

    def leave(self, words: int) -> None:
        """Let a job go that was taken in."""
        with self._lock:
            self._jobs -= 1
            self._words -= words

    def measured(self, words: int, seconds: float) -> None:
        """Learn from a job that was done."""
        if words >= _WORTH_MEASURING:
            with self._lock:
                self._speed += 0.2 * (words / max(seconds, 1e-6) - self._speed)


@dataclass(frozen=True, slots=True)
class _Job:
    """Texts to score until ``deadline`` (time.monotonic); ``stop`` or ``closed`` end it early."""

    texts: Sequence[str]
    words: int
    deadline: float
    closed: threading.Event
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, loading: Future[Scorer], queue: _Queue) -> tuple[tuple[float, ...], ...]:
        """Score in the thread. Raises ModelUnavailableError, whatever goes wrong."""
        scorer = loading.result(0)  # loaded by this very thread, before
        started = time.monotonic()
        try:
            scores = tuple(self._score(scorer, text) for text in self.texts)
        except ModelUnavailableError:
            raise
        except Exception as error:
            raise ModelUnavailableError(Trouble.NONE_SERVES, type(error).__name__) from error
        queue.measured(self.words, time.monotonic() - started)
        return scores

    def _score(self, scorer: Scorer, text: str) -> tuple[float, ...]:
        from furler_kompress.encode import encode, pool  # noqa: PLC0415 - as _scorer's

        answers: list[NDArray[np.float32]] = []
        chunks = encode(text)
        for chunk in chunks:
            if self.stop.is_set() or self.closed.is_set() or time.monotonic() > self.deadline:
                raise ModelUnavailableError(Trouble.TIMEOUT)
            answers.append(scorer.run(chunk))
        return tuple(round(float(score), _DIGITS) for score in pool(chunks, answers))


def _scorer(threads: int) -> Scorer:
    """Load the model, in the thread. Raises ModelUnavailableError."""
    try:
        # 100 MB and half a second: only who scores something pays for it.
        from furler_kompress.scorer import Scorer  # noqa: PLC0415

        return Scorer.load(threads)
    except Exception as error:
        raise ModelUnavailableError(Trouble.NONE_SERVES, type(error).__name__) from error
