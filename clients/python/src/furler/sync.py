"""The synchronous face: AsyncFurler's calls, run in the event loop in the background."""

from __future__ import annotations

import atexit
import contextlib
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Final, ParamSpec, Self, TypeVar

from furler import loop
from furler.client import DEFAULT_SPACE, DEFAULT_TIMEOUT, AsyncFurler, PolicyLike
from furler.conversations import Compaction, Conversation, Dialect, Mode
from furler.errors import ClosedError, FurlerError
from furler.selectors import Lines
from furler.shared_sync import SharedSpace
from furler.values import (
    Capabilities,
    Digest,
    Explanation,
    Item,
    Kind,
    Retrieved,
    Stats,
    View,
)

if TYPE_CHECKING:
    from furler.backends.remote import Tls, Token

_P = ParamSpec("_P")
_T = TypeVar("_T")

EXIT_SECONDS: Final = 5.0
"""How long the end of the program may wait for a client that was not closed."""


class Furler:
    """Furler for threads. Safe for any number of them.

    Make one with ``connect`` or ``embedded``, use it for the life of the
    program, close it at the end (or use it as a context manager). Arguments,
    results and errors are those of AsyncFurler, where they are described.
    """

    def __init__(self, inner: AsyncFurler) -> None:
        """Take an asynchronous client that no event loop uses yet, and open it."""
        self._inner = inner
        self._closed = False
        self._lock = threading.Lock()
        loop.run(inner.open())
        _open.add(self)

    @classmethod
    def connect(
        cls,
        target: str,
        *,
        token: Token | None = None,
        tls: Tls | bool | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        agent: str = "",
    ) -> Self:
        """Return a client of the server at ``host:port``; see AsyncFurler.connect."""
        return cls(AsyncFurler.connect(target, token=token, tls=tls, timeout=timeout, agent=agent))

    @classmethod
    def embedded(
        cls, store: str | None = None, *, timeout: float = DEFAULT_TIMEOUT, agent: str = ""
    ) -> Self:
        """Return a client of the engine in this process; see AsyncFurler.embedded."""
        return cls(AsyncFurler.embedded(store, timeout=timeout, agent=agent))

    def close(self) -> None:
        """Release the connection or the store. May be called again."""
        with self._lock:
            if not self._closed:
                self._closed = True
                loop.run(self._inner.close())

    def abandon(self) -> None:
        """Close, but wait no longer than EXIT_SECONDS: the program is about to end."""
        if not self._closed:
            self._closed = True
            loop.run(self._inner.close(), EXIT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def compress(  # noqa: PLR0913 - as AsyncFurler.compress
        self,
        content: str | bytes,
        *,
        kind: Kind | str | None = None,
        query: str | None = None,
        tool: str | None = None,
        filename: str | None = None,
        policy: PolicyLike = None,
        space: str = DEFAULT_SPACE,
    ) -> View:
        """Return a view of a content; see AsyncFurler.compress."""
        return self._run(
            self._inner.compress,
            content,
            kind=kind,
            query=query,
            tool=tool,
            filename=filename,
            policy=policy,
            space=space,
        )

    def compress_many(
        self,
        contents: Iterable[str | bytes | Item],
        *,
        policy: PolicyLike = None,
        space: str = DEFAULT_SPACE,
    ) -> list[View | FurlerError]:
        """Return for each content its view or its error; see AsyncFurler.compress_many."""
        # The caller's iterable is run in the caller's thread.
        return self._run(self._inner.compress_many, list(contents), policy=policy, space=space)

    def compress_conversation(  # noqa: PLR0913 - as AsyncFurler.compress_conversation
        self,
        body: bytes,
        dialect: Dialect | str,
        *,
        conversation: str | None = None,
        policy: PolicyLike = None,
        space: str = DEFAULT_SPACE,
        query: str | None = None,
        frozen_messages: int = 0,
        compaction: Compaction | Mapping[str, object] | None = None,
        relocate_volatile: bool = False,
        mode: Mode | str = Mode.APPLY,
        tag: str = "",
    ) -> Conversation:
        """Return a provider request, compressed; see AsyncFurler.compress_conversation."""
        return self._run(
            self._inner.compress_conversation,
            body,
            dialect,
            conversation=conversation,
            policy=policy,
            space=space,
            query=query,
            frozen_messages=frozen_messages,
            compaction=compaction,
            relocate_volatile=relocate_volatile,
            mode=mode,
            tag=tag,
        )

    def explain(  # noqa: PLR0913 - as AsyncFurler.explain
        self,
        content: str | bytes,
        *,
        kind: Kind | str | None = None,
        query: str | None = None,
        tool: str | None = None,
        filename: str | None = None,
        policy: PolicyLike = None,
        space: str = DEFAULT_SPACE,
    ) -> Explanation:
        """Return what compress would do, and why; see AsyncFurler.explain."""
        return self._run(
            self._inner.explain,
            content,
            kind=kind,
            query=query,
            tool=tool,
            filename=filename,
            policy=policy,
            space=space,
        )

    def retrieve(  # noqa: PLR0913 - as AsyncFurler.retrieve
        self,
        ref: str,
        *,
        marker: str | None = None,
        lines: Lines | None = None,
        match: str | None = None,
        context: int = 0,
        path: str | None = None,
        symbol: str | None = None,
        query: str | None = None,
        limit: int = 0,
        max_tokens: int | None = None,
        page: str | None = None,
        space: str = DEFAULT_SPACE,
    ) -> Retrieved:
        """Return part of an original; see AsyncFurler.retrieve."""
        return self._run(
            self._inner.retrieve,
            ref,
            marker=marker,
            lines=lines,
            match=match,
            context=context,
            path=path,
            symbol=symbol,
            query=query,
            limit=limit,
            max_tokens=max_tokens,
            page=page,
            space=space,
        )

    def read(self, ref: str, *, offset: int = 0, space: str = DEFAULT_SPACE) -> Iterator[bytes]:
        """Yield a whole original in chunks; see AsyncFurler.read."""
        chunks = self._inner.read(ref, offset=offset, space=space)

        async def following() -> bytes | None:
            return await anext(chunks, None)

        try:
            while (chunk := self._run(following)) is not None:
                yield chunk
        finally:
            loop.run(chunks.aclose())

    def find_missing(
        self,
        digests: Iterable[Digest],
        *,
        retention: timedelta | float | None = None,
        space: str = DEFAULT_SPACE,
    ) -> list[Digest]:
        """Return the digests the space does not hold; see AsyncFurler.find_missing."""
        return self._run(self._inner.find_missing, list(digests), retention=retention, space=space)

    def delete(self, ref: str, *, space: str = DEFAULT_SPACE) -> None:
        """Forget an original and every view of it; see AsyncFurler.delete."""
        self._run(self._inner.delete, ref, space=space)

    def shared(self, space: str = DEFAULT_SPACE) -> SharedSpace:
        """Return the entries that agents share in a space: put, get, list, delete, watch."""
        return SharedSpace(self._inner.shared(space), self._run)

    def stats(self, *, space: str = DEFAULT_SPACE) -> Stats:
        """Return what the space has saved and holds."""
        return self._run(self._inner.stats, space=space)

    def capabilities(self, *, space: str = DEFAULT_SPACE) -> Capabilities:
        """Return the server's limits and features."""
        return self._run(self._inner.capabilities, space=space)

    def _run(
        self,
        work: Callable[_P, Coroutine[object, object, _T]],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        if self._closed:
            raise ClosedError("the client is closed")
        return loop.run(work(*args, **kwargs))


_open: weakref.WeakSet[Furler] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Close what the program left open: what was accepted is written, and nothing warns."""
    for client in list(_open):
        # A store that hangs, or an executor that is gone already, must not keep the
        # program from ending.
        with contextlib.suppress(FurlerError, TimeoutError, RuntimeError):
            client.abandon()
