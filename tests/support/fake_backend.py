"""A backend that answers from a script and remembers what it was asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from typing import cast

from google.protobuf.message import Message

from furler.backends.base import Method, Request, Response

Outcome = Message | Exception
Answer = Callable[[Message], Outcome | list[Outcome]]


class FakeBackend:
    """Answers each method through a function of its request; an Exception is raised.

    A stream's function gets the last of its requests and returns a list.
    """

    def __init__(
        self, answers: dict[str, Answer] | None = None, stream_above: int | None = None
    ) -> None:
        self.answers = answers or {}
        self.stream_above = stream_above
        self.calls: list[tuple[str, Message]] = []
        self.seconds: list[float] = []
        self.opened = 0
        self.closed = 0

    def requests(self, name: str) -> list[Message]:
        """Return the requests of one method, by its bare name."""
        return [request for called, request in self.calls if called == name]

    async def open(self) -> None:
        self.opened += 1

    async def close(self) -> None:
        self.closed += 1

    async def unary(
        self, method: Method[Request, Response], request: Request, seconds: float
    ) -> Response:
        outcome = self._outcome(method, request, seconds)
        assert not isinstance(outcome, list)
        if isinstance(outcome, Exception):
            raise outcome
        return cast("Response", outcome)

    async def stream(
        self, method: Method[Request, Response], requests: Iterable[Request], seconds: float
    ) -> AsyncGenerator[Response]:
        request: Request | None = None
        for request in requests:
            self.calls.append((method.path.rpartition("/")[2], request))
        assert request is not None
        self.calls.pop()
        outcome = self._outcome(method, request, seconds)
        for each in outcome if isinstance(outcome, list) else [outcome]:
            if isinstance(each, Exception):
                raise each
            yield cast("Response", each)

    def _outcome(
        self, method: Method[Request, Response], request: Request, seconds: float
    ) -> Outcome | list[Outcome]:
        name = method.path.rpartition("/")[2]
        self.calls.append((name, request))
        self.seconds.append(seconds)
        answer = self.answers.get(name)
        return answer(request) if answer else method.response()


def in_turn(*outcomes: Outcome | list[Outcome]) -> Answer:
    """Return a function that gives one outcome per call; the last one again and again."""
    left = list(outcomes)

    def answer(_request: Message) -> Outcome | list[Outcome]:
        return left.pop(0) if len(left) > 1 else left[0]

    return answer
