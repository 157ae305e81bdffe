"""The isolation matrix: every RPC, given what is another tenant's, answers as if it never existed.

One row per RPC. A row is run as the stranger twice: once with names that the owner's content has,
once with names that nobody's has. Both answers must be the same to the last detail, and the
service must have asked its store the same questions: so there is nothing to measure either.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pytest
from google.protobuf.message import Message

from furler.v1 import compressor_service_pb2 as compressor
from furler.v1 import content_pb2 as content
from furler.v1 import content_service_pb2 as contents
from furler.v1 import conversation_pb2 as conversation
from furler.v1 import info_service_pb2 as info
from furler.v1 import shared_context_service_pb2 as shared
from furler_compressor.adapters.memory_entries import MemoryEntries
from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.adapters.open_store import StoreOptions, decorate
from furler_compressor.adapters.wrap.forward import ForwardingStore
from furler_compressor.app.context import Caller, Context
from furler_compressor.app.entries_port import Bounds
from furler_compressor.app.errors import FurlerError
from furler_compressor.app.identity import ROLES, Grant
from furler_compressor.app.ports import Held, Lease, Pin, Record, Scope, Store, StoredView, Usage
from furler_compressor.app.sharing import Sharing, SharingLimits
from furler_compressor.rpc import convert
from furler_compressor.rpc.errors import Status, status_of
from furler_compressor.rpc.handlers import Handlers
from furler_compressor.rpc.methods import METHODS
from support.fakes import DirectEngine, context
from support.inputs import service_log

pytestmark = pytest.mark.anyio

SECRET = service_log(300)
TURN = json.dumps(
    {
        "model": "m",
        "messages": [
            {"role": "user", "content": "why did it fail?"},
            {
                "role": "assistant",
                "tool_calls": [
                    {
                        "id": "c1",
                        "type": "function",
                        "function": {"name": "logs", "arguments": "{}"},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": SECRET},
        ],
    }
).encode()
OWNER, STRANGER = "owner", "stranger"
NOT_FOUND = "content not found: expired, deleted, or never stored here"


@dataclass(frozen=True, slots=True)
class Names:
    """How a request may name what is stored."""

    ref: str
    sha256: bytes
    space: str
    page_token: str
    key: str
    conversation: str
    list_token: str


@dataclass(frozen=True, slots=True)
class Row:
    """How to ask one RPC for what ``names`` names, and what the stranger must be told."""

    request: Callable[[Names], Message]
    not_found: bool


def stored(names: Names) -> content.Content:
    return content.Content(stored=content.Digest(sha256=names.sha256))


ROWS: dict[str, Row] = {
    "/furler.v1.CompressorService/Compress": Row(
        lambda n: compressor.CompressRequest(space=n.space, content=stored(n)), not_found=True
    ),
    "/furler.v1.CompressorService/BatchCompress": Row(
        lambda n: compressor.BatchCompressRequest(space=n.space, contents=[stored(n)] * 2),
        not_found=False,
    ),
    # A stream carries its own bytes: it names nothing that is stored but by sending all of it.
    "/furler.v1.CompressorService/StreamCompress": Row(
        lambda n: compressor.StreamCompressRequest(
            header=compressor.StreamCompressHeader(space=n.space)
        ),
        not_found=False,
    ),
    "/furler.v1.CompressorService/Explain": Row(
        lambda n: compressor.ExplainRequest(space=n.space, content=stored(n)), not_found=True
    ),
    # A conversation's name is the caller's own: another tenant's has other pins, or none.
    "/furler.v1.CompressorService/CompressConversation": Row(
        lambda n: compressor.CompressConversationRequest(
            space=n.space,
            conversation=n.conversation,
            dialect=conversation.DIALECT_OPENAI_CHAT,
            body=TURN,
        ),
        not_found=False,
    ),
    "/furler.v1.ContentService/Retrieve": Row(
        lambda n: contents.RetrieveRequest(space=n.space, ref=n.ref, page_token=n.page_token),
        not_found=True,
    ),
    "/furler.v1.ContentService/BatchRetrieve": Row(
        lambda n: contents.BatchRetrieveRequest(
            requests=[contents.RetrieveRequest(space=n.space, ref=n.ref, page_token=n.page_token)]
        ),
        not_found=False,
    ),
    "/furler.v1.ContentService/ReadContent": Row(
        lambda n: contents.ReadContentRequest(space=n.space, ref=n.ref, offset=7), not_found=True
    ),
    "/furler.v1.ContentService/FindMissing": Row(
        lambda n: contents.FindMissingRequest(
            space=n.space, digests=[content.Digest(sha256=n.sha256)]
        ),
        not_found=False,
    ),
    "/furler.v1.ContentService/DeleteContent": Row(
        lambda n: contents.DeleteContentRequest(space=n.space, ref=n.ref), not_found=False
    ),
    "/furler.v1.InfoService/GetCapabilities": Row(
        lambda n: info.GetCapabilitiesRequest(space=n.space), not_found=False
    ),
    "/furler.v1.InfoService/GetIdentity": Row(lambda _: info.GetIdentityRequest(), not_found=False),
    "/furler.v1.InfoService/GetStats": Row(
        lambda n: info.GetStatsRequest(space=n.space), not_found=False
    ),
    # An entry's content may be named by digest; its key is the caller's own.
    "/furler.v1.SharedContextService/PutEntry": Row(
        lambda n: shared.PutEntryRequest(space=n.space, key=n.key, content=stored(n)),
        not_found=True,
    ),
    "/furler.v1.SharedContextService/GetEntry": Row(
        lambda n: shared.GetEntryRequest(space=n.space, key=n.key, include_original=True),
        not_found=False,
    ),
    "/furler.v1.SharedContextService/ListEntries": Row(
        lambda n: shared.ListEntriesRequest(space=n.space, page_token=n.list_token),
        not_found=False,
    ),
    "/furler.v1.SharedContextService/DeleteEntry": Row(
        lambda n: shared.DeleteEntryRequest(space=n.space, key=n.key), not_found=False
    ),
    "/furler.v1.SharedContextService/WatchEntries": Row(
        lambda n: shared.WatchEntriesRequest(space=n.space, after_revision=0), not_found=False
    ),
}


class Watched(ForwardingStore):
    """Notes which calls reach the store, in order, with the names left out."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.calls: list[tuple[str, str]] = []

    async def recall(
        self, scope: Scope, ref: str, recipe: str, retention: float, lease: Lease | None = None
    ) -> bytes | None:
        self.calls.append(("recall", scope.tenant))
        return await super().recall(scope, ref, recipe, retention, lease)

    async def commit(
        self, scope: Scope, record: Record, view: StoredView | None, retention: float
    ) -> None:
        self.calls.append(("commit", scope.tenant))
        await super().commit(scope, record, view, retention)

    async def fetch(self, scope: Scope, ref: str) -> Held | None:
        self.calls.append(("fetch", scope.tenant))
        return await super().fetch(scope, ref)

    async def find_missing(self, scope: Scope, refs: list[str], retention: float) -> list[str]:
        self.calls.append(("find_missing", scope.tenant))
        return await super().find_missing(scope, refs, retention)

    async def pins(self, scope: Scope, conversation: str, retention: float) -> dict[str, bytes]:
        self.calls.append(("pins", scope.tenant))
        return await super().pins(scope, conversation, retention)

    async def pin(
        self, scope: Scope, conversation: str, pins: Mapping[str, Pin], retention: float
    ) -> dict[str, bytes]:
        self.calls.append(("pin", scope.tenant))
        return await super().pin(scope, conversation, pins, retention)

    async def commit_all(self, scope: Scope, records: Sequence[Record], retention: float) -> None:
        self.calls.append(("commit_all", scope.tenant))
        await super().commit_all(scope, records, retention)

    async def delete(self, scope: Scope, ref: str) -> None:
        self.calls.append(("delete", scope.tenant))
        await super().delete(scope, ref)

    async def usage(self, scope: Scope) -> Usage:
        self.calls.append(("usage", scope.tenant))
        return await super().usage(scope)


