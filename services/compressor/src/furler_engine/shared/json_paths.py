"""Lists of paths in JSON, as file-listing tools reply: where they are, whether they are most of it.

What lives here: finding the list. What does not: how a view writes it.
"""

from __future__ import annotations

import re
from typing import Final

from furler_engine.types import JsonLocation, Source

_MIN_PATHS: Final = 20
_SHARE: Final = 0.8
"""Elements that must have a directory."""
_MOST_OF_CONTENT: Final = 0.6
"""Share of the content, in characters, that the list must make up."""
_LONGEST: Final = 1_000
_DEEPEST: Final = 3
# Control characters, line breaks, halves of surrogate pairs: JSON has them, lines do not.
_UNFIT: Final = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")


def path_list(source: Source) -> JsonLocation | None:
    """Return where the list of paths is that makes up most of a JSON text; None where none does.

    Raises json_value.JsonError for what is no JSON.
    """
    waiting: list[tuple[JsonLocation, object]] = [((), source.value)]
    while waiting:
        location, value = waiting.pop()
        if isinstance(value, dict) and len(location) < _DEEPEST:
            waiting += [((*location, name), member) for name, member in value.items()]
        elif isinstance(value, list) and is_paths(value):
            size = sum(len(path) + 3 for path in value)
            return location if size >= _MOST_OF_CONTENT * len(source.text.strip()) else None
    return None


def is_paths(value: list[object]) -> bool:
    """Whether the elements of a list are paths, most of them with a directory."""
    if len(value) < _MIN_PATHS:
        return False
    slashes = 0
    for element in value:
        if not isinstance(element, str) or len(element) > _LONGEST or "://" in element:
            return False
        if _UNFIT.search(element):
            return False
        slashes += "/" in element
    return slashes >= _SHARE * len(value)
