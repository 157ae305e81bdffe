"""The values that go into and come out of the client: no protobuf, no I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from typing import Self, TypeVar

from furler.errors import FieldInvalidError

Choice = TypeVar("Choice", bound=StrEnum)


class Kind(StrEnum):
    """What a content is. Given as a hint it saves the server from guessing."""

    JSON = "json"
    CODE = "code"
    LOG = "log"
    TEST_OUTPUT = "test_output"
    BUILD_OUTPUT = "build_output"
    DIAGNOSTICS = "diagnostics"
    STACK_TRACE = "stack_trace"
    SEARCH_RESULTS = "search_results"
    LISTING = "listing"
    GIT_LOG = "git_log"
    DIFF = "diff"
    TABLE = "table"
    MARKUP = "markup"
    MARKDOWN = "markdown"
    PROSE = "prose"
    CONFIG = "config"
    BLOB = "blob"
    TEXT = "text"


class Fidelity(StrEnum):
    """How far a view may go from the content."""

    LOSSLESS = "lossless"
    """Re-encode only: the view alone determines the content's value."""
    REVERSIBLE = "reversible"
    """Elide, but every elided part can be retrieved. The default."""
    IRREVERSIBLE = "irreversible"
    """Elide without storing the original."""


class Level(StrEnum):
    """How hard one kind of content is compressed."""

    OFF = "off"
    LOSSLESS = "lossless"
    CAREFUL = "careful"
    """The default: elide where it pays; keep errors, outliers, rare things."""
    TIGHT = "tight"


class Degraded(StrEnum):
    """Why a view is less compressed than its policy allows."""

    STORE_UNAVAILABLE = "store_unavailable"
    COMPRESSOR_FAILED = "compressor_failed"
    DEADLINE = "deadline"
    MODEL_UNAVAILABLE = "model_unavailable"
    UNKNOWN = "unknown"
    """A reason that is newer than this client."""


