"""What a conversation has pinned, as keys and bytes: blocks' first views, policy, prefix, epochs.

Keys: ``b/<epoch>/<block>`` a view, ``t/<block>`` text that was added to a block, ``policy/<epoch>``
the policy new blocks get, ``epoch/<epoch>`` that an epoch was begun, ``prefix`` what was volatile
in the system prompt when the conversation began.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import orjson

from furler_compressor.app.conversed import Beginning, Mode
from furler_compressor.app.ports import Pin
from furler_compressor.app.views import pack_view, unpack_view
from furler_engine.types import Fidelity, Kind, Level, Policy, View
from furler_engine.volatile import Trace


@dataclass(frozen=True, slots=True)
class Ledger:
    """The pins of a conversation's present epoch, read."""

    epoch: int = 0
    views: dict[str, View] = field(default_factory=dict)
    tails: dict[str, str] = field(default_factory=dict)
    policy: Policy | None = None
    prefix: Trace | None = None
    beginning: Beginning | None = None


def read(pins: Mapping[str, bytes]) -> Ledger:
    """Return the ledger of a conversation. What this release cannot read is left out."""
    epoch = _epoch(pins)
    begin = f"b/{epoch}/"
    views = {
        key.removeprefix(begin): unpack_view(data)
        for key, data in pins.items()
        if key.startswith(begin)
    }
    return Ledger(
        epoch,
        {key: view for key, view in views.items() if view is not None},
        {k[2:]: data.decode(errors="replace") for k, data in pins.items() if k.startswith("t/")},
        _policy(pins.get(f"policy/{epoch}")),
        _trace(pins.get("prefix")),
        beginning(pins),
    )


def beginning(pins: Mapping[str, bytes]) -> Beginning | None:
    """Return the mode and the tag that a conversation keeps; None for one that has not begun.

    One that began before there were modes is compressed.
    """
    data = pins.get(f"policy/{_epoch(pins)}")
    if data is None:
        return None
    try:
        fields = orjson.loads(data)
        return Beginning(Mode(fields.get("mode", Mode.APPLY)), str(fields.get("tag", "")))
    except (ValueError, AttributeError):
        return Beginning()


def _epoch(pins: Mapping[str, bytes]) -> int:
    epochs = [int(key[6:]) for key in pins if key.startswith("epoch/") and key[6:].isdecimal()]
    return max(epochs, default=0)


def view_pin(epoch: int, key: str, view: View) -> tuple[str, Pin]:
    """Return key and pin of a block's view."""
    return f"b/{epoch}/{key}", Pin(view.ref, pack_view(view))


def pack_as_is(view: View) -> bytes:
    """Return the pin of a block that was to have a view, and is sent as it is."""
    return pack_view(
        replace(view, text="", ref="", compressors=(), elisions=(), tokens_after=view.tokens_before)
    )


def tail_pin(key: str, ref: str, text: str) -> tuple[str, Pin]:
    """Return key and pin of what was added to a block."""
    return f"t/{key}", Pin(ref, text.encode())


def epoch_pin(epoch: int) -> tuple[str, Pin]:
    """Return key and pin of an epoch's beginning."""
    return f"epoch/{epoch}", Pin("", b"1")


def prefix_pin(trace: Trace) -> tuple[str, Pin]:
    """Return key and pin of what is volatile in a prefix."""
    data = orjson.dumps({"skeleton": trace.skeleton, "values": trace.values})
    return "prefix", Pin("", data)


def policy_pin(epoch: int, policy: Policy, begun: Beginning) -> tuple[str, Pin]:
    """Return key and pin of the policy, the mode and the tag that a conversation keeps."""
    fields: dict[str, object] = {
        "fidelity": policy.fidelity,
        "target_tokens": policy.target_tokens,
        "min_tokens": policy.min_tokens,
        "tokenizer": policy.tokenizer,
        "disabled": sorted(policy.disabled),
        "levels": policy.levels,
    }
    # Only where they say something: two replicas of two releases pin the same bytes otherwise.
    if policy.tools:
        fields["tools"] = policy.tools
    if not policy.allow_model:
        fields["allow_model"] = False
    if policy.keep:
        fields["keep"] = policy.keep
    if begun.mode is not Mode.APPLY:
        fields["mode"] = begun.mode
    if begun.tag:
        fields["tag"] = begun.tag
    return f"policy/{epoch}", Pin("", orjson.dumps(fields))


def _policy(data: bytes | None) -> Policy | None:
    if data is None:
        return None
    try:
        fields = orjson.loads(data)
        return Policy(
            fidelity=Fidelity(fields["fidelity"]),
            target_tokens=fields["target_tokens"],
            min_tokens=fields["min_tokens"],
            tokenizer=fields["tokenizer"],
            disabled=frozenset(fields["disabled"]),
            levels=tuple((Kind(kind), Level(level)) for kind, level in fields["levels"]),
            tools=tuple((str(tool), Level(level)) for tool, level in fields.get("tools", ())),
            allow_model=bool(fields.get("allow_model", True)),
            keep=float(fields.get("keep", 0)),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _trace(data: bytes | None) -> Trace | None:
    if data is None:
        return None
    try:
        fields = orjson.loads(data)
        return Trace(fields["skeleton"], tuple(fields["values"]))
    except (ValueError, KeyError, TypeError):
        return None
