"""Between compress_conversation's values and the API's messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Final

from furler import messages
from furler.aside import aside
from furler.conversations import (
    Compaction,
    CompactionMode,
    CompactionPlan,
    Conversation,
    Dialect,
    Edit,
    Mode,
    Retired,
    Volatile,
    splice,
)
from furler.errors import FieldInvalidError
from furler.v1 import compressor_service_pb2, conversation_pb2
from furler.values import Policy, choose

_DIALECTS: Final = {
    each: conversation_pb2.Dialect.Value(f"DIALECT_{each.name}") for each in Dialect
}
_MODES: Final = {
    each: conversation_pb2.ConversationMode.Value(f"CONVERSATION_MODE_{each.name}") for each in Mode
}
_MODES_BACK: Final = {int(number): mode for mode, number in _MODES.items()}
_COMPACTIONS: Final = {
    each: conversation_pb2.CompactionMode.Value(f"COMPACTION_MODE_{each.name}")
    for each in CompactionMode
}


async def request(
    body: bytes,
    dialect: Dialect | str,
    policy: Policy | Mapping[str, object] | None,
    compaction: Compaction | Mapping[str, object] | None,
    mode: Mode | str = Mode.APPLY,
) -> compressor_service_pb2.CompressConversationRequest:
    """Return the request, to be completed by its plain fields. Raises FieldInvalidError."""
    if not isinstance(body, bytes | bytearray | memoryview):
        raise _invalid("body", f"want bytes, got {type(body).__name__}")
    return await aside(len(body), _request, body, dialect, policy, compaction, mode)


async def result(
    body: bytes | bytearray | memoryview,
    asked: compressor_service_pb2.CompressConversationRequest,
    response: compressor_service_pb2.CompressConversationResponse,
) -> Conversation:
    """Return the answer, with the edits applied to the body."""
    # Bytes are what was asked about; what can be written to may not be that any more.
    given = body if isinstance(body, bytes) else asked.body
    return await aside(len(given), _result, given, response)


def _request(
    body: bytes,
    dialect: Dialect | str,
    policy: Policy | Mapping[str, object] | None,
    compaction: Compaction | Mapping[str, object] | None,
    mode: Mode | str,
) -> compressor_service_pb2.CompressConversationRequest:
    return compressor_service_pb2.CompressConversationRequest(
        dialect=_DIALECTS[choose(Dialect, dialect, "dialect")],
        body=bytes(body),
        policy=messages.policy(policy),
        compaction=_compaction(compaction),
        mode=_MODES[choose(Mode, mode, "mode")],
    )


def _result(
    body: bytes, response: compressor_service_pb2.CompressConversationResponse
) -> Conversation:
    edits = tuple(_edit(each) for each in response.edits)
    plan = response.compaction
    return Conversation(
        body=splice(body, edits),
        edits=edits,
        frozen_bytes=response.frozen_bytes,
        tokens_before=response.tokens_before.tokens,
        tokens_after=response.tokens_after.tokens,
        volatile=tuple(
            Volatile(
                v.pointer,
                v.form,
                v.start,
                v.end,
                v.changed if v.HasField("changed") else None,
                v.tokens_after,
            )
            for v in response.volatile
        ),
        compaction=_plan(plan) if response.HasField("compaction") else None,
        recipe=response.recipe,
        degraded=messages.degraded_from(response.degraded),
        mode=_MODES_BACK.get(response.mode),
        tag=response.tag,
        audited=tuple(_edit(each) for each in response.audited),
    )


def _edit(message: conversation_pb2.Edit) -> Edit:
    text = messages.json_text(message.replacement) if message.replacement else ""
    view = messages.view_from(message.view, text)
    return Edit(
        message.offset, message.length, message.replacement, message.pointer, view, message.tool
    )


def _plan(message: conversation_pb2.CompactionPlan) -> CompactionPlan:
    return CompactionPlan(
        tuple(Retired(each.pointer, each.reason, each.tokens) for each in message.retired),
        message.saved_tokens,
        message.rewritten_tokens,
        message.benefit,
        message.cost,
        message.pays,
        message.applied,
    )


def _compaction(
    given: Compaction | Mapping[str, object] | None,
) -> conversation_pb2.Compaction | None:
    if given is None:
        return None
    known = [each.name for each in fields(Compaction)]
    chosen = given if isinstance(given, Mapping) else {name: getattr(given, name) for name in known}
    message = conversation_pb2.Compaction(mode=conversation_pb2.COMPACTION_MODE_PLAN)
    for name, value in chosen.items():
        if name == "mode":
            message.mode = _COMPACTIONS[choose(CompactionMode, str(value), "compaction.mode")]
        elif name not in known:
            raise _invalid(f"compaction.{name}", f"compaction has {', '.join(known)}")
        elif isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise _invalid(f"compaction.{name}", f"want a number, 0 or more, got {value!r}")
        else:
            try:
                setattr(message, name, value)
            except (TypeError, ValueError):
                raise _invalid(f"compaction.{name}", f"{value!r} is out of range") from None
    return message


def _invalid(name: str, problem: str) -> FieldInvalidError:
    return FieldInvalidError(f"{name}: {problem}", metadata={"field": name})
