"""Between shared context's values and the API's messages. Nothing else knows both."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC

from furler.messages import view_from
from furler.sharing import Change, DifferingLine, Entry, Resemblance, Written
from furler.v1 import shared_context_service_pb2 as shared


def entry_from(message: shared.Entry, original: bytes | None = None) -> Entry:
    """Return the entry a message holds."""
    return Entry(
        key=message.key,
        revision=message.revision,
        author=message.author,
        creator=message.creator,
        source_tool=message.source_tool,
        view=view_from(message.view),
        created=message.create_time.ToDatetime(tzinfo=UTC),
        updated=message.update_time.ToDatetime(tzinfo=UTC),
        expires=message.expire_time.ToDatetime(tzinfo=UTC),
        original=original,
    )


def written_from(message: shared.PutEntryResponse) -> Written:
    """Return what a put did."""
    resembles = message.resembles if message.HasField("resembles") else None
    return Written(
        entry_from(message.entry),
        None if resembles is None else _resemblance_from(resembles),
        message.repeated_request,
    )


def change_from(message: shared.Change) -> Change:
    """Return the change a message holds."""
    if message.WhichOneof("event") == "put":
        entry = entry_from(message.put)
        return Change(entry.key, entry.revision, entry)
    gone = message.deleted
    return Change(gone.key, gone.revision, None, gone.expired)


def _resemblance_from(message: shared.Resemblance) -> Resemblance:
    return Resemblance(
        key=message.key,
        revision=message.revision,
        author=message.author,
        identical=message.identical,
        similarity=message.similarity,
        lines_added=message.lines_added,
        lines_removed=message.lines_removed,
        added=_lines_from(message.added),
        removed=_lines_from(message.removed),
    )


def _lines_from(messages: Iterable[shared.DifferingLine]) -> tuple[DifferingLine, ...]:
    return tuple(DifferingLine(each.line, each.text) for each in messages)
