"""Shared context's app values to proto. Nothing else knows both."""

from __future__ import annotations

from google.protobuf import timestamp_pb2

from furler.v1 import shared_context_service_pb2 as shared
from furler_compressor.app.entries_port import Change
from furler_compressor.app.resemblance import DifferingLine
from furler_compressor.app.shared import Resemblance, Shared, shared_of
from furler_compressor.rpc.convert import view_to


def entry_to(value: Shared, *, text: bool = False) -> shared.Entry:
    """Return the message of an entry; its view has text only if asked for."""
    entry, body = value.entry, value.body
    view = view_to(value.compressed, text=text)
    # A view that is the content itself has no reference; its entry's original is kept all the same.
    view.ref = body.ref
    return shared.Entry(
        key=entry.key,
        revision=entry.revision,
        author=body.author,
        creator=entry.creator,
        source_tool=body.source_tool,
        view=view,
        create_time=_time_to(entry.created_at),
        update_time=_time_to(entry.written_at),
        expire_time=_time_to(entry.expires_at),
    )


def change_to(change: Change) -> shared.Change:
    """Return the message of a change."""
    if change.entry is not None:
        return shared.Change(put=entry_to(shared_of(change.entry)))
    return shared.Change(
        deleted=shared.Tombstone(key=change.key, revision=change.revision, expired=change.expired)
    )


def resemblance_to(value: Resemblance) -> shared.Resemblance:
    """Return the message of a resemblance."""
    difference = value.difference
    return shared.Resemblance(
        key=value.entry.key,
        revision=value.entry.revision,
        author=value.author,
        identical=value.identical,
        similarity=value.similarity,
        lines_added=difference.lines_added,
        lines_removed=difference.lines_removed,
        added=map(_line_to, difference.added),
        removed=map(_line_to, difference.removed),
    )


def _line_to(line: DifferingLine) -> shared.DifferingLine:
    return shared.DifferingLine(line=line.number, text=line.text)


def _time_to(seconds: float) -> timestamp_pb2.Timestamp:
    return timestamp_pb2.Timestamp(seconds=int(seconds), nanos=int(seconds % 1 * 1e6) * 1000)