def choose(choices: type[Choice], value: str, name: str) -> Choice:
    """Return the member for a value. Raises FieldInvalidError naming the field and what it takes."""
    try:
        return choices(value)
    except ValueError:
        known = [str(choice) for choice in choices]
        near = get_close_matches(str(value), known, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise FieldInvalidError(
            f"{name}: {value!r} is not one of {', '.join(known)}{hint}", metadata={"field": name}
        ) from None


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that may change a view, apart from the content and its hints.

    Every field left alone takes the server's default.

    Attributes:
        fidelity: How far a view may go from the content.
        target_tokens: Token budget of the view; 0 leaves it to the compressors.
        min_tokens: Content of fewer tokens passes through.
        tokenizer: Tokenizer of every count, such as ``o200k_base``.
        disabled_compressors: Names of compressors to leave out.
        levels: Level by kind, such as ``{"log": "tight"}``.
        allow_model: Whether the server's model, if it has one, may choose words of running text
            that the view leaves out; None is the server's default: it may.
        keep: Share of the words of running text that stay then, 0.3 to 1; 0 is the default.
        retention: How long the original is kept; a number is in seconds.
        recipe: An earlier view's recipe, to be served that view again if it is cached.
        tools: Level by tool or glob of tools, such as ``{"mcp__github__*": "off"}``; the first
            that fits beats levels by kind.
    """

    fidelity: Fidelity | str = ""
    target_tokens: int = 0
    min_tokens: int | None = None
    tokenizer: str = ""
    disabled_compressors: tuple[str, ...] = ()
    levels: Mapping[str, Level | str] = field(default_factory=dict)
    allow_model: bool | None = None
    keep: float = 0.0
    retention: timedelta | float | None = None
    recipe: str = ""
    tools: Mapping[str, Level | str] = field(default_factory=dict)

    @classmethod
    def of(cls, fields_by_name: Mapping[str, object]) -> Self:
        """Return a policy from its fields by name. Raises FieldInvalidError for any other name."""
        known = [each.name for each in fields(cls)]
        for name in fields_by_name:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}"
                raise FieldInvalidError(
                    f"policy has no field {name!r}: {hint}", metadata={"field": f"policy.{name}"}
                )
        # The values are checked where they are turned into a message (messages.policy).
        return cls(**fields_by_name)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Digest:
    """What identifies a content: SHA-256 in hexadecimal, and its length in bytes."""

    sha256: str
    size_bytes: int

    @classmethod
    def of(cls, content: str | bytes) -> Self:
        """Return the digest of a content."""
        data = content.encode() if isinstance(content, str) else content
        return cls(hashlib.sha256(data).hexdigest(), len(data))


@dataclass(frozen=True, slots=True)
class Item:
    """One content of compress_many with hints of its own."""

    content: str | bytes
    kind: Kind | str | None = None
    query: str | None = None
    tool: str | None = None
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class Elision:
    """One part that a view leaves out.

    ``marker`` is the selector as the view prints it, such as ``L120-188``;
    ``retrieve(view.ref, marker=elision.marker)`` gives the part back.
    ``tokens`` is an estimate.
    """

    marker: str
    summary: str
    tokens: int


@dataclass(frozen=True, slots=True)
class View:
    """The compressed form of one content.

    Attributes:
        text: What to put in the prompt.
        ref: What retrieve takes; empty when nothing was stored, because the view is
            the content itself or the policy forbids storing.
        kind: What the content was taken for.
        compressors: What was applied; none when the view is the content itself.
        elisions: What the view leaves out, in the order of the original.
        tokens_before: Tokens of the content.
        tokens_after: Tokens of the view, never more.
        tokenizer: What the tokens were counted with.
        estimated: Whether a count is an estimate.
        recipe: Equal recipes give equal views of equal content.
        original: Digest of the content.
        degraded: Why the view is less compressed than the policy allows, if it is.
        cached: Whether the view had been made before.
    """

    text: str
    ref: str
    kind: Kind
    compressors: tuple[str, ...]
    elisions: tuple[Elision, ...]
    tokens_before: int
    tokens_after: int
    tokenizer: str
    estimated: bool
    recipe: str
    original: Digest
    degraded: Degraded | None = None
    cached: bool = False

    @property
    def saved(self) -> float:
        """Share of the tokens that the view saves, from 0 to 1."""
        return saved(self.tokens_before, self.tokens_after)


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Part of an original.

    Attributes:
        data: The picked bytes, exactly as they stand in the original.
        ranges: Where they lie in it: pairs of byte offsets, half-open.
        original: Digest of the whole original.
        picked_tokens: Tokens of all that was picked, over all pages.
        next_page: What to pass as ``page`` to go on; None at the end.
        expires: When the original will be forgotten, if the server said so.
    """

    data: bytes
    ranges: tuple[tuple[int, int], ...]
    original: Digest
    picked_tokens: int
    next_page: str | None = None
    expires: datetime | None = None

    @property
    def text(self) -> str:
        """The picked bytes as text.

        A byte range may cut a character; its bytes come as surrogates, so that
        ``text.encode("utf-8", "surrogateescape")`` is ``data`` in any case.
        """
        return self.data.decode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Decision:
    """One step of the router."""

    compressor: str
    applied: bool
    reason: str
    tokens_after: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """What compress would do, and why. The view's original is not stored."""

    view: View
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class KindStats:
    """Savings for one kind of content."""

    kind: Kind
    views: int
    cached: int
    degraded: int
    tokens_before: int
    tokens_after: int

    @property
    def saved(self) -> float:
        """Share of the tokens saved, from 0 to 1."""
        return saved(self.tokens_before, self.tokens_after)


@dataclass(frozen=True, slots=True)
class Stats:
    """What a space has saved and holds."""

    kinds: tuple[KindStats, ...]
    retrievals: int
    retrieval_misses: int
    originals: int
    stored_bytes: int

    @property
    def views(self) -> int:
        """Views made."""
        return sum(row.views for row in self.kinds)

    @property
    def tokens_before(self) -> int:
        """Tokens of all contents."""
        return sum(row.tokens_before for row in self.kinds)

    @property
    def tokens_after(self) -> int:
        """Tokens of all views."""
        return sum(row.tokens_after for row in self.kinds)

    @property
    def saved(self) -> float:
        """Share of the tokens saved, from 0 to 1."""
        return saved(self.tokens_before, self.tokens_after)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Limits and features of a server; the API's comments define each."""

    engine_version: str
    compressors: tuple[str, ...]
    tokenizers: tuple[str, ...]
    model: str
    max_message_bytes: int
    max_content_bytes: int
    max_chunk_bytes: int
    max_batch_items: int
    default_min_tokens: int
    max_pattern_bytes: int
    max_context_lines: int
    max_search_limit: int
    default_retention: timedelta
    max_retention: timedelta


def saved(before: int, after: int) -> float:
    """Return the share of tokens saved, from 0 to 1; 0 where there were none."""
    return 1 - after / before if before else 0.0
