"""An entry's body: who wrote it with what, and its view without text, as JSON with a version."""

from __future__ import annotations

from dataclasses import dataclass, replace

import orjson

from furler_compressor.app.compress import Degraded, Outcome
from furler_compressor.app.views import pack_view, unpack_view

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Body:
    """What an entry says besides its key and times.

    ``ref`` is of the original, which is kept whether or not the view has a reference of its own:
    a view that is the content itself has none. ``outcome``'s view has no text and no elisions.
    """

    author: str
    source_tool: str
    ref: str
    outcome: Outcome

    @property
    def has_view(self) -> bool:
        """Whether the store holds a view; else the view is the original itself."""
        return bool(self.outcome.view.ref)


def pack_body(body: Body) -> bytes:
    """Serialise a body; what a view shows and leaves out stays in the store, where it is erased."""
    bare = replace(body.outcome.view, text="", elisions=())
    return orjson.dumps(
        {
            "version": _VERSION,
            "author": body.author,
            "source_tool": body.source_tool,
            "ref": body.ref,
            "degraded": body.outcome.degraded,
            "view": pack_view(bare).decode(),
        }
    )


def unpack_body(data: bytes) -> Body | None:
    """Return a stored body, or None when this release cannot read it."""
    try:
        fields = orjson.loads(data)
        view = unpack_view(fields["view"].encode())
        if fields["version"] != _VERSION or view is None:
            return None
        outcome = Outcome(view, Degraded(fields["degraded"]))
        return Body(fields["author"], fields["source_tool"], fields["ref"], outcome)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
