"""``POST /v1/compress``: a conversation in, the same conversation with shorter tool results out.

The default is marker-free: views that re-encode without loss, nothing that
would take a retrieve tool. ``config.mode: "ccr"`` is for callers who offer one:
it elides, and names references. Trouble costs savings, never the caller's turn:
the reply is 200 with the messages as they came.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson
from aiohttp import web

from furler.conversations import Conversation, Dialect, Edit, Mode, splice
from furler.errors import (
    CredentialInvalidError,
    FieldInvalidError,
    FurlerError,
    SpaceDeniedError,
)
from furler.values import Fidelity, Policy
from furler_gateway import caller, telemetry
from furler_gateway.config import Settings
from furler_gateway.contract.dialect import dialect_of
from furler_gateway.json_spans import BodyError, Member, members
from furler_gateway.limits import malformed, off_loop
from furler_gateway.requests import json_body, space_of
from furler_gateway.upstream import Upstream

BYPASS_HEADERS: Final = ("x-headroom-bypass", "x-furler-bypass")
MAX_SESSION_ID: Final = 256

_LOSSLESS: Final = Policy(fidelity=Fidelity.LOSSLESS)
POLICIES: Final[Mapping[str | None, Policy]] = {
    None: _LOSSLESS,
    "ccr": Policy(fidelity=Fidelity.REVERSIBLE),
    # Elsewhere these two lose text for good. Here nothing is lost that cannot be had back.
    "lossy_inline": _LOSSLESS,
    "lossless_then_lossy": _LOSSLESS,
}
_CALLERS_FAULT: Final = (CredentialInvalidError, SpaceDeniedError, FieldInvalidError)
"""What a caller must hear of: served unchanged, a wrong credential would go unnoticed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of the contract, checked.

    ``start`` and ``end`` are where the conversation stands in the body, under ``name``.
    """

    body: bytes
    name: str
    start: int
    end: int
    dialect: Dialect | None
    """None: there is nothing that could be compressed."""
    policy: Policy
    frozen_messages: int
    session_id: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the conversation. ``skipped`` is why nothing did, if so."""

    conversation: bytes
    before: int = 0
    after: int = 0
    transforms: Mapping[str, int] = field(default_factory=dict)
    refs: tuple[str, ...] = ()
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class Compress:
    """Serves /v1/compress."""

    upstream: Upstream
    settings: Settings

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one request."""
        body = await json_body(request, self.settings)
        # Also where there is nothing to do: a wrong credential is to be noticed at the first request.
        await self.upstream.governor.identities.tenant()
        asked = await off_loop(len(body), parse, body, self.settings.contract_mode)
        caller.place().model = caller.model_name(asked.model)
        if asked.dialect is None or bypassed(request):
            outcome = Outcome(unchanged(asked))
        else:
            outcome = await self._compressed(asked, asked.dialect, space_of(request))
            _record(outcome)
        reply = await off_loop(len(body), write, asked, outcome)
        return web.Response(body=reply, content_type="application/json")

    async def _compressed(self, asked: Asked, dialect: Dialect, space: str) -> Outcome:
        """Return the compressed conversation; the one that came if there is trouble."""
        try:
            async with asyncio.timeout(self.settings.default_timeout_seconds):
                done = await self.upstream.furler.compress_conversation(
                    asked.body,
                    dialect,
                    conversation=asked.session_id or None,
                    policy=asked.policy,
                    space=space,
                    frozen_messages=asked.frozen_messages,
                )
        except _CALLERS_FAULT:
            raise
        except FurlerError as error:
            self.upstream.figures.degraded()
            return Outcome(unchanged(asked), skipped=_skip_reason(error))
        except TimeoutError:
            self.upstream.figures.degraded()
            return Outcome(unchanged(asked), skipped="compression_timeout")
        return outcome_of(asked, done)


def bypassed(request: web.Request) -> bool:
    """Return whether the caller wants the messages back as they are."""
    return any(request.headers.get(name, "").lower() == "true" for name in BYPASS_HEADERS)


def unchanged(asked: Asked) -> bytes:
    """Return the conversation's bytes as they came."""
    return asked.body[asked.start : asked.end]


def outcome_of(asked: Asked, done: Conversation) -> Outcome:
    """Return what the compressor made of the conversation."""
    if done.mode is Mode.AUDIT:
        return Outcome(unchanged(asked), done.tokens_before, done.tokens_before)
    if done.mode is not Mode.APPLY and done.degraded is None:
        return Outcome(unchanged(asked))  # as the policy has it, so nothing that went wrong
    if any(not _inside(asked, edit) for edit in done.edits):
        return Outcome(unchanged(asked), skipped="unexpected_edit")
    if done.degraded is not None and not done.edits:
        return Outcome(unchanged(asked), skipped=str(done.degraded))
    moved = (
        Edit(each.offset - asked.start, each.length, _hashed(each), each.pointer, each.view)
        for each in done.edits
    )
    transforms = Counter(name for edit in done.edits for name in edit.view.compressors)
    shown = (edit.view for edit in done.edits)
    # A reference counts if the model can see it: a view without loss may name none.
    refs = dict.fromkeys(view.ref for view in shown if view.ref and view.ref in view.text)
    return Outcome(
        splice(unchanged(asked), moved),
        done.tokens_before,
        done.tokens_after,
        dict(transforms),
        tuple(map(hash_of, refs)),
    )