def caller(tenant: str) -> Caller:
    grant = Grant(tenant, f"key of {tenant}", roles=ROLES)
    return Caller(tenant, asyncio.get_running_loop().time() + 30, grant=grant)


async def outcome(handlers: Handlers, name: str, request: Message, tenant: str) -> object:
    """Return all that a caller sees of a call: its messages, or its status with every detail."""
    method = METHODS[name]
    try:
        if method.client_streams:
            chunk = compressor.StreamCompressRequest(chunk=b"the stranger's own words")

            async def requests() -> AsyncIterator[Message]:
                yield request
                yield chunk

            work = method.both_streams(handlers)(caller(tenant), requests())
            return [message async for message in work]
        if method.server_streams:
            stream = method.server_stream(handlers)(caller(tenant), request)
            # A watch does not end by itself; what it first says is all there is to see.
            return [await anext(stream)]
        return await method.unary(handlers)(caller(tenant), request)
    except FurlerError as error:
        return status_of(error)


@dataclass(frozen=True, slots=True)
class World:
    """A service that holds one secret of the owner, and how its owner names it."""

    service: Context
    handlers: Handlers
    store: Watched
    owned: Names

    async def asked(self, name: str, names: Names) -> tuple[object, list[tuple[str, str]]]:
        """Return the stranger's answer, and what the service asked its store."""
        await self.service.drain()
        self.store.calls.clear()
        answer = await outcome(self.handlers, name, ROWS[name].request(names), STRANGER)
        await self.service.drain()
        return answer, list(self.store.calls)


