"""A view's form in the store: JSON with a version, so that a newer release can refuse an older one."""

from __future__ import annotations

import orjson

from furler_engine.markers import MarkerError, format_place, parse_place
from furler_engine.types import Elision, Kind, View

_VERSION = 1


def pack_view(view: View) -> bytes:
    """Serialise a view, without its decisions."""
    return orjson.dumps(
        {
            "version": _VERSION,
            "text": view.text,
            "ref": view.ref,
            "kind": view.kind,
            "compressors": view.compressors,
            "elisions": [(format_place(e.place), e.summary, e.tokens) for e in view.elisions],
            "before": view.tokens_before,
            "after": view.tokens_after,
            "tokenizer": view.tokenizer,
            "recipe": view.recipe,
            "estimated": view.estimated,
        }
    )


def unpack_view(data: bytes) -> View | None:
    """Return a stored view, or None when this release cannot read it."""
    try:
        fields = orjson.loads(data)
        if fields["version"] != _VERSION:
            return None
        return View(
            text=fields["text"],
            ref=fields["ref"],
            kind=Kind(fields["kind"]),
            compressors=tuple(fields["compressors"]),
            elisions=tuple(
                Elision(parse_place(place), summary, count)
                for place, summary, count in fields["elisions"]
            ),
            tokens_before=fields["before"],
            tokens_after=fields["after"],
            tokenizer=fields["tokenizer"],
            recipe=fields["recipe"],
            estimated=fields["estimated"],
        )
    except (ValueError, KeyError, TypeError, MarkerError):
        return None
