"""Proto to app values and back. Nothing else knows both."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from furler.v1 import compression_pb2 as compression
from furler.v1 import content_pb2 as content
from furler_compressor.app.compress import Compressed, Degraded, Outcome
from furler_compressor.app.errors import FieldInvalidError
from furler_compressor.app.ports import Tally
from furler_compressor.app.retrieve import Retrieved
from furler_engine.markers import format_place
from furler_engine.types import (
    DEFAULT_MIN_TOKENS,
    DEFAULT_TOKENIZER,
    LEAST_KEEP,
    Bytes,
    Decision,
    Elision,
    Fidelity,
    Hints,
    JsonPath,
    Kind,
    Level,
    Lines,
    Match,
    Policy,
    Rows,
    Search,
    Selector,
    Symbol,
    View,
    Within,
)

MAX_QUERY_LENGTH: Final = 4096
MAX_NAME_LENGTH: Final = 1024
MAX_PATTERN_BYTES: Final = 1024
MAX_CONTEXT_LINES: Final = 1000
MAX_SEARCH_LIMIT: Final = 100
MAX_TOOL_LEVELS: Final = 64
MAX_TOOL_GLOB: Final = 128
_DEFAULT_SEARCH_LIMIT: Final = 5

_KINDS: Final = {kind: content.ContentKind.Value(f"CONTENT_KIND_{kind.name}") for kind in Kind}
_KINDS_BACK: Final = {number: kind for kind, number in _KINDS.items()}
_FIDELITIES: Final = {
    compression.FIDELITY_UNSPECIFIED: Fidelity.REVERSIBLE,
    **{compression.Fidelity.Value(f"FIDELITY_{f.name}"): f for f in Fidelity},
}
_LEVELS: Final = {compression.Level.Value(f"LEVEL_{level.name}"): level for level in Level}
_DEGRADED: Final[dict[Degraded, compression.DegradedReason.ValueType]] = {
    reason: compression.DegradedReason.Value(f"DEGRADED_REASON_{reason.name}")
    for reason in Degraded
    if reason is not Degraded.NO
}


def hints_from(message: content.Hints) -> Hints:
    """Return the engine's hints. Raises FieldInvalidError."""
    _check_length("hints.query", message.query, MAX_QUERY_LENGTH)
    for field in ("media_type", "filename", "tool_name", "agent"):
        _check_length(f"hints.{field}", getattr(message, field), MAX_NAME_LENGTH)
    return Hints(
        kind=kind_from("hints.kind", message.kind),
        media_type=message.media_type,
        filename=message.filename,
        tool=message.tool_name,
        query=message.query,
    )


def policy_from(message: compression.Policy) -> Policy:
    """Return the engine's policy. Raises FieldInvalidError."""
    fidelity = _FIDELITIES.get(message.fidelity)
    if fidelity is None:
        raise FieldInvalidError(
            f"policy.fidelity: unknown value {message.fidelity}", field="policy.fidelity"
        )
    if message.keep and not LEAST_KEEP <= message.keep <= 1:
        raise FieldInvalidError(
            f"policy.keep: want {LEAST_KEEP} to 1, or 0 for the default, got {message.keep:g}",
            field="policy.keep",
        )
    seconds = 0.0
    if message.HasField("retention"):
        seconds = message.retention.ToTimedelta().total_seconds()
    return Policy(
        fidelity=fidelity,
        target_tokens=message.target_tokens,
        min_tokens=(message.min_tokens if message.HasField("min_tokens") else DEFAULT_MIN_TOKENS),
        tokenizer=message.tokenizer or DEFAULT_TOKENIZER,
        disabled=frozenset(message.disabled_compressors),
        levels=_levels_from(message),
        retention_seconds=int(seconds),
        allow_model=message.allow_model if message.HasField("allow_model") else True,
        keep=message.keep,
        tools=_tools_from(message),
    )


def kind_from(field: str, number: int) -> Kind | None:
    """Return a kind; None for unspecified. Raises FieldInvalidError."""
    if number == content.CONTENT_KIND_UNSPECIFIED:
        return None
    kind = _KINDS_BACK.get(content.ContentKind.ValueType(number))
    if kind is None:
        raise FieldInvalidError(f"{field}: unknown value {number}", field=field)
    return kind


def selector_from(message: content.Selector) -> Selector | None:
    """Return the engine's selector; None when it is unset. Raises FieldInvalidError."""
    match message.WhichOneof("by"):
        case "bytes":
            return Bytes(message.bytes.start, message.bytes.end)
        case "lines":
            return Lines(message.lines.first, message.lines.last)
        case "match":
            _check_length("selector.match.pattern", message.match.pattern, MAX_PATTERN_BYTES)
            _check_most(
                "selector.match.context_lines", message.match.context_lines, MAX_CONTEXT_LINES
            )
            return Match(message.match.pattern, message.match.context_lines)
        case "json_path":
            _check_length("selector.json_path", message.json_path, MAX_PATTERN_BYTES)
            return JsonPath(message.json_path)
        case "symbol":
            _check_length("selector.symbol", message.symbol, MAX_NAME_LENGTH)
            return Symbol(message.symbol)
        case "search":
            _check_length("selector.search.query", message.search.query, MAX_QUERY_LENGTH)
            _check_most("selector.search.limit", message.search.limit, MAX_SEARCH_LIMIT)
            return Search(message.search.query, message.search.limit or _DEFAULT_SEARCH_LIMIT)
    return None


