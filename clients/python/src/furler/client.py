"""The asynchronous face: the same calls for a server and for the engine in this process."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from furler import conversation_messages, messages, requests
from furler.backends import base
from furler.backends.retry import RetryingBackend
from furler.content import encode
from furler.conversations import Compaction, Conversation, Dialect, Mode
from furler.errors import (
    ContentCorruptError,
    DeadlineExceededError,
    FurlerError,
    ServerError,
    UnavailableError,
)
from furler.requests import Prepared, Upload
from furler.selectors import Lines, Wanted
from furler.shared import AsyncSharedSpace
from furler.v1 import compression_pb2 as compression
from furler.v1 import compressor_service_pb2 as compressor
from furler.v1 import content_service_pb2 as content
from furler.v1 import info_service_pb2 as info
from furler.values import (
    Capabilities,
    Digest,
    Explanation,
    Item,
    Kind,
    Policy,
    Retrieved,
    Stats,
    View,
)

if TYPE_CHECKING:
    from furler.backends.remote import Tls, Token

PolicyLike = Policy | Mapping[str, object] | None

DEFAULT_TIMEOUT: Final = 60.0
"""Seconds a call may take, retries included: what the largest content needs, and some."""
DEFAULT_SPACE: Final = "default"


class AsyncFurler:
    """Furler for asyncio. Safe for concurrent tasks of one event loop.

    Make one with ``connect`` or ``embedded``, use it for the life of the
    program, close it at the end (or use it as an async context manager).
    Every method raises FurlerError, of the subclass that says what went wrong.
    """

    def __init__(
        self, backend: base.Backend, *, timeout: float = DEFAULT_TIMEOUT, agent: str = ""
    ) -> None:
        """Take a backend. ``agent`` is the name that goes into the server's ledgers."""
        self._backend = backend
        self._timeout = timeout
        self._agent = agent
        self._limits: Capabilities | None = None

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
        """Return a client of the server at ``host:port``. It connects at the first call.

        Args:
            target: ``host:port``, or any name that gRPC resolves, such as ``dns:///furler:50051``.
            token: Bearer token, or a function that returns the current one.
            tls: True for TLS with the system's authorities, a Tls for more. None: TLS
                only if there is a token and the target is not this machine.
            timeout: Seconds a call may take, retries included.
            agent: Name of the calling agent, for the server's ledgers.
        """
        from furler.backends.remote import RemoteBackend  # noqa: PLC0415 - gRPC only if it is used

        backend = RetryingBackend(RemoteBackend(target, token=token, tls=tls, agent=agent))
        return cls(backend, timeout=timeout, agent=agent)

    @classmethod
    def embedded(
        cls, store: str | None = None, *, timeout: float = DEFAULT_TIMEOUT, agent: str = ""
    ) -> Self:
        """Return a client of the engine in this process. It opens at the first call.

        Args:
            store: A directory for SQLite, a ``redis://`` URL, or ``memory:``; None takes
                FURLER_STORE from the environment, else the user's data directory.
            timeout: Seconds a call may take.
            agent: Name of the calling agent.
        """
        from furler.backends.embedded import EmbeddedBackend  # noqa: PLC0415 - as above

        return cls(RetryingBackend(EmbeddedBackend(store)), timeout=timeout, agent=agent)

    async def open(self) -> None:
        """Open now instead of at the first call, so that a wrong setting shows now."""
        await self._backend.open()

    async def close(self) -> None:
        """Release the connection or the store. May be called again."""
        await self._backend.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def compress(  # noqa: PLR0913 - hints are optional and by name
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
        """Return a view of a content: what to put in the prompt instead of it.

        Args:
            content: UTF-8 text, at most 64 MiB.
            kind: What it is; else it is detected.
            query: What the agent is looking for: it stays visible.
            tool: Name of the tool whose output it is.
            filename: Where it comes from; the suffix tells the language.
            policy: How to compress: a Policy, or a dict of its fields.
            space: Scope of storage within the tenant.
        """
        item = self._prepare(Item(content, kind, query, tool, filename))
        return await self._compress(item, messages.policy(policy), space)

    async def compress_many(
        self,
        contents: Iterable[str | bytes | Item],
        *,
        policy: PolicyLike = None,
        space: str = DEFAULT_SPACE,
    ) -> list[View | FurlerError]:
        """Return for each content, in order, its view or the error that it failed with.

        A content with hints comes as an Item. What is wrong with the call as a whole is raised.
        """
        outcomes: dict[int, View | FurlerError] = {}
        prepared: dict[int, Prepared] = {}
        for position, each in enumerate(contents):
            try:
                prepared[position] = self._prepare(each if isinstance(each, Item) else Item(each))
            except FurlerError as error:
                outcomes[position] = error
        message = messages.policy(policy)
        positions, items = list(prepared), list(prepared.values())
        limit = (await self._capabilities()).max_batch_items if items else 1
        for batch in requests.batches(items, max(1, limit), self._backend.stream_above):
            results = await self._compress_batch([items[at] for at in batch], message, space)
            outcomes |= {positions[at]: result for at, result in zip(batch, results, strict=True)}
        return [outcomes[position] for position in sorted(outcomes)]

    async def compress_conversation(  # noqa: PLR0913 - all but the body by name
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
        """Return a provider request with its tool results compressed in place.

        Args:
            body: The request as it would go to the provider, byte for byte.
            dialect: ``openai_chat``, ``openai_responses`` or ``anthropic_messages``.
            conversation: Its name: a block keeps its first view for the conversation's life.
            policy: How to compress; a conversation keeps the one it began with.
            space: Scope of storage within the tenant.
            query: What the agent looks for: it stays visible.
            frozen_messages: Leading messages to leave alone.
            compaction: A new epoch, planned or applied: a Compaction, or a dict of its fields.
            relocate_volatile: Move volatile text from the system prompt to the last message.
            mode: Compress it, only measure, or leave it alone; a conversation keeps its first.
            tag: Text of the caller's own to keep with the mode.
        """
        request = await conversation_messages.request(body, dialect, policy, compaction, mode)
        request.space, request.query, request.conversation = space, query or "", conversation or ""
        request.frozen_messages, request.tag = frozen_messages, tag
        request.relocate_volatile = relocate_volatile
        response = await self._backend.unary(base.COMPRESS_CONVERSATION, request, self._timeout)
        return await conversation_messages.result(body, request, response)

    async def explain(  # noqa: PLR0913 - as compress
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
        """Return what compress would do, and why. Nothing is stored."""
        item = self._prepare(Item(content, kind, query, tool, filename))
        wanted = messages.policy(policy)
        request = compressor.ExplainRequest(space=space, content=item.content(), policy=wanted)
        response = await self._backend.unary(base.EXPLAIN, request, self._timeout)
        return messages.explanation_from(response)

    async def retrieve(  # noqa: PLR0913 - one argument per way to pick
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
        """Return part of an original; the whole of it when nothing picks.

        Args:
            ref: Reference from a view.
            marker: A selector as the view prints it: ``L120-188``, ``$.data[3:480]``.
            lines: ``"120-188"``, ``"L120-188"``, ``12``, or ``(120, 188)``; from 1, inclusive.
            match: RE2 pattern; picks the lines it matches.
            context: Lines of context around each match.
            path: RFC 9535 JSONPath query.
            symbol: Qualified name of a function, class or section.
            query: A question; picks the passages that answer it best.
            limit: How many passages at most.
            max_tokens: Bound of one page; None takes the server's default.
            page: ``next_page`` of the answer to go on after.
            space: Space the view was made in.
        """
        wanted = Wanted(marker, lines, match, context, path, symbol, query, limit)
        request = requests.retrieve(ref, wanted, max_tokens, page, space)
        response = await self._backend.unary(base.RETRIEVE, request, self._timeout)
        return messages.retrieved_from(response)

    async def read(
        self, ref: str, *, offset: int = 0, space: str = DEFAULT_SPACE
    ) -> AsyncGenerator[bytes]:
        """Yield a whole original in chunks, from an offset on.

        A stream that breaks is resumed where it broke, as long as it gets on. From
        offset 0 the bytes are checked against their digest: ContentCorruptError
        comes at the end, for the caller to throw away what it got.
        """
        requests.check_ref(ref)
        hasher = hashlib.sha256()
        at, expected = offset, b""
        while True:
            before = at
            request = content.ReadContentRequest(space=space, ref=ref, offset=at)
            try:
                stream = self._backend.stream(base.READ_CONTENT, [request], self._timeout)
                async with aclosing(stream) as responses:
                    async for message in responses:
                        expected = message.original.sha256 or expected
                        at += len(message.chunk)
                        hasher.update(message.chunk)
                        yield message.chunk
            except (UnavailableError, DeadlineExceededError):
                if at == before:
                    raise
            else:
                break
        if offset == 0 and hasher.digest() != expected:
            problem = "what was read does not match its digest"
            raise ContentCorruptError(problem, metadata={"ref": ref})

    async def find_missing(
        self,
        digests: Iterable[Digest],
        *,
        retention: timedelta | float | None = None,
        space: str = DEFAULT_SPACE,
    ) -> list[Digest]:
        """Return the digests whose contents the space does not hold.

        The others are kept for at least ``retention`` from now (seconds if a number).
        """
        wanted = list(digests)
        kept = None if retention is None else messages.retention(retention, "retention")
        missing: list[Digest] = []
        size = max(1, (await self._capabilities()).max_batch_items) if wanted else 1
        for at in range(0, len(wanted), size):
            request = content.FindMissingRequest(
                space=space,
                digests=[messages.digest(each) for each in wanted[at : at + size]],
                retention=kept,
            )
            response = await self._backend.unary(base.FIND_MISSING, request, self._timeout)
            missing += [messages.digest_from(each) for each in response.missing]
        return missing

    async def delete(self, ref: str, *, space: str = DEFAULT_SPACE) -> None:
        """Forget an original and every view of it; nothing happens if it is not held."""
        requests.check_ref(ref)
        request = content.DeleteContentRequest(space=space, ref=ref)
        await self._backend.unary(base.DELETE_CONTENT, request, self._timeout)

    def shared(self, space: str = DEFAULT_SPACE) -> AsyncSharedSpace:
        """Return the entries that agents share in a space: put, get, list, delete, watch."""
        return AsyncSharedSpace(self._backend, space, self._timeout, self._agent)

    async def stats(self, *, space: str = DEFAULT_SPACE) -> Stats:
        """Return what the space has saved and holds."""
        asked = info.GetStatsRequest(space=space)
        return messages.stats_from(await self._backend.unary(base.GET_STATS, asked, self._timeout))

    async def capabilities(self, *, space: str = DEFAULT_SPACE) -> Capabilities:
        """Return the server's limits and features."""
        request = info.GetCapabilitiesRequest(space=space)
        response = await self._backend.unary(base.GET_CAPABILITIES, request, self._timeout)
        return messages.capabilities_from(response)

    async def _capabilities(self) -> Capabilities:
        if self._limits is None:
            self._limits = await self.capabilities()
        return self._limits

    def _prepare(self, item: Item) -> Prepared:
        hints = messages.hints(item.kind, item.query, item.tool, item.filename, self._agent)
        return Prepared(encode(item.content), hints)

    async def _compress(
        self, item: Prepared, policy: compression.Policy | None, space: str
    ) -> View:
        above = self._backend.stream_above
        if above is not None and len(item.data) > above:
            return await self._compress_stream(item, policy, space)
        request = compressor.CompressRequest(space=space, content=item.content(), policy=policy)
        response = await self._backend.unary(base.COMPRESS, request, self._timeout)
        return messages.view_from(response.view)

    async def _compress_stream(
        self, item: Prepared, policy: compression.Policy | None, space: str
    ) -> View:
        digest = messages.digest(Digest.of(item.data))
        upload = Upload(requests.header(space, item, policy, digest), item.data)
        text = bytearray()
        view: View | None = None
        async for message in self._backend.stream(base.STREAM_COMPRESS, upload, self._timeout):
            if message.WhichOneof("part") == "chunk":
                text += message.chunk
            else:
                view = messages.view_from(message.summary, text.decode())
        if view is None:
            raise ServerError("the stream ended before the view was complete")
        return view

    async def _compress_batch(
        self, items: list[Prepared], policy: compression.Policy | None, space: str
    ) -> list[View | FurlerError]:
        above = self._backend.stream_above
        if above is not None and len(items[0].data) > above:
            # Too large for a batch, so it is the only one of this one.
            try:
                return [await self._compress_stream(items[0], policy, space)]
            except FurlerError as error:
                return [error]
        contents = [item.content() for item in items]
        request = compressor.BatchCompressRequest(space=space, contents=contents, policy=policy)
        response = await self._backend.unary(base.BATCH_COMPRESS, request, self._timeout)
        return messages.outcomes_from(response, len(items))