@pytest.fixture
async def world() -> World:
    return await new_world()


async def new_world() -> World:
    store = Watched(decorate(MemoryStore(), StoreOptions()))
    limits = SharingLimits(Bounds(100, 1_000_000))
    sharing = Sharing(MemoryEntries(), limits)
    service = replace(context(store, DirectEngine()), sharing=sharing)
    handlers = Handlers(service)
    request = compressor.CompressRequest(
        space="vault", content=content.Content(inline=SECRET.encode())
    )
    answer = await outcome(handlers, "/furler.v1.CompressorService/Compress", request, OWNER)
    assert isinstance(answer, compressor.CompressResponse)
    for key in ("plan", "secret"):
        put = shared.PutEntryRequest(
            space="vault", key=key, content=content.Content(inline=SECRET.encode())
        )
        name = "/furler.v1.SharedContextService/PutEntry"
        assert isinstance(await outcome(handlers, name, put, OWNER), shared.PutEntryResponse)
    listing = await outcome(
        handlers,
        "/furler.v1.SharedContextService/ListEntries",
        shared.ListEntriesRequest(space="vault", page_size=1),
        OWNER,
    )
    assert isinstance(listing, shared.ListEntriesResponse)
    turn = compressor.CompressConversationRequest(
        space="vault",
        conversation="talk",
        dialect=conversation.DIALECT_OPENAI_CHAT,
        body=TURN,
        query="fatal",
    )
    name = "/furler.v1.CompressorService/CompressConversation"
    talked = await outcome(handlers, name, turn, OWNER)
    assert isinstance(talked, compressor.CompressConversationResponse)
    assert len(talked.edits) == 1
    digest = hashlib.sha256(SECRET.encode()).digest()
    owned = Names(
        answer.view.ref,
        digest,
        "vault",
        convert.page_to(100),
        key="secret",
        conversation="talk",
        list_token=listing.next_page_token,
    )
    assert owned.list_token
    return World(service, handlers, store, owned)


def never_was(names: Names) -> Names:
    """Return names like these that nobody's content ever had."""
    digest = hashlib.sha256(b"never sent by anybody").digest()
    # The revision in a token is repeated to who gave it: it may be anything.
    revision = base64.urlsafe_b64decode(names.list_token).partition(b":")[0]
    return replace(
        names,
        ref="a" * len(names.ref),
        sha256=digest,
        key="never",
        conversation="never",
        list_token=base64.urlsafe_b64encode(revision + b":never").decode(),
    )


FOREIGN: dict[str, Callable[[Names], Names]] = {
    "reference, digest and space": lambda names: names,
    "reference and digest, own space": lambda names: replace(names, space="default"),
    "space alone": never_was,
    "with a page token": lambda names: replace(names, page_token=convert.page_to(0)),
    "without a page token": lambda names: replace(names, page_token=""),
}


