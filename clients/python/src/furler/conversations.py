"""What compress_conversation takes and gives: no protobuf, no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from furler.values import Degraded, View, saved


class Dialect(StrEnum):
    """The provider format of a request."""

    OPENAI_CHAT = "openai_chat"
    OPENAI_RESPONSES = "openai_responses"
    ANTHROPIC_MESSAGES = "anthropic_messages"


class Mode(StrEnum):
    """What is done with a conversation; it keeps the one it began with."""

    APPLY = "apply"
    AUDIT = "audit"
    """Measure what APPLY would save; edit and store nothing."""
    BYPASS = "bypass"
    """Leave it alone."""


class CompactionMode(StrEnum):
    """What is done about a plan for a new epoch."""

    PLAN = "plan"
    APPLY = "apply"
    """Do it if it pays."""
    FORCE = "force"


@dataclass(frozen=True, slots=True)
class Compaction:
    """A wish for a new epoch: stale and superseded results go, the prefix is rewritten once.

    Attributes:
        mode: Plan it, apply it if it pays, or force it; the last two need a conversation.
        keep_last: Latest results that stay.
        budget_tokens: What tool results may cost in all, the oldest going first; 0: no limit.
        expected_reads: How many more requests will carry the prefix.
        alive: Probability that the provider still caches it; 0: it lapsed.
        read_price: Price of reading a cached token, an uncached one being 1.
        write_price: Price of writing a token to the cache.
    """

    mode: CompactionMode | str = CompactionMode.PLAN
    keep_last: int = 5
    budget_tokens: int = 0
    expected_reads: float = 10.0
    alive: float = 1.0
    read_price: float = 0.1
    write_price: float = 1.25


@dataclass(frozen=True, slots=True)
class Edit:
    """One JSON string of the request that was replaced.

    ``view.text`` is the text that stands there now.
    """

    offset: int
    length: int
    replacement: bytes
    pointer: str
    view: View
    tool: str = ""
    """The tool whose result it is; empty if it is of none."""


@dataclass(frozen=True, slots=True)
class Volatile:
    """A piece of the system prompt that tends to change, and then costs the cache what follows.

    ``start`` and ``end`` are characters of the string at ``pointer``; ``changed`` says whether it
    changed since the conversation's first request, None if that is not known.
    """

    pointer: str
    form: str
    start: int
    end: int
    changed: bool | None
    tokens_after: int


@dataclass(frozen=True, slots=True)
class Retired:
    """A result that an epoch takes back, why, and the tokens that saves with every request."""

    pointer: str
    reason: str
    tokens: int


@dataclass(frozen=True, slots=True)
class CompactionPlan:
    """An epoch and the sum that decides; ``benefit`` and ``cost`` are in uncached input tokens."""

    retired: tuple[Retired, ...]
    saved_tokens: int
    rewritten_tokens: int
    benefit: float
    cost: float
    pays: bool
    applied: bool


@dataclass(frozen=True, slots=True)
class Conversation:
    """A provider request with its tool results compressed.

    Attributes:
        body: The request to send: the given bytes with the edits applied.
        edits: What was replaced, in order; everything else is byte for byte as it was.
        frozen_bytes: Offset in the given body of the first byte that a later turn may edit.
        tokens_before: Tokens of the given body's text; an estimate where nothing is edited.
        tokens_after: Tokens of the text of ``body``.
        volatile: What in the system prompt tends to change between turns.
        compaction: The epoch asked for, if one was.
        recipe: Equal recipes give equal views of equal conversations.
        degraded: Why less is edited than the policy allows, if it is.
        mode: The mode in force; None if the conversation has not begun, or nobody can tell.
        tag: What the caller that began the conversation kept with its mode.
        audited: In AUDIT, what APPLY would edit: figures only, ``tokens_after`` counts them.
    """

    body: bytes
    edits: tuple[Edit, ...]
    frozen_bytes: int
    tokens_before: int
    tokens_after: int
    volatile: tuple[Volatile, ...]
    compaction: CompactionPlan | None
    recipe: str
    degraded: Degraded | None
    mode: Mode | None = Mode.APPLY
    tag: str = ""
    audited: tuple[Edit, ...] = ()

    @property
    def saved(self) -> float:
        """Share of the tokens that are saved, from 0 to 1."""
        return saved(self.tokens_before, self.tokens_after)


def splice(body: bytes, edits: Iterable[Edit]) -> bytes:
    """Return a body with edits applied; they are in order and do not overlap."""
    held = memoryview(body)  # so that a long body is copied once, not piece by piece before
    parts: list[bytes | memoryview] = []
    at = 0
    for edit in edits:
        parts += [held[at : edit.offset], edit.replacement]
        at = edit.offset + edit.length
    return b"".join([*parts, held[at:]]) if parts else body
