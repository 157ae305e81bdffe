"""The job CompressConversation gives to the engine, and its result. Values only: no engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from furler_compressor.app.ports import Pin
from furler_engine.dialects.block import Dialect
from furler_engine.epochs import Plan, Wish
from furler_engine.types import Answers, Policy, View


class Mode(StrEnum):
    """What is done with a conversation; it keeps the one it began with."""

    APPLY = "apply"
    AUDIT = "audit"
    """Measure what APPLY would save; edit and store nothing."""
    BYPASS = "bypass"


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a conversation keeps besides its policy; ``tag`` is the caller's own."""

    mode: Mode = Mode.APPLY
    tag: str = ""


AS_EVER: Final = Beginning()
"""Of who asks for nothing else."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """A wish for compaction; ``apply`` does it if it pays, ``force`` even if it does not."""

    wish: Wish
    apply: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class ConversationJob:
    """One provider request. ``pins`` are None without a conversation."""

    body: bytes
    dialect: Dialect
    policy: Policy
    tenant_key: bytes
    query: str = ""
    pins: Mapping[str, bytes] | None = None
    first_message: int = 0
    epoch: Epoch | None = None
    relocate: bool = False
    begun: Beginning = AS_EVER
    """What is in force, and pinned if it is new: never BYPASS, which asks no engine."""
    answers: Answers | None = None
    """A model's, to what an earlier run asked; None: it may ask."""
    owner: str = ""
    """The tenant it is done for."""


@dataclass(frozen=True, slots=True)
class Splice:
    """One edit: bytes ``offset`` to ``offset + length`` of the body become ``replacement``.

    ``key`` is the pin of a block that is given its view now; empty when it has it already.
    """

    offset: int
    length: int
    replacement: bytes
    pointer: str
    view: View
    sha256: bytes = b""
    size: int = 0
    key: str = ""
    tool: str = ""


@dataclass(frozen=True, slots=True)
class Volatile:
    """Volatile text of the prefix: characters ``start`` to ``end`` of the string at ``pointer``.

    ``changed`` says whether it changed since the conversation began; None if that is not known.
    ``tokens_after`` lose their place in the cache when it does.
    """

    pointer: str
    form: str
    start: int
    end: int
    changed: bool | None
    tokens_after: int


@dataclass(frozen=True, slots=True)
class Conversed:
    """The job's result. ``pins`` are new; nothing may be revealed before they are written."""

    splices: tuple[Splice, ...] = ()
    pins: dict[str, Pin] = field(default_factory=dict)
    frozen_bytes: int = 0
    tokens_before: int = 0
    volatile: tuple[Volatile, ...] = ()
    plan: Plan | None = None
    applied: bool = False
    recipe: str = ""
    is_relocated: bool = False
    asks: tuple[str, ...] = ()
