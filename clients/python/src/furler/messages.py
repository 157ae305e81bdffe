"""Between the client's values and the API's messages. Nothing else knows both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from google.protobuf import duration_pb2

from furler.errors import FieldInvalidError, FurlerError, ServerError, from_reason
from furler.v1 import (
    compression_pb2,
    compressor_service_pb2,
    content_pb2,
    content_service_pb2,
    error_reason_pb2,
    info_service_pb2,
)
from furler.values import (
    Capabilities,
    Decision,
    Degraded,
    Digest,
    Elision,
    Explanation,
    Fidelity,
    Kind,
    KindStats,
    Level,
    Policy,
    Retrieved,
    Stats,
    View,
    choose,
)

Number = TypeVar("Number", int, float)

REASON_PREFIX: Final = "ERROR_REASON_"
_KINDS: Final = {kind: content_pb2.ContentKind.Value(f"CONTENT_KIND_{kind.name}") for kind in Kind}
_KINDS_BACK: Final = {number: kind for kind, number in _KINDS.items()}
_FIDELITIES: Final = {
    each: compression_pb2.Fidelity.Value(f"FIDELITY_{each.name}") for each in Fidelity
}
_LEVELS: Final = {each: compression_pb2.Level.Value(f"LEVEL_{each.name}") for each in Level}
_DEGRADED_BACK: Final = {
    compression_pb2.DegradedReason.Value(f"DEGRADED_REASON_{each.name}"): each
    for each in Degraded
    if each is not Degraded.UNKNOWN
}


def hints(
    kind: Kind | str | None, query: str | None, tool: str | None, filename: str | None, agent: str
) -> content_pb2.Hints:
    """Return the hints. Raises FieldInvalidError for a kind that is none."""
    return content_pb2.Hints(
        kind=_KINDS[choose(Kind, kind, "kind")] if kind else content_pb2.CONTENT_KIND_UNSPECIFIED,
        query=query or "",
        tool_name=tool or "",
        filename=filename or "",
        agent=agent,
    )


def policy(given: Policy | Mapping[str, object] | None) -> compression_pb2.Policy | None:
    """Return the policy. Raises FieldInvalidError naming the field that is wrong."""
    if given is None:
        return None
    value = given if isinstance(given, Policy) else Policy.of(given)
    message = compression_pb2.Policy(
        fidelity=(
            _FIDELITIES[choose(Fidelity, value.fidelity, "policy.fidelity")]
            if value.fidelity
            else compression_pb2.FIDELITY_UNSPECIFIED
        ),
        target_tokens=_number("target_tokens", value.target_tokens, int),
        tokenizer=_text("tokenizer", value.tokenizer),
        disabled_compressors=_names("disabled_compressors", value.disabled_compressors),
        levels=_levels(value.levels),
        keep=_number("keep", value.keep, float),
        recipe=_text("recipe", value.recipe),
        tools=_tools(value.tools),
    )
    if value.allow_model is not None:
        message.allow_model = bool(value.allow_model)
    if value.min_tokens is not None:
        message.min_tokens = _number("min_tokens", value.min_tokens, int)
    if value.retention is not None:
        message.retention.CopyFrom(retention(value.retention, "policy.retention"))
    return message


def retention(value: object, name: str) -> duration_pb2.Duration:
    """Return a retention; a number is in seconds. Raises FieldInvalidError."""
    if not isinstance(value, timedelta | int | float) or isinstance(value, bool):
        raise _invalid(name, f"{value!r} is no number of seconds")
    # A day count beyond what timedelta takes is beyond any server's limit as well.
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if not 0 <= seconds < 1e11:
        raise _invalid(name, f"{seconds} seconds are out of range")
    duration = duration_pb2.Duration()
    duration.FromTimedelta(timedelta(seconds=seconds))
    return duration


def _levels(levels: object) -> list[compression_pb2.KindLevel]:
    if not isinstance(levels, Mapping):
        raise _invalid("policy.levels", "want a level by kind, such as {'log': 'tight'}")
    return [
        compression_pb2.KindLevel(
            kind=_KINDS[choose(Kind, kind, "policy.levels")],
            level=_LEVELS[choose(Level, level, f"policy.levels.{kind}")],
        )
        for kind, level in levels.items()
    ]


def _tools(tools: object) -> list[compression_pb2.ToolLevel]:
    if not isinstance(tools, Mapping):
        raise _invalid("policy.tools", "want a level by tool, such as {'bash': 'tight'}")
    return [
        compression_pb2.ToolLevel(
            tool=_text("tools", tool), level=_LEVELS[choose(Level, level, f"policy.tools.{tool}")]
        )
        for tool, level in tools.items()
    ]


def _names(name: str, names: object) -> list[str]:
    if isinstance(names, str) or not isinstance(names, tuple | list | set | frozenset):
        raise _invalid(f"policy.{name}", "want a sequence of names")
    return sorted(_text(name, each) for each in names)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _invalid(f"policy.{name}", f"want text, got {type(value).__name__}")
    return value


def _number(name: str, value: object, form: type[Number]) -> Number:
    wanted = (int, float) if form is float else int
    if isinstance(value, bool) or not isinstance(value, wanted) or not 0 <= value < 2**63:
        what = "a number" if form is float else "a whole number"
        raise _invalid(f"policy.{name}", f"want {what}, 0 or more, got {value!r}")
    return form(value)


def _invalid(name: str, problem: str) -> FieldInvalidError:
    return FieldInvalidError(f"{name}: {problem}", metadata={"field": name})


def digest(value: Digest) -> content_pb2.Digest:
    """Return the digest. Raises FieldInvalidError if it is not hexadecimal."""
    try:
        return content_pb2.Digest(sha256=bytes.fromhex(value.sha256), size_bytes=value.size_bytes)
    except ValueError:
        raise _invalid("digest.sha256", "is not hexadecimal") from None


def digest_from(message: content_pb2.Digest) -> Digest:
    """Return the digest a message holds."""
    return Digest(message.sha256.hex(), message.size_bytes)


def kind_from(number: content_pb2.ContentKind.ValueType) -> Kind:
    """Return the kind; one that is newer than this client is TEXT."""
    return _KINDS_BACK.get(number, Kind.TEXT)


def view_from(message: compression_pb2.View, text: str | None = None) -> View:
    """Return the view; ``text`` stands in for the message's own, when it came in chunks."""
    return View(
        text=message.text if text is None else text,
        ref=message.ref,
        kind=kind_from(message.kind),
        compressors=tuple(message.compressors),
        elisions=tuple([Elision(e.marker, e.summary, e.tokens) for e in message.elisions]),
        tokens_before=message.tokens_before.tokens,
        tokens_after=message.tokens_after.tokens,
        tokenizer=message.tokens_before.tokenizer,
        estimated=message.tokens_before.estimated or message.tokens_after.estimated,
        recipe=message.recipe,
        original=digest_from(message.original),
        degraded=degraded_from(message.degraded),
        cached=message.cached,
    )


