"""JSON without loss: minified, or as an outline with tables, whichever is shorter."""

from __future__ import annotations

from typing import Final

from furler_engine import tokens
from furler_engine.json_value import JsonError, dumps, parse
from furler_engine.shared.json_table.decode import decode
from furler_engine.shared.json_table.encode import Cuts, encode
from furler_engine.shared.json_table.outline import outline
from furler_engine.shared.ranking import literals
from furler_engine.types import Draft, Policy, Source, ValueShown

_GAIN: Final = 0.15
"""What codes and rules must save over plain tables to be worth their notation."""


def plan(source: Source, policy: Policy) -> Draft | None:
    """Return the whole value in fewer tokens; None for what is no JSON."""
    try:
        text = source.derived(_tables)
    except JsonError:
        return None
    minified = dumps(source.value)
    if tokens.estimate(minified, policy.tokenizer) < tokens.estimate(text, policy.tokenizer):
        return Draft(minified, ValueShown(parse), units="values", total=1, shown=1)
    return Draft(text, ValueShown(decode), units="values", total=1, shown=1)


def plan_tight(source: Source, policy: Policy) -> Draft | None:
    """Return tables with codes and rules; None where they gain too little."""
    try:
        plain = source.derived(_tables)
    except JsonError:
        return None
    text = encode(source.derived(outline), _whole(source), tight=True)
    if len(text) > (1 - _GAIN / 2) * len(plain):
        return None  # no need to count: rules and codes save about as many tokens as characters
    size = tokens.estimate(text, policy.tokenizer)
    if size > (1 - _GAIN) * tokens.estimate(plain, policy.tokenizer):
        return None
    return Draft(text, ValueShown(decode), units="values", total=1, shown=1)


def _tables(source: Source) -> str:
    return encode(source.derived(outline), _whole(source))


def _whole(source: Source) -> Cuts:
    """Cut nothing, and abbreviate nothing that the query names."""
    return Cuts(whole=tuple(name for name in literals(source.hints.query) if len(name) > 2))
