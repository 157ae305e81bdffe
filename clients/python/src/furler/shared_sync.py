"""Shared context for threads: AsyncSharedSpace's calls, run in the event loop in the background."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping
from datetime import timedelta
from typing import Protocol, TypeVar

from furler import loop
from furler.shared import AsyncSharedSpace
from furler.sharing import Change, Entry, Listing, Written
from furler.values import Kind, Policy

_T = TypeVar("_T")


class Runner(Protocol):
    """Runs a coroutine of the client's, unless the client is closed."""

    def __call__(self, work: Callable[[], Coroutine[object, object, _T]]) -> _T:
        """Return what it returns."""
        ...


class SharedSpace:
    """One space's entries. Made by ``Furler.shared``; arguments are AsyncSharedSpace's."""

    def __init__(self, inner: AsyncSharedSpace, run: Runner) -> None:
        """Take the asynchronous face and the client's way to run it."""
        self._inner = inner
        self._run = run

    def put(  # noqa: PLR0913 - as AsyncSharedSpace.put
        self,
        key: str,
        content: str | bytes,
        *,
        kind: Kind | str | None = None,
        query: str | None = None,
        tool: str | None = None,
        filename: str | None = None,
        policy: Policy | Mapping[str, object] | None = None,
        retention: timedelta | float | None = None,
        if_revision: int | None = None,
        author: str | None = None,
        request_id: str | None = None,
    ) -> Written:
        """Compress a content and keep it under a key; see AsyncSharedSpace.put."""
        return self._run(
            lambda: self._inner.put(
                key,
                content,
                kind=kind,
                query=query,
                tool=tool,
                filename=filename,
                policy=policy,
                retention=retention,
                if_revision=if_revision,
                author=author,
                request_id=request_id,
            )
        )

    def get(self, key: str, *, original: bool = False, min_revision: int = 0) -> Entry:
        """Return an entry with its view; see AsyncSharedSpace.get."""
        return self._run(lambda: self._inner.get(key, original=original, min_revision=min_revision))

    def list(self, prefix: str = "") -> Listing:
        """Return the entries whose keys have a prefix; see AsyncSharedSpace.list."""
        return self._run(lambda: self._inner.list(prefix))

    def delete(
        self, key: str, *, if_revision: int | None = None, request_id: str | None = None
    ) -> int:
        """Remove an entry; return the removal's revision. Raises EntryNotFoundError."""
        return self._run(
            lambda: self._inner.delete(key, if_revision=if_revision, request_id=request_id)
        )

    def watch(
        self, prefix: str = "", *, after: int | None = None, seconds: float | None = None
    ) -> Iterator[Change]:
        """Yield every change in order, each once; see AsyncSharedSpace.watch. Waits in between."""
        changes = self._inner.watch(prefix, after=after, seconds=seconds)

        async def following() -> Change | None:
            return await anext(changes, None)

        try:
            while (change := self._run(following)) is not None:
                yield change
        finally:
            loop.run(changes.aclose())