def degraded_from(reason: compression_pb2.DegradedReason.ValueType) -> Degraded | None:
    """Return why something is degraded; None if it is not."""
    return _DEGRADED_BACK.get(reason, Degraded.UNKNOWN) if reason else None


def json_text(data: bytes) -> str:
    """Return the text of a JSON string; empty for what is none."""
    try:
        text = json.loads(data)
    except ValueError:
        return ""
    return text if isinstance(text, str) else ""


def outcomes_from(
    response: compressor_service_pb2.BatchCompressResponse, wanted: int
) -> list[View | FurlerError]:
    """Return the views and errors of a batch. Raises ServerError if one is missing."""
    if len(response.results) != wanted:
        raise ServerError(f"{wanted} contents were sent, {len(response.results)} results came back")
    return [
        item_error_from(result.error)
        if result.WhichOneof("outcome") == "error"
        else view_from(result.view)
        for result in response.results
    ]


def item_error_from(message: error_reason_pb2.ItemError) -> FurlerError:
    """Return why an item of a batch failed."""
    return from_reason(
        reason_name(message.reason),
        message.message,
        message.metadata,
        message.retry_delay.ToTimedelta().total_seconds()
        if message.HasField("retry_delay")
        else None,
    )


def reason_name(reason: error_reason_pb2.ErrorReason.ValueType) -> str:
    """Return a reason without its prefix; empty for one that is newer than this client."""
    if reason == error_reason_pb2.ERROR_REASON_UNSPECIFIED:
        return ""
    if reason not in error_reason_pb2.ErrorReason.values():
        return ""
    return error_reason_pb2.ErrorReason.Name(reason).removeprefix(REASON_PREFIX)


def retrieved_from(message: content_service_pb2.RetrieveResponse) -> Retrieved:
    """Return what was retrieved."""
    expires: datetime | None = None
    if message.HasField("expire_time"):
        expires = message.expire_time.ToDatetime(tzinfo=UTC)
    return Retrieved(
        data=message.data,
        ranges=tuple((each.start, each.end) for each in message.ranges),
        original=digest_from(message.original),
        picked_tokens=message.picked.tokens,
        next_page=message.next_page_token or None,
        expires=expires,
    )


def explanation_from(message: compressor_service_pb2.ExplainResponse) -> Explanation:
    """Return the explanation."""
    return Explanation(
        view_from(message.view),
        tuple(
            Decision(each.compressor, each.applied, each.reason, each.tokens_after)
            for each in message.decisions
        ),
    )


def stats_from(message: info_service_pb2.GetStatsResponse) -> Stats:
    """Return the statistics."""
    return Stats(
        kinds=tuple(
            KindStats(
                kind_from(row.kind),
                row.views,
                row.cached,
                row.degraded,
                row.tokens_before,
                row.tokens_after,
            )
            for row in message.kinds
        ),
        retrievals=message.retrievals,
        retrieval_misses=message.retrieval_misses,
        originals=message.originals,
        stored_bytes=message.stored_bytes,
    )


def capabilities_from(message: info_service_pb2.GetCapabilitiesResponse) -> Capabilities:
    """Return the capabilities."""
    return Capabilities(
        engine_version=message.engine_version,
        compressors=tuple(message.compressors),
        tokenizers=tuple(message.tokenizers),
        model=message.model,
        max_message_bytes=message.max_message_bytes,
        max_content_bytes=message.max_content_bytes,
        max_chunk_bytes=message.max_chunk_bytes,
        max_batch_items=message.max_batch_items,
        default_min_tokens=message.default_min_tokens,
        max_pattern_bytes=message.max_pattern_bytes,
        max_context_lines=message.max_context_lines,
        max_search_limit=message.max_search_limit,
        default_retention=message.default_retention.ToTimedelta(),
        max_retention=message.max_retention.ToTimedelta(),
    )
