"""The use cases of shared context: put, get, list, delete. Watching is in watching.py.

An entry never holds content: its original and its view lie in the store like any other, once for
all keys that have the same content, so that erasing them there reaches every entry.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, replace

from furler_compressor.app import resemblance
from furler_compressor.app.audit import Operation, audited
from furler_compressor.app.compress import Compressed, CompressRequest, compress
from furler_compressor.app.context import Caller, Context
from furler_compressor.app.entries_port import Entry, Found, Page, Removal, Write
from furler_compressor.app.entry_body import Body, pack_body, unpack_body
from furler_compressor.app.errors import (
    ContentCorruptError,
    ContentNotFoundError,
    EntryNotFoundError,
    FieldInvalidError,
    StoreUnavailableError,
)
from furler_compressor.app.ports import Record, Scope
from furler_compressor.app.refs import tenant_key
from furler_compressor.app.resemblance import Difference
from furler_compressor.app.retrieve import read
from furler_compressor.app.sharing import Sharing
from furler_compressor.app.views import unpack_view
from furler_engine.types import Fidelity, View

MAX_KEY_BYTES = 512
MAX_NAME_LENGTH = 256
MAX_REQUEST_ID_LENGTH = 128
DEFAULT_PAGE, MAX_PAGE = 100, 1000
_CANDIDATES = 256
"""Entries that a new one is compared with: the latest. 130 KB from the store, 3 ms of work."""
_COMPARED_BYTES = 4 * 1024 * 1024
"""Larger contents are near duplicates without a difference: both would have to be held at once."""
_REACH_SECONDS = 1.0
"""How long a read waits for a revision: a replica lags by milliseconds, or is not going to."""


@dataclass(frozen=True, slots=True)
class PutRequest:
    """One entry to write; ``retention`` 0 takes the default."""

    key: str
    content: CompressRequest
    author: str = ""
    source_tool: str = ""
    retention: float = 0.0
    if_revision: int | None = None
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Shared:
    """An entry, its body, and its view as far as it was asked for."""

    entry: Entry
    body: Body
    compressed: Compressed


@dataclass(frozen=True, slots=True)
class Resemblance:
    """Another entry that holds nearly the same, and what differs."""

    entry: Entry
    author: str
    identical: bool
    similarity: float
    difference: Difference


@dataclass(frozen=True, slots=True)
class Put:
    """An entry as written, whether by an earlier call, and what it resembles."""

    shared: Shared
    repeated: bool
    resembles: Resemblance | None


async def put(context: Context, caller: Caller, request: PutRequest) -> Put:
    """Compress a content and keep it under a key.

    Raises FieldInvalidError and what else the caller did wrong, RevisionMismatchError,
    SpaceFullError, StoreUnavailableError.
    """
    sharing = sharing_of(context)
    scope = caller.scope(request.content.space)
    _check(context, request)
    retention = request.retention or context.limits.default_retention
    content, policy = request.content, request.content.policy
    # The original lasts at least as long as the entry.
    kept = max(math.ceil(retention), policy.retention_seconds)
    content = replace(content, policy=replace(policy, retention_seconds=kept))
    done = await compress(context, caller, content)
    ref = context.reference(scope, done.sha256)
    if not done.outcome.view.ref:
        record = Record(ref, done.sha256, done.size, content.data)
        await _keep(context, caller, scope, record, kept)
    key = tenant_key(context.master_key, scope.tenant)
    sketch = await asyncio.to_thread(
        lambda: resemblance.sketch(content.data.decode(), done.sha256, key)
    )
    resembles = await _resembling(context, caller, scope, request, sketch)
    body = Body(request.author, request.source_tool, ref, done.outcome)
    write = Write(
        key=request.key,
        sha256=done.sha256,
        size=done.size,
        author=request.author,
        body=pack_body(body),
        sketch=sketch,
        retention=retention,
        bounds=sharing.limits.bounds,
        if_revision=request.if_revision,
        request_id=request.request_id,
    )
    written = await caller.within(sharing.entries.put(scope, write))
    return Put(shared_of(written.entry), written.repeated, resembles)


async def get(
    context: Context, caller: Caller, space: str, key: str, min_revision: int = 0
) -> Shared:
    """Return an entry with its view.

    Raises EntryNotFoundError; ContentNotFoundError if the original was erased; StoreUnavailableError,
    also when the space does not reach ``min_revision`` soon.
    """
    scope = caller.scope(space)
    check_key("key", key)
    found = await _reach(context, caller, scope, key, min_revision)
    if found.entry is None:
        raise EntryNotFoundError.of(key)
    shared = shared_of(found.entry)
    ref = shared.body.ref
    with audited(context.trail, caller, Operation.GET_ENTRY, space, ref) as attempt:
        view = await _view(context, caller, scope, shared)
        attempt.size = len(view.text.encode())
    outcome = replace(shared.body.outcome, view=view, cached=True)
    return replace(shared, compressed=replace(shared.compressed, outcome=outcome))


async def original(context: Context, caller: Caller, space: str, shared: Shared) -> bytes:
    """Return an entry's original. Raises like retrieve.read."""
    held = await read(context, caller, space, shared.body.ref, Operation.READ_ENTRY)
    return held.record.data


async def page(
    context: Context, caller: Caller, space: str, prefix: str, after: str, limit: int
) -> Page:
    """Return entries by key, at most ``limit`` (0: the default) after a key."""
    scope = caller.scope(space)
    if prefix:
        check_key("prefix", prefix)
    if limit > MAX_PAGE:
        raise FieldInvalidError(f"page_size: at most {MAX_PAGE}, got {limit}", field="page_size")
    entries = sharing_of(context).entries
    return await caller.within(entries.page(scope, prefix, after, limit or DEFAULT_PAGE))


