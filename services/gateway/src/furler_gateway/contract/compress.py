"""``POST /v1/compress``: a conversation in, the same conversation with shorter tool results out.

The default is marker-free: views that re-encode without loss, nothing that
would take a retrieve tool. ``config.mode: "ccr"`` is for callers who offer one:
it elides, and names references. Trouble costs savings, never the caller's turn:
the reply is 200 with the messages as they came.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from furler.client import DEFAULT_SPACE
from furler.errors import CredentialInvalidError, FurlerError, SpaceDeniedError
from furler.values import Fidelity, Item, Policy, View
from furler_gateway import telemetry
from furler_gateway.config import Settings
from furler_gateway.contract.bodies import BodyError, Slot, input_slots, message_slots
from furler_gateway.limits import malformed, off_loop
from furler_gateway.requests import json_body
from furler_gateway.upstream import Upstream

BYPASS_HEADERS: Final = ("x-headroom-bypass", "x-furler-bypass")
SPACE_HEADER: Final = "x-furler-space"
MAX_SESSION_ID: Final = 256

_LOSSLESS: Final = Policy(fidelity=Fidelity.LOSSLESS)
_POLICIES: Final = {
    None: _LOSSLESS,
    "ccr": Policy(fidelity=Fidelity.REVERSIBLE),
    # Elsewhere these two lose text for good. Here nothing is lost that cannot be had back.
    "lossy_inline": _LOSSLESS,
    "lossless_then_lossy": _LOSSLESS,
}
_OUR_FAULT: Final = (CredentialInvalidError, SpaceDeniedError)
"""What a caller must hear of: served unchanged, a wrong credential would go unnoticed."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A request of the contract, checked. ``items`` is what messages or input holds."""

    key: str
    items: object
    policy: Policy
    slots: Sequence[Slot]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the slots. ``skipped`` is why nothing did, if so."""

    before: int = 0
    after: int = 0
    transforms: tuple[str, ...] = ()
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
        conversation = await off_loop(len(body), parse, body)
        outcome = Outcome()
        if not bypassed(request) and conversation.slots:
            space = request.headers.get(SPACE_HEADER, DEFAULT_SPACE)
            outcome = await self._compressed(conversation, space)
            _record(outcome)
        reply = await off_loop(len(body), write, conversation, outcome)
        return web.Response(body=reply, content_type="application/json")

    async def _compressed(self, conversation: Conversation, space: str) -> Outcome:
        """Put views into the conversation; leave it as it is if there is trouble."""
        # A file read twice is one item: the same text of the same tool has the same view.
        items = {(slot.text, slot.tool): None for slot in conversation.slots}
        try:
            async with asyncio.timeout(self.settings.default_timeout_seconds):
                results = await self.upstream.furler.compress_many(
                    [Item(text, tool=tool or None) for text, tool in items],
                    policy=conversation.policy,
                    space=space,
                )
        except _OUR_FAULT:
            raise
        except FurlerError as error:
            return Outcome(skipped=_skip_reason(error))
        except TimeoutError:
            return Outcome(skipped="compression_timeout")
        return place(conversation.slots, dict(zip(items, results, strict=True)))


def bypassed(request: web.Request) -> bool:
    """Return whether the caller wants the messages back as they are."""
    return any(request.headers.get(name, "").lower() == "true" for name in BYPASS_HEADERS)


def place(slots: Sequence[Slot], results: dict[tuple[str, str], View | FurlerError]) -> Outcome:
    """Put the views that save something in the places of their texts."""
    before = after = 0
    transforms: dict[str, None] = {}
    refs: dict[str, None] = {}
    errors: list[FurlerError] = []
    for slot in slots:
        result = results[slot.text, slot.tool]
        if isinstance(result, FurlerError):
            errors.append(result)
            continue
        before += result.tokens_before
        if result.tokens_after >= result.tokens_before:
            after += result.tokens_before
            continue
        after += result.tokens_after
        slot.put(result.text)
        transforms |= dict.fromkeys(result.compressors)
        if result.ref and result.elisions:
            refs[result.ref] = None
    if errors and len(errors) == len(slots):
        return Outcome(skipped=_skip_reason(errors[0]))
    return Outcome(before, after, tuple(transforms), tuple(refs))


def parse(body: bytes) -> Conversation:
    """Return the conversation of a body. Raises RequestError."""
    try:
        # Not orjson: it would turn whole numbers above 64 bits into fractions, and they are
        # not ours to change.
        value: object = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise malformed("Invalid JSON in request body.") from None
    if not isinstance(value, dict):
        raise malformed("want a JSON object")
    config = value.get("config")
    mode, frozen = _config(config if config is not None else {})
    for name, limit in (("model", None), ("session_id", MAX_SESSION_ID)):
        _check_text(value, name, limit)
    key = "messages" if value.get("messages") is not None else "input"
    items = value.get(key)
    if items is None:
        raise malformed("Missing required field: messages or input")
    return Conversation(key, items, _POLICIES[mode], _slots(key, items, frozen))


def _slots(key: str, items: object, frozen: int) -> Sequence[Slot]:
    """Return the texts that may be compressed. Raises RequestError."""
    if key == "input" and isinstance(items, str):
        return ()  # the user's words
    if not isinstance(items, list):
        raise malformed(f"{key}: want an array")
    try:
        return (message_slots if key == "messages" else input_slots)(items, frozen)
    except BodyError as error:
        raise malformed(str(error)) from None


def write(conversation: Conversation, outcome: Outcome) -> bytes:
    """Return the reply's body."""
    saved = outcome.before - outcome.after
    reply: dict[str, object] = {
        "messages": conversation.items,
        "tokens_before": outcome.before,
        "tokens_after": outcome.after,
        "tokens_saved": saved,
        "compression_ratio": outcome.after / outcome.before if outcome.before else 1.0,
        "transforms_applied": list(outcome.transforms),
        "transforms_summary": dict(Counter(outcome.transforms)),
        "ccr_hashes": list(outcome.refs),
    }
    if conversation.key == "input":
        reply["input"] = conversation.items
    if outcome.skipped:
        reply |= {"compression_skipped": True, "skip_reason": outcome.skipped}
    try:
        return json.dumps(reply, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        # Half a surrogate pair has no UTF-8; as an escape it goes back as it came.
        return json.dumps(reply, separators=(",", ":")).encode()


def _config(config: object) -> tuple[str | None, int]:
    """Return mode and frozen message count. Raises RequestError."""
    if not isinstance(config, dict):
        raise malformed("config: want an object")
    mode = config.get("mode")
    if mode is not None and (not isinstance(mode, str) or mode not in _POLICIES):
        known = ", ".join(name for name in _POLICIES if name)
        raise malformed(f"config.mode: want one of {known}, or none")
    frozen = config.get("frozen_message_count", 0)
    if frozen is None:
        frozen = 0
    if isinstance(frozen, bool) or not isinstance(frozen, int) or frozen < 0:
        raise malformed("config.frozen_message_count: want a whole number, 0 or more")
    return mode, frozen


def _check_text(value: dict[str, object], name: str, limit: int | None) -> None:
    text = value.get(name)
    if text is None:
        return
    if not isinstance(text, str) or (limit is not None and not 0 < len(text) <= limit):
        most = f" of 1 to {limit} characters" if limit is not None else ""
        raise malformed(f"{name}: want text{most}")


def _no_constant(name: str) -> object:
    raise ValueError(name)  # NaN and Infinity are not JSON


def _skip_reason(error: FurlerError) -> str:
    if error.reason == "DEADLINE_EXCEEDED":
        return "compression_timeout"
    return error.reason.lower()


def _record(outcome: Outcome) -> None:
    telemetry.COMPRESSED_TOKENS.labels("before").inc(outcome.before)
    telemetry.COMPRESSED_TOKENS.labels("after").inc(outcome.after)
    if outcome.skipped:
        telemetry.COMPRESS_SKIPPED.labels(outcome.skipped).inc()
