"""CompressConversation's messages to app values and back."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from furler.v1 import compressor_service_pb2 as compressor
from furler.v1 import content_pb2 as content
from furler.v1 import conversation_pb2 as conversation
from furler_compressor.app.compress import Compressed, Outcome
from furler_compressor.app.conversation import Answer, ConversationRequest
from furler_compressor.app.conversed import Beginning, Conversed, Epoch, Mode, Splice
from furler_compressor.app.errors import FieldInvalidError
from furler_compressor.rpc import convert
from furler_engine.dialects.block import Dialect
from furler_engine.epochs import Prices, Wish
from furler_engine.types import Policy

_DIALECTS: Final = {
    conversation.Dialect.Value(f"DIALECT_{dialect.name}"): dialect for dialect in Dialect
}
_MODES: Final = {
    mode: conversation.ConversationMode.Value(f"CONVERSATION_MODE_{mode.name}") for mode in Mode
}
_MODES_BACK: Final = {int(number): mode for mode, number in _MODES.items()}
_PRICES: Final = {"expected_reads": 1e9, "alive": 1.0, "read_price": 1e3, "write_price": 1e3}
"""Fields of the sum, and the most that each may be."""


def request_from(message: compressor.CompressConversationRequest) -> ConversationRequest:
    """Return the request. Raises FieldInvalidError."""
    dialect = _DIALECTS.get(message.dialect)
    if dialect is None:
        raise FieldInvalidError(
            f"dialect: unknown value {message.dialect}; have {', '.join(Dialect)}", field="dialect"
        )
    if len(message.query) > convert.MAX_QUERY_LENGTH:
        raise FieldInvalidError(
            f"query: at most {convert.MAX_QUERY_LENGTH} characters, got {len(message.query)}",
            field="query",
        )
    return ConversationRequest(
        message.space,
        message.body,
        dialect,
        convert.policy_from(message.policy),
        message.query,
        message.conversation,
        message.frozen_messages,
        _epoch_from(message.compaction),
        message.relocate_volatile,
        Beginning(_mode_from(message.mode), message.tag),
    )


def _mode_from(number: int) -> Mode:
    if number == conversation.CONVERSATION_MODE_UNSPECIFIED:
        return Mode.APPLY
    mode = _MODES_BACK.get(number)
    if mode is None:
        raise FieldInvalidError(
            f"mode: unknown value {number}; have {', '.join(Mode)}", field="mode"
        )
    return mode


def _mode_to(begun: Beginning | None) -> conversation.ConversationMode.ValueType:
    return conversation.CONVERSATION_MODE_UNSPECIFIED if begun is None else _MODES[begun.mode]


def response_to(answer: Answer, policy: Policy) -> compressor.CompressConversationResponse:
    """Return the response."""
    done = answer.done
    response = compressor.CompressConversationResponse(
        edits=[_edit_to(splice, answer) for splice in answer.splices],
        frozen_bytes=done.frozen_bytes,
        tokens_before=_count_to(done.tokens_before, policy),
        tokens_after=_count_to(answer.tokens_after, policy),
        volatile=[
            conversation.VolatileText(
                pointer=v.pointer,
                form=v.form,
                start=v.start,
                end=v.end,
                changed=v.changed,
                tokens_after=v.tokens_after,
            )
            for v in done.volatile
        ],
        compaction=_plan_to(done),
        mode=_mode_to(answer.begun),
        tag=answer.begun.tag if answer.begun else "",
        audited=[_edit_to(_as_figures(splice), answer) for splice in answer.audited],
        recipe=done.recipe,
        degraded=convert.degraded_to(answer.degraded),
    )
    for edit, splice in zip(response.edits, answer.splices, strict=True):
        convert.add_elisions(edit.view, splice.view)
    return response


def _epoch_from(message: conversation.Compaction) -> Epoch | None:
    mode = message.mode
    if mode == conversation.COMPACTION_MODE_UNSPECIFIED:
        return None
    if mode not in conversation.CompactionMode.values():
        raise FieldInvalidError(f"compaction.mode: unknown value {mode}", field="compaction.mode")
    for name, most in _PRICES.items():
        value: float = getattr(message, name)
        if not math.isfinite(value) or not 0 <= value <= most:
            raise FieldInvalidError(
                f"compaction.{name}: want 0 to {most:g}, got {value}", field=f"compaction.{name}"
            )
    usual, wish = Prices(), Wish()
    prices = Prices(
        message.expected_reads if message.HasField("expected_reads") else usual.expected_reads,
        message.alive if message.HasField("alive") else usual.alive,
        message.read_price if message.HasField("read_price") else usual.read,
        message.write_price if message.HasField("write_price") else usual.write,
    )
    keep_last = message.keep_last if message.HasField("keep_last") else wish.keep_last
    force = mode == conversation.COMPACTION_MODE_FORCE
    apply = force or mode == conversation.COMPACTION_MODE_APPLY
    return Epoch(Wish(keep_last, message.budget_tokens, prices), apply=apply, force=force)


def _as_figures(splice: Splice) -> Splice:
    """Return a splice that says what it would save, and names nothing: nothing was stored."""
    return replace(splice, replacement=b"", view=replace(splice.view, ref=""))


def _edit_to(splice: Splice, answer: Answer) -> conversation.Edit:
    """Return an edit's message, to be completed by the elisions of its view."""
    outcome = Outcome(splice.view, answer.degraded, cached=not splice.key)
    done = Compressed(outcome, splice.sha256, splice.size)
    return conversation.Edit(
        offset=splice.offset,
        length=splice.length,
        replacement=splice.replacement,
        pointer=splice.pointer,
        view=convert.figures_to(done),
        tool=splice.tool[: convert.MAX_NAME_LENGTH],
    )


def _plan_to(done: Conversed) -> conversation.CompactionPlan | None:
    plan = done.plan
    if plan is None:
        return None
    return conversation.CompactionPlan(
        retired=[
            conversation.RetiredBlock(pointer=r.pointer, reason=r.reason, tokens=r.tokens)
            for r in plan.retired
        ],
        saved_tokens=plan.saved_tokens,
        rewritten_tokens=plan.rewritten_tokens,
        benefit=plan.benefit,
        cost=plan.cost,
        pays=plan.pays,
        applied=done.applied,
    )


def _count_to(count: int, policy: Policy) -> content.TokenCount:
    return content.TokenCount(tokens=count, tokenizer=policy.tokenizer, estimated=True)
