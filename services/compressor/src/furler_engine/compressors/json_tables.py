"""JSON without loss: minified, or as an outline with tables, whichever is shorter."""

from __future__ import annotations

from furler_engine.json_value import JsonError
from furler_engine.shared.json_table.decode import decode
from furler_engine.shared.json_table.encode import encode
from furler_engine.shared.json_table.outline import build
from furler_engine.types import Draft, Policy, Source, ValueShown


def plan(source: Source, policy: Policy) -> Draft | None:
    """Return the whole value in fewer characters; None for what is no JSON."""
    try:
        value = source.value
    except JsonError:
        return None
    text = encode(build(value))
    coverage = ValueShown(decode)
    return Draft(text, coverage, units="values", total=1, shown=1)
