"""The Model port over Triton servers: texts to tokens here, tokens to probabilities there.

What lives here: batches of a call, its time, and what happens when no server answers. What does
not: which server is asked (triton_fleet), what goes over the wire (triton_replica), how texts
become tokens and probabilities scores (furler_kompress).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from furler_compressor.adapters.triton_fleet import PAUSE_SECONDS, Fleet, Server
from furler_compressor.adapters.triton_names import Names
from furler_compressor.adapters.triton_replica import (
    Batch,
    Replica,
    ReplicaBrokenError,
    ReplicaBusyError,
    ReplicaError,
    ReplicaSilentError,
)
from furler_compressor.adapters.triton_url import TritonAccess, TritonPlace
from furler_compressor.app.model_port import (
    Judgement,
    Model,
    ModelUnavailableError,
    NoModel,
    Trouble,
    checked,
)
from furler_kompress.artefact import ArtefactError
from furler_kompress.encode import Chunk, FloatVector, encode, pool

MAX_ROWS: Final = 8
"""Rows of a request: the smallest preferred batch of the server, so that it need not wait for
company, and small enough that a long document does not keep others waiting for long."""
_WINDOW: Final = 4
"""Requests of one call at a time: 32 rows, the largest preferred batch. What a long document has
beyond that would only wait in the server's queue, and be turned away there after 250 ms."""
_IN_FLIGHT: Final = 64
"""Requests of this process at a time; one is at most 8 x 384 tokens of three int64: 74 KB."""
_DIGITS: Final = 4
"""Of a score, as the model in the process gives them: what processors disagree on lies behind."""
_LEARN_SECONDS: Final = 2.0
_WATCH_SECONDS: Final = 15.0
"""How often servers are asked what they serve: a rollout shows sooner, by a request's failure."""
_SHARE_BEFORE_FALLBACK: Final = 0.5
"""Share of a call's time for the servers where a local model can use the rest."""


@dataclass(frozen=True, slots=True)
class TritonOptions:
    """How to ask.

    Attributes:
        model: Name of the model on the servers.
        timeout: Seconds that one try of a request may take.
        pause: Seconds for which a server that failed thrice in a row is left alone.
        access: Certificates.
    """

    model: str = "kompress"
    timeout: float = 1.0
    pause: float = PAUSE_SECONDS
    access: TritonAccess = field(default_factory=TritonAccess)