def test_every_rpc_has_its_row() -> None:
    assert sorted(ROWS) == sorted(METHODS), "a new RPC needs a row: what may a stranger name in it?"


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("name", ROWS)
async def test_what_is_foreign_looks_like_what_never_was(name: str, kind: str) -> None:
    # Two worlds: what the stranger stores by the first call is not to change the second.
    world, other = await new_world(), await new_world()
    foreign = FOREIGN[kind](world.owned)
    real, real_calls = await world.asked(name, foreign)
    made_up, made_up_calls = await other.asked(name, never_was(foreign))
    if isinstance(real, contents.FindMissingResponse):
        assert [d.sha256 for d in real.missing] == [foreign.sha256]
        assert isinstance(made_up, contents.FindMissingResponse)
        assert [d.sha256 for d in made_up.missing] == [never_was(foreign).sha256]
    elif isinstance(real, Status) and real.reason == "ENTRY_NOT_FOUND":
        # It repeats the key, which is the caller's own word.
        assert isinstance(made_up, Status)
        assert (real.code, real.message) == (made_up.code, made_up.message)
        assert (real.metadata, made_up.metadata) == (
            (("key", foreign.key),),
            (("key", never_was(foreign).key),),
        )
    elif isinstance(real, compressor.CompressConversationResponse):
        assert isinstance(made_up, compressor.CompressConversationResponse)
        assert [edit.view.text for edit in real.edits] == [e.view.text for e in made_up.edits]
        assert real.frozen_bytes == made_up.frozen_bytes
        real = None  # its views are of the stranger's own body, which it may well read
    else:
        assert real == made_up
    assert real_calls == made_up_calls
    assert {tenant for _, tenant in real_calls} <= {STRANGER}
    if ROWS[name].not_found:
        assert isinstance(real, Status)
        assert (real.code.name, real.message, real.metadata) == ("NOT_FOUND", NOT_FOUND, ())
    assert "FATAL" not in str(real)


async def test_items_of_a_batch_are_told_the_same(world: World) -> None:
    for name in (
        "/furler.v1.CompressorService/BatchCompress",
        "/furler.v1.ContentService/BatchRetrieve",
    ):
        answer, _ = await world.asked(name, world.owned)
        assert isinstance(answer, compressor.BatchCompressResponse | contents.BatchRetrieveResponse)
        for result in answer.results:
            assert result.WhichOneof("outcome") == "error"
            assert (result.error.message, dict(result.error.metadata)) == (NOT_FOUND, {})


async def test_after_all_a_stranger_tried_the_owner_still_has_everything(world: World) -> None:
    for name in ROWS:
        await world.asked(name, world.owned)
    request = contents.RetrieveRequest(space="vault", ref=world.owned.ref)
    answer = await outcome(world.handlers, "/furler.v1.ContentService/Retrieve", request, OWNER)
    assert isinstance(answer, contents.RetrieveResponse)
    assert answer.data == SECRET.encode()


async def test_a_strangers_statistics_count_nothing_of_the_owner(world: World) -> None:
    answer, _ = await world.asked("/furler.v1.InfoService/GetStats", world.owned)
    assert isinstance(answer, info.GetStatsResponse)
    assert (answer.originals, answer.stored_bytes, len(answer.kinds)) == (0, 0, 0)


async def test_the_same_content_of_two_tenants_is_kept_and_forgotten_apart(world: World) -> None:
    name = "/furler.v1.CompressorService/Compress"
    request = compressor.CompressRequest(
        space="vault", content=content.Content(inline=SECRET.encode())
    )
    answer = await outcome(world.handlers, name, request, STRANGER)
    assert isinstance(answer, compressor.CompressResponse)
    # Not cached: whether somebody else has sent the same cannot be told.
    assert answer.view.cached is False
    assert answer.view.ref != world.owned.ref
    delete = contents.DeleteContentRequest(space="vault", ref=answer.view.ref)
    await outcome(world.handlers, "/furler.v1.ContentService/DeleteContent", delete, STRANGER)
    held = await world.store.fetch(Scope(OWNER, "vault"), world.owned.ref)
    assert held is not None
