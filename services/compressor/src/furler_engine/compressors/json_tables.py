"""JSON without loss: minified, or as an outline with tables, whichever is shorter."""

from __future__ import annotations

from furler_engine import tokens
from furler_engine.json_value import JsonError, dumps, parse
from furler_engine.shared.json_table.decode import decode
from furler_engine.shared.json_table.encode import encode
from furler_engine.shared.json_table.outline import outline
from furler_engine.types import Draft, Policy, Source, ValueShown


def plan(source: Source, policy: Policy) -> Draft | None:
    """Return the whole value in fewer tokens; None for what is no JSON."""
    try:
        text = encode(source.derived(outline))
    except JsonError:
        return None
    minified = dumps(source.value)
    if tokens.estimate(minified, policy.tokenizer) < tokens.estimate(text, policy.tokenizer):
        return Draft(minified, ValueShown(parse), units="values", total=1, shown=1)
    return Draft(text, ValueShown(decode), units="values", total=1, shown=1)