async def delete(context: Context, caller: Caller, space: str, removal: Removal) -> int:
    """Remove an entry; return the removal's revision. Raises EntryNotFoundError and as put."""
    scope = caller.scope(space)
    check_key("key", removal.key)
    _check_length("request_id", removal.request_id, MAX_REQUEST_ID_LENGTH)
    return await caller.within(sharing_of(context).entries.delete(scope, removal))


def sharing_of(context: Context) -> Sharing:
    """Return the backend of shared context. Raises StoreUnavailableError without one."""
    if context.sharing is None:
        raise StoreUnavailableError("this server has no store for shared context")
    return context.sharing


def shared_of(entry: Entry) -> Shared:
    """Return an entry with its body read. Raises ContentCorruptError if that cannot be done."""
    body = unpack_body(entry.body)
    if body is None:
        raise ContentCorruptError("the entry cannot be read by this release")
    return Shared(entry, body, Compressed(body.outcome, entry.sha256, entry.size))


def check_key(field: str, key: str) -> None:
    """Raise FieldInvalidError for what cannot be a key."""
    size = len(key.encode())
    if not 0 < size <= MAX_KEY_BYTES or not key.isprintable():
        raise FieldInvalidError(
            f"{field}: want 1 to {MAX_KEY_BYTES} bytes of printable text, got {size}", field=field
        )


def _check(context: Context, request: PutRequest) -> None:
    check_key("key", request.key)
    if request.content.policy.fidelity is Fidelity.IRREVERSIBLE:
        raise FieldInvalidError(
            "policy.fidelity: an entry's original can always be had; want LOSSLESS or REVERSIBLE",
            field="policy.fidelity",
        )
    most = context.limits.max_retention
    if not 0 <= request.retention <= most:
        raise FieldInvalidError(
            f"retention: want 0 to {most:.0f} s, got {request.retention:.0f} s", field="retention"
        )
    _check_length("author", request.author, MAX_NAME_LENGTH)
    _check_length("content.hints.tool_name", request.source_tool, MAX_NAME_LENGTH)
    _check_length("request_id", request.request_id, MAX_REQUEST_ID_LENGTH)


def _check_length(field: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise FieldInvalidError(
            f"{field}: at most {limit} characters, got {len(text)}", field=field
        )


async def _keep(
    context: Context, caller: Caller, scope: Scope, record: Record, seconds: float
) -> None:
    """Keep the original of a view that has no reference of its own.

    Compress keeps originals only of views that can refer to them; an entry's is kept in any case.
    """
    await context.admit(caller, record.size)
    await caller.within(context.store.commit(scope, record, None, seconds))


async def _view(context: Context, caller: Caller, scope: Scope, shared: Shared) -> View:
    """Return an entry's view with its text. Raises ContentNotFoundError if it was erased."""
    bare, ref = shared.body.outcome.view, shared.body.ref
    if shared.body.has_view:
        data = await caller.within(context.store.recall(scope, ref, bare.recipe, 0.0))
        view = unpack_view(data) if data is not None else None
        if view is not None:
            return view
    held = await caller.within(context.store.fetch(scope, ref))
    if held is None:
        raise ContentNotFoundError("content not found: the entry's original was erased")
    text = held.record.data.decode()
    return replace(bare, text=text, ref="", compressors=(), tokens_after=bare.tokens_before)


async def _reach(
    context: Context, caller: Caller, scope: Scope, key: str, min_revision: int
) -> Found:
    entries = sharing_of(context).entries
    found = await caller.within(entries.get(scope, key))
    if found.revision < min_revision:
        seconds = min(_REACH_SECONDS, caller.time_left() / 4)
        await caller.within(entries.wait(scope, min_revision - 1, seconds))
        found = await caller.within(entries.get(scope, key))
    if found.revision < min_revision:
        raise StoreUnavailableError(
            f"min_revision: the space is at revision {found.revision} and has not reached it"
        )
    return found


async def _resembling(
    context: Context, caller: Caller, scope: Scope, request: PutRequest, sketch: bytes
) -> Resemblance | None:
    """Return the entry under another key that a new content resembles. Never fails a put."""
    entries = sharing_of(context).entries
    try:
        sketches = await caller.within(entries.sketches(scope, _CANDIDATES))
        others = [(key, other) for key, other in sketches if key != request.key]
        near = resemblance.nearest(sketch, others)
        if near is None:
            return None
        key, share = near
        found = (await caller.within(entries.get(scope, key))).entry
        if found is None:
            return None
        shared = shared_of(found)
        identical = resemblance.is_identical(sketch, dict(others)[key])
        changed = Difference()
        if not identical:
            changed = await _difference(context, caller, scope, shared, request.content.data)
    except (StoreUnavailableError, ContentCorruptError):
        return None
    return Resemblance(found, shared.body.author, identical, share, changed)


async def _difference(
    context: Context, caller: Caller, scope: Scope, old: Shared, new: bytes
) -> Difference:
    if max(old.entry.size, len(new)) > _COMPARED_BYTES:
        return Difference()
    held = await caller.within(context.store.fetch(scope, old.body.ref))
    if held is None:
        return Difference()
    before = held.record.data
    return await asyncio.to_thread(lambda: resemblance.difference(before.decode(), new.decode()))