def page_from(token: str) -> int:
    """Return a page token's start; 0 for none. Raises FieldInvalidError."""
    if not token:
        return 0
    try:
        start = int(base64.urlsafe_b64decode(token.encode()).removeprefix(b"page:"))
    except (ValueError, binascii.Error):
        start = -1
    if start < 0:
        raise FieldInvalidError(
            "page_token: not one this server gave for this selector", field="page_token"
        )
    return start


def page_to(start: int | None) -> str:
    """Return the page token for a start; empty for None."""
    return "" if start is None else base64.urlsafe_b64encode(b"page:%d" % start).decode()


def view_to(done: Compressed, *, text: bool = True) -> compression.View:
    """Return the view's message, with or without its text."""
    message = figures_to(done)
    if text:
        message.text = done.outcome.view.text
    add_elisions(message, done.outcome.view)
    return message


def figures_to(done: Compressed) -> compression.View:
    """Return a view's message without its text and its elisions."""
    outcome = done.outcome
    view = outcome.view
    return compression.View(
        ref=view.ref,
        original=content.Digest(sha256=done.sha256, size_bytes=done.size),
        tokens_before=_count_to(outcome, view.tokens_before),
        tokens_after=_count_to(outcome, view.tokens_after),
        kind=_KINDS[view.kind],
        compressors=view.compressors,
        recipe=view.recipe,
        degraded=degraded_to(outcome.degraded),
        cached=outcome.cached,
    )


def add_elisions(message: compression.View, view: View) -> None:
    """Add a view's elisions to its message, in place: a view has hundreds, and each copy of a message copies them."""
    add = message.elisions.add
    for elision in view.elisions:
        _fill(add(), elision)


def degraded_to(degraded: Degraded) -> compression.DegradedReason.ValueType:
    """Return the number of a reason; UNSPECIFIED for none."""
    return _DEGRADED.get(degraded, compression.DEGRADED_REASON_UNSPECIFIED)


def decision_to(decision: Decision) -> compression.Decision:
    """Return the message of a decision."""
    return compression.Decision(
        compressor=decision.compressor,
        applied=decision.applied,
        reason=decision.reason,
        tokens_after=decision.tokens_after,
    )


def kind_to(name: str) -> content.ContentKind.ValueType:
    """Return the number of a kind's name."""
    return _KINDS[Kind(name)]


def is_kind(tally: Tally) -> bool:
    """Whether a tally counts views of a kind, rather than retrievals."""
    return tally.name in _KINDS


def digest_to(retrieved: Retrieved) -> content.Digest:
    """Return the digest message of a retrieved original."""
    record = retrieved.held.record
    return content.Digest(sha256=record.sha256, size_bytes=record.size)


def _levels_from(message: compression.Policy) -> tuple[tuple[Kind, Level], ...]:
    levels: dict[Kind, Level] = {}
    for index, entry in enumerate(message.levels):
        field = f"policy.levels[{index}]"
        kind, level = kind_from(f"{field}.kind", entry.kind), _LEVELS.get(entry.level)
        if kind is None or level is None:
            raise FieldInvalidError(f"{field}: want a kind and a level", field=field)
        levels[kind] = level
    return tuple(sorted(levels.items()))


def _tools_from(message: compression.Policy) -> tuple[tuple[str, Level], ...]:
    if len(message.tools) > MAX_TOOL_LEVELS:
        raise FieldInvalidError(
            f"policy.tools: at most {MAX_TOOL_LEVELS}, got {len(message.tools)}",
            field="policy.tools",
        )
    tools: list[tuple[str, Level]] = []
    for index, entry in enumerate(message.tools):
        field = f"policy.tools[{index}]"
        level = _LEVELS.get(entry.level)
        if not entry.tool or level is None:
            raise FieldInvalidError(f"{field}: want a tool and a level", field=field)
        _check_length(f"{field}.tool", entry.tool, MAX_TOOL_GLOB)
        tools.append((entry.tool, level))
    return tuple(tools)


def _fill(message: compression.Elision, elision: Elision) -> None:
    """Fill an elision's message."""
    place = elision.place
    message.marker = marker = format_place(place)
    message.tokens = elision.tokens
    message.summary = elision.summary
    match place:
        case Lines(first, last):
            lines = message.selector.lines
            lines.first, lines.last = first, last
        case Bytes(start, end):
            # Set even where both are 0, the default.
            message.selector.bytes.SetInParent()
            message.selector.bytes.start = start
            message.selector.bytes.end = end
        case Rows() | Within():
            message.selector.json_path = marker


def _count_to(outcome: Outcome, count: int) -> content.TokenCount:
    view = outcome.view
    return content.TokenCount(tokens=count, tokenizer=view.tokenizer, estimated=view.estimated)


def _check_length(field: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise FieldInvalidError(
            f"{field}: at most {limit} characters, got {len(text)}", field=field
        )


def _check_most(field: str, value: int, limit: int) -> None:
    if value > limit:
        raise FieldInvalidError(f"{field}: at most {limit}, got {value}", field=field)