def hash_of(ref: str) -> str:
    """Return a reference as the hexadecimal hash that it is to callers: LiteLLM takes nothing else."""
    try:
        return base64.b32decode(ref.upper()).hex()
    except binascii.Error:
        return ref  # a scheme of a later compressor


def _hashed(edit: Edit) -> bytes:
    """Return what an edit puts in, with its reference as the caller will name it."""
    ref = edit.view.ref
    return (
        edit.replacement.replace(ref.encode(), hash_of(ref).encode()) if ref else edit.replacement
    )


def _inside(asked: Asked, edit: Edit) -> bool:
    return asked.start <= edit.offset and edit.offset + edit.length <= asked.end


def parse(body: bytes, default_mode: str = "") -> Asked:
    """Return what a body asks for; ``default_mode`` is that of one that names none. Raises RequestError."""
    try:
        found = members(body)
    except BodyError as error:
        raise malformed(str(error)) from None
    policy, frozen = _config(found.get("config"), default_mode or None)
    # An empty model is how callers say that they know of none.
    nameless = "model" in found and found["model"].value == ""
    model = "" if nameless else _text(body, found, "model")
    session_id = _text(body, found, "session_id")
    if len(session_id) > MAX_SESSION_ID:
        raise malformed(f"session_id: want at most {MAX_SESSION_ID} characters")
    for name in ("messages", "input"):
        if name in found and found[name].value is not None:
            break
    else:
        raise malformed("Missing required field: messages or input")
    member = found[name]
    dialect: Dialect | None = None
    if isinstance(member.value, list):
        if member.value:
            dialect = dialect_of(name, body[member.start : member.end])
    elif name != "input" or not isinstance(member.value, str):  # input may be the user's words
        raise malformed(f"{name}: want an array")
    return Asked(body, name, member.start, member.end, dialect, policy, frozen, session_id, model)


def write(asked: Asked, outcome: Outcome) -> bytes:
    """Return the reply's body."""
    figures: dict[str, object] = {
        "tokens_before": outcome.before,
        "tokens_after": outcome.after,
        "tokens_saved": outcome.before - outcome.after,
        "compression_ratio": outcome.after / outcome.before if outcome.before else 1.0,
        "transforms_applied": list(outcome.transforms),
        "transforms_summary": dict(outcome.transforms),
        "ccr_hashes": list(outcome.refs),
    }
    if outcome.skipped:
        figures |= {"compression_skipped": True, "skip_reason": outcome.skipped}
    parts = [b'{"messages":', outcome.conversation]
    if asked.name == "input":
        parts += [b',"input":', outcome.conversation]
    return b"".join([*parts, b",", orjson.dumps(figures)[1:]])


def _config(member: Member | None, default_mode: str | None) -> tuple[Policy, int]:
    """Return policy and frozen message count. Raises RequestError."""
    config = {} if member is None or member.value is None else member.value
    if not isinstance(config, dict):
        raise malformed("config: want an object")
    mode = config.get("mode")
    if mode is not None and (not isinstance(mode, str) or mode not in POLICIES):
        known = ", ".join(name for name in POLICIES if name)
        raise malformed(f"config.mode: want one of {known}, or none")
    frozen = config.get("frozen_message_count")
    if frozen is None:
        frozen = 0
    if isinstance(frozen, bool) or not isinstance(frozen, int) or not 0 <= frozen < 2**32:
        raise malformed("config.frozen_message_count: want a whole number, 0 or more")
    return POLICIES[mode or default_mode], frozen


def _text(body: bytes, found: Mapping[str, Member], name: str) -> str:
    """Return a member that is text; empty for none. Raises RequestError."""
    value = found[name].exactly(body) if name in found else None
    if value is None:
        return ""
    # Half a surrogate pair, which JSON can have, is not printable either.
    if not isinstance(value, str) or not value or not value.isprintable():
        raise malformed(f"{name}: want printable text")
    return value


def _skip_reason(error: FurlerError) -> str:
    if error.reason == "DEADLINE_EXCEEDED":
        return "compression_timeout"
    return error.reason.lower()


def _record(outcome: Outcome) -> None:
    telemetry.COMPRESSED_TOKENS.labels("before").inc(outcome.before)
    telemetry.COMPRESSED_TOKENS.labels("after").inc(outcome.after)
    if outcome.skipped:
        telemetry.COMPRESS_SKIPPED.labels(outcome.skipped).inc()