class TritonModel:
    """Implements Model; see model_port.

    Args:
        fleet: The servers.
        fallback: Who judges when they do not; NoModel: nobody. It is closed with this one.
    """

    def __init__(self, fleet: Fleet, fallback: Model | None = None) -> None:
        self._fleet = fleet
        self._fallback = fallback or NoModel()
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="furler-tokens")
        self._room = asyncio.Semaphore(_IN_FLIGHT)
        self._starting: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def version(self) -> str:
        """The servers' weights, or the local model's while those are not known or left alone.

        Without a local model it stays the servers': nobody would ask them any more otherwise.
        """
        if self._fallback.version and not self._fleet.answers:
            return self._fallback.version
        return self._fleet.identity

    async def start(self) -> None:
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
        # Who waits may give up; the start goes on for the others.
        await asyncio.shield(self._starting)

    async def judge(self, texts: Sequence[str], seconds: float) -> Judgement:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        identity = self._fleet.identity
        share = _SHARE_BEFORE_FALLBACK if self._fallback.version else 1.0
        try:
            async with asyncio.timeout_at(loop.time() + seconds * share) as limit:
                judgement = await self._judge(texts, identity, limit.when() or end)
            return checked(texts, judgement)
        except ReplicaError as error:
            trouble, said = _trouble(error), str(error)
        except TimeoutError:
            trouble, said = Trouble.TIMEOUT, "no answer within the time given"
        except ArtefactError as error:
            trouble, said = Trouble.NONE_SERVES, str(error)
        except ModelUnavailableError as error:
            trouble, said = error.trouble, str(error)
        if not self._fallback.version:
            raise ModelUnavailableError(trouble, said)
        return await self._fallback.judge(texts, max(end - loop.time(), 0.0))

    async def check(self) -> str:
        await self._fleet.learn(_LEARN_SECONDS)
        lines = [
            f"{member.name}: {member.trouble}"
            if member.trouble or member.served is None
            else f"{member.name}: {member.served.identity} (version {member.served.version})"
            for member in self._fleet.members
        ]
        if all(member.trouble for member in self._fleet.members):
            raise ModelUnavailableError(Trouble.NONE_SERVES, "; ".join(lines))
        return "; ".join(lines)

    async def close(self) -> None:
        self._closed = True
        for task in (self._starting, self._watch):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        await self._fleet.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._fallback.close()

    async def _start(self) -> None:
        # The tokenizer is read from disk once: not in the first call's time.
        loading = asyncio.get_running_loop().run_in_executor(self._threads, encode, "warm")
        await asyncio.gather(self._fleet.learn(_LEARN_SECONDS), loading, return_exceptions=True)
        if not self._fleet.answers:
            # Otherwise it is loaded when it is needed: a healthy fleet spares its memory.
            await self._fallback.start()
        if not self._closed:
            self._watch = asyncio.create_task(self._fleet.watch(_WATCH_SECONDS, _LEARN_SECONDS))

    async def _judge(self, texts: Sequence[str], identity: str, deadline: float) -> Judgement:
        if self._closed:
            raise ModelUnavailableError(Trouble.NONE_SERVES, "the model is closed")
        if not (identity := identity or await self._first_identity()):
            raise ModelUnavailableError(Trouble.NONE_SERVES, "no server said what it serves")
        loop = asyncio.get_running_loop()
        chunks = await loop.run_in_executor(self._threads, _encode_all, list(texts))
        flat = [chunk for of_text in chunks for chunk in of_text]
        answers = await self._ask_all(flat, identity, deadline)
        scores: list[tuple[float, ...]] = []
        for of_text in chunks:
            own, answers = answers[: len(of_text)], answers[len(of_text) :]
            scores.append(tuple(round(score, _DIGITS) for score in pool(of_text, own).tolist()))
        return Judgement(identity, tuple(scores))

    async def _first_identity(self) -> str:
        """Return what the servers serve where nobody called start: a library does not."""
        await self.start()
        return self._fleet.identity

    async def _ask_all(
        self, chunks: Sequence[Chunk], identity: str, deadline: float
    ) -> list[FloatVector]:
        """Return each chunk's probabilities; the first failure ends the other requests."""
        answers: dict[int, FloatVector] = {}
        rows = min(self._fleet.rows(identity), MAX_ROWS)
        window = asyncio.Semaphore(_WINDOW)

        async def ask(numbers: Sequence[int]) -> None:
            async with window, self._room:
                # A server that takes one row at a time joins nothing: padding would be work for it.
                batch = _batch([chunks[number] for number in numbers], padded=rows > 1)
                answer = await self._fleet.infer(batch, identity, deadline)
            answers.update(zip(numbers, answer, strict=True))

        batches = list(_batches(chunks, rows))
        tasks: list[asyncio.Task[None]] = []
        try:
            if batches and not self._fleet.answers:
                # A breaker lets one request through: others would fail, and end it with them.
                await ask(batches.pop())
            tasks = [asyncio.create_task(ask(numbers)) for numbers in batches]
            await asyncio.gather(*tasks)
        except asyncio.CancelledError:
            if self._closed:  # not the caller's doing: the channel was closed under the call
                raise ModelUnavailableError(Trouble.NONE_SERVES, "the model is closed") from None
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return [answers[number] for number in range(len(chunks))]


def open_triton(
    places: Iterable[TritonPlace], options: TritonOptions, fallback: Model | None = None
) -> TritonModel:
    """Return the model that servers at ``places`` serve. Nothing is connected to yet."""

    def opened(place: TritonPlace, address: str) -> Server:
        return Replica(place, options.model, options.access, address)

    return TritonModel(Fleet(Names(places, opened), options.timeout, options.pause), fallback)


def _encode_all(texts: list[str]) -> list[list[Chunk]]:
    return [encode(text) for text in texts]


def _batches(chunks: Sequence[Chunk], rows: int) -> Iterable[list[int]]:
    """Yield the numbers of chunks that go together: of one padded length, ``rows`` at most."""
    by_length: defaultdict[int, list[int]] = defaultdict(list)
    for number, chunk in enumerate(chunks):
        by_length[len(chunk.input_ids)].append(number)
    for numbers in by_length.values():
        for start in range(0, len(numbers), rows):
            yield numbers[start : start + rows]


def _batch(chunks: Sequence[Chunk], *, padded: bool) -> Batch:
    length = len(chunks[0].input_ids) if padded else chunks[0].length
    return Batch(
        np.stack([chunk.input_ids[:length] for chunk in chunks]),
        np.stack([chunk.attention_mask[:length] for chunk in chunks]),
        np.stack([chunk.token_type_ids[:length] for chunk in chunks]),
    )


def _trouble(error: ReplicaError) -> Trouble:
    match error:
        case ReplicaBusyError():
            return Trouble.OVERLOADED
        case ReplicaSilentError():
            return Trouble.TIMEOUT
        case ReplicaBrokenError():
            return Trouble.BAD_ANSWER
        case _:
            return Trouble.NONE_SERVES
