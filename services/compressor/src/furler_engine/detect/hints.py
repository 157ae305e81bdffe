"""What the caller's hints say about the kind: an explicit kind, a file name, a media type."""

from __future__ import annotations

from typing import Final

from furler_engine.shared.languages import CODE_SUFFIXES
from furler_engine.types import Hints, Kind

_SUFFIXES: Final = {
    **dict.fromkeys(CODE_SUFFIXES, Kind.CODE),
    **dict.fromkeys(("json", "jsonl", "ndjson", "geojson", "ipynb"), Kind.JSON),
    **dict.fromkeys(("log",), Kind.LOG),
    **dict.fromkeys(("diff", "patch"), Kind.DIFF),
    **dict.fromkeys(("csv", "tsv"), Kind.TABLE),
    **dict.fromkeys(("html", "htm", "xhtml", "xml", "svg"), Kind.MARKUP),
    **dict.fromkeys(("md", "markdown", "rst"), Kind.MARKDOWN),
    **dict.fromkeys(("yaml", "yml", "toml", "ini", "cfg", "conf", "lock"), Kind.CONFIG),
}
_MEDIA_TYPES: Final = {
    "application/json": Kind.JSON,
    "application/x-ndjson": Kind.JSON,
    "application/jsonl": Kind.JSON,
    "text/csv": Kind.TABLE,
    "text/html": Kind.MARKUP,
    "application/xml": Kind.MARKUP,
    "text/xml": Kind.MARKUP,
    "text/markdown": Kind.MARKDOWN,
    "text/x-diff": Kind.DIFF,
}


def suffix(filename: str) -> str:
    """Return the lower-case suffix of a file name without its dot, or ''."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    stem, dot, end = name.rpartition(".")
    return end.lower() if dot and stem else ""


def kind_from_hints(hints: Hints) -> Kind | None:
    """Return the kind the hints settle on, or None. An explicit kind beats all else."""
    if hints.kind is not None:
        return hints.kind
    by_name = _SUFFIXES.get(suffix(hints.filename))
    if by_name is not None:
        return by_name
    return _MEDIA_TYPES.get(hints.media_type.partition(";")[0].strip().lower())
