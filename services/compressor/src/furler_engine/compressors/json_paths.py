"""JSON that is a list of paths, or little else: every path, each directory once.

What lives here: how a view writes the list and what stands around it. What does not:
finding the list (shared.json_paths), how paths are written (shared.path_tree).
"""

from __future__ import annotations

from typing import Final

from furler_engine.json_value import JsonError, dumps, parse
from furler_engine.markers import format_path
from furler_engine.shared.json_paths import path_list
from furler_engine.shared.path_tree import read, write
from furler_engine.types import Draft, JsonLocation, Policy, Source, ValueShown

_HERE: Final = "(paths below)"
_MIN_GAIN: Final = 0.9


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write a list of paths under its directories; nothing is left out."""
    del policy
    try:
        location = source.derived(path_list)
    except JsonError:
        return None
    if location is None:
        return None
    paths = _at(source.value, location)
    legend, tree = write(paths)
    around = [dumps(_with(source.value, location, _HERE))] if location else []
    head = f"[JSON; {format_path(location)} is a list of {len(paths):,} paths, in their order, {legend}]"
    text = "\n".join([head, *around, *tree])
    if len(text) > _MIN_GAIN * len(source.text):
        return None

    def decode(view: str) -> object:
        legend, *lines = view.split("\n")
        envelope = parse(lines.pop(0)) if location else None
        return _with(envelope, location, list(read(legend, lines)))

    return Draft(text, ValueShown(decode), "paths", len(paths), len(paths))


def _at(value: object, location: JsonLocation) -> list[str]:
    for step in location:
        value = value[step]  # type: ignore[index]
    return value  # type: ignore[return-value]


def _with(value: object, location: JsonLocation, new: object) -> object:
    """Return a value with a member replaced; the given one is left alone."""
    if not location:
        return new
    step, *rest = location
    if not isinstance(value, dict):
        raise TypeError("a path leads nowhere")
    return {n: _with(v, tuple(rest), new) if n == step else v for n, v in value.items()}
