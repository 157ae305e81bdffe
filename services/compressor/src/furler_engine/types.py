"""The values that every part of the engine speaks of.

What lives here: kinds, hints, policies, sources, elisions, drafts; and by import
selectors (places.py). What does not: anything that decides, encodes or checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TypeVar, cast

from furler_engine.json_value import parse
from furler_engine.places import (
    Bytes,
    JsonLocation,
    JsonPath,
    Lines,
    Match,
    Place,
    Rows,
    Search,
    Selector,
    Symbol,
    Within,
)
from furler_engine.text_lines import TextLines

__all__ = [
    "Bytes",
    "JsonLocation",
    "JsonPath",
    "Lines",
    "Match",
    "Place",
    "Rows",
    "Search",
    "Selector",
    "Symbol",
    "Within",
]


class Kind(StrEnum):
    """What a content is, as far as routing cares."""

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
    """Elide, but every elided part can be retrieved by reference."""
    IRREVERSIBLE = "irreversible"
    """Elide without storing the original."""


class Level(StrEnum):
    """How hard one kind of content is compressed."""

    OFF = "off"
    """Pass it through."""
    LOSSLESS = "lossless"
    """Re-encode, elide nothing."""
    CAREFUL = "careful"
    """The default: elide where it pays; keep errors, outliers, rare things, query hits."""
    TIGHT = "tight"
    """Elide as much as the kind allows while everything stays named and counted."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What the caller knows about the content; all optional."""

    kind: Kind | None = None
    media_type: str = ""
    filename: str = ""
    tool: str = ""
    query: str = ""


TOKENIZERS = ("cl100k_base", "o200k_base")
"""Tokenizers whose vocabularies are installed; tokens.py holds them."""
DEFAULT_TOKENIZER = "o200k_base"
LEAST_KEEP = 0.3
"""Smallest share of the words of running text that a policy may ask to keep: a telegram."""
DEFAULT_MIN_TOKENS = 200
"""Below this a trailer (about 45 tokens) eats a good part of any saving."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that may change a view, apart from content and hints.

    ``target_tokens`` 0 leaves the size to the compressors; ``min_tokens`` is
    the size under which content passes through; ``levels`` maps a kind to a
    level, others are CAREFUL; ``tools`` maps globs of tools' names to levels for all
    kinds, the first that fits; ``retention_seconds`` 0 takes the space's default and
    is no part of the recipe, for it changes no byte.

    ``allow_model`` says whether running text may be shortened by the words that a
    model of prose finds to matter least, ``keep`` which share of its words stays
    then (LEAST_KEEP to 1; 0 leaves it to the level). ``model`` is the version of
    the model that will be asked: the service fills it in, a caller's wish it is
    not; empty, nothing is asked. Only with a model do ``keep`` and ``model``
    belong to the recipe.
    """

    fidelity: Fidelity = Fidelity.REVERSIBLE
    target_tokens: int = 0
    min_tokens: int = DEFAULT_MIN_TOKENS
    tokenizer: str = DEFAULT_TOKENIZER
    disabled: frozenset[str] = frozenset()
    levels: tuple[tuple[Kind, Level], ...] = ()
    retention_seconds: int = 0
    tools: tuple[tuple[str, Level], ...] = ()
    allow_model: bool = True
    keep: float = 0.0
    model: str = ""

    def level(self, kind: Kind) -> Level:
        """Return the level in force for a kind."""
        return dict(self.levels).get(kind, Level.CAREFUL)

    def is_tight(self, *kinds: Kind) -> bool:
        """Whether any of the kinds that one compressor serves is to be TIGHT."""
        return any(self.level(kind) is Level.TIGHT for kind in kinds)


_T = TypeVar("_T")


_LARGE = 1 << 18
"""Characters from which on lines are no list: below, it takes a few megabytes at most."""


class Source:
    """One content: its text and what can be derived from it, derived once."""

    def __init__(self, text: str, hints: Hints | None = None) -> None:
        self.text = text
        self.hints = hints if hints is not None else Hints()
        self._derived: dict[Callable[[Source], object], object] = {}

    def derived(self, derive: Callable[[Source], _T]) -> _T:
        """Return ``derive(self)``, computed once: what several compressors share."""
        if derive not in self._derived:
            self._derived[derive] = derive(self)
        return cast("_T", self._derived[derive])

    @cached_property
    def data(self) -> bytes:
        """The content's bytes, UTF-8."""
        return self.text.encode()

    @cached_property
    def lines(self) -> Sequence[str]:
        r"""Lines without their ``\n``; a final newline ends the last line, it starts no other."""
        if len(self.text) > _LARGE:
            return TextLines(self.text)
        lines = self.text.split("\n")
        if lines[-1] == "":
            lines.pop()
        return lines

    @cached_property
    def value(self) -> object:
        """The JSON value; JSON Lines are a list. Raises json_value.JsonError, a ValueError."""
        return parse(self.text)


@dataclass(frozen=True, slots=True)
class Elision:
    """One part of the content that a view leaves out, and how to get it."""

    place: Place
    summary: str
    tokens: int = 0
    """What the part would have cost; an estimate, filled in by the pipeline."""

    # As in places.py: a view has many.
    def __reduce__(self) -> tuple[type[Elision], tuple[Place, str, int]]:
        return Elision, (self.place, self.summary, self.tokens)


# Coverage: what a draft claims to show, in a form that coverage.check can prove.


@dataclass(frozen=True, slots=True)
class LinesShown:
    """The listed lines stand in the text; ``decode`` reads them back from it.

    ``decode`` yields (line number, line) for every shown line. Without it the
    lines stand in the text verbatim and in order. ``cleaned`` says that
    terminal control sequences were taken out first (see clean.clean_line).
    """

    lines: tuple[Lines, ...]
    decode: Callable[[str], Iterable[tuple[int, str]]] | None = None
    cleaned: bool = False


@dataclass(frozen=True, slots=True)
class BytesShown:
    """The listed byte ranges stand in the text verbatim and in order."""

    ranges: tuple[Bytes, ...]


@dataclass(frozen=True, slots=True)
class WordsShown:
    """The listed byte ranges stand in the text in order, less the runs of words in ``dropped``.

    A run lies within one range and one line, is whole words with the blanks on one
    side of them, and in the lines of an elision. What it leaves is verbatim.
    """

    ranges: tuple[Bytes, ...]
    dropped: tuple[Bytes, ...]


@dataclass(frozen=True, slots=True)
class TextShown:
    """The text of the listed byte ranges of a page stands in the view in order.

    Text is what a page shows: what stands between its tags, with character
    references decoded and white space folded. Tags, comments, scripts and styles
    inside a range are notation, which the view replaces with its own.
    """

    ranges: tuple[Bytes, ...]


@dataclass(frozen=True, slots=True)
class ValueShown:
    """``decode`` gives the JSON value back, less the rows that elisions name."""

    decode: Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a content that was drafted by itself; ``draft`` None stands verbatim.

    ``where`` are lines of the content, or the location of a string in its JSON.
    """

    where: Lines | JsonLocation
    draft: Draft | None


@dataclass(frozen=True, slots=True)
class PartsShown:
    """The parts' views stand in the text in order.

    Lines: they are the whole content, and nothing of them is left out. Strings:
    ``envelope`` stands in the text, and is the JSON value with ``placeholder(i)``
    for the i-th part; what is left out of a part is left out Within it.
    """

    parts: tuple[Part, ...]
    envelope: str = ""


def placeholder(index: int) -> str:
    """Return what stands in an envelope for the string of a part."""
    return f"(below: {index + 1})"


Coverage = LinesShown | BytesShown | WordsShown | TextShown | ValueShown | PartsShown


@dataclass(frozen=True, slots=True)
class Draft:
    """What a compressor proposes: text, proof of coverage, what is left out.

    ``text`` carries no trailer and no reference. ``units`` and ``total`` say
    what the content is counted in, for the trailer: 1,318 "lines".
    ``shown`` is how many of them the text shows.
    """

    text: str
    coverage: Coverage
    units: str
    total: int
    shown: int
    elisions: tuple[Elision, ...] = ()


Plan = Callable[[Source, Policy], Draft | None]
"""A compressor. None means: not mine, or nothing to gain. Pure and deterministic."""


@dataclass(frozen=True, slots=True)
class Compressor:
    """A named compressor and the weakest fidelity of its drafts."""

    name: str
    fidelity: Fidelity
    plan: Plan


Answers = Mapping[str, tuple[float, ...]]
"""What a model of prose said of texts: from 0 (drop) to 1 (keep) for each word of each.

A word is a run of characters between white space.
"""
WORDS = "words"
"""The summary of an elision that stands for words here and there in its lines, which are shown."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One step of the pipeline, for Explain."""

    compressor: str
    applied: bool
    reason: str
    tokens_after: int


@dataclass(frozen=True, slots=True)
class View:
    """The compressed form of one content.

    ``text`` is the content itself when nothing was gained; ``ref`` is empty
    then. ``estimated`` says that a token count fell back to the estimator.
    ``asks`` are texts on whose words a model's answers would make a shorter view:
    with them the content is compressed again. Without, this view is whole.
    """

    text: str
    ref: str
    kind: Kind
    compressors: tuple[str, ...]
    elisions: tuple[Elision, ...]
    tokens_before: int
    tokens_after: int
    tokenizer: str
    recipe: str
    estimated: bool = False
    decisions: tuple[Decision, ...] = ()
    asks: tuple[str, ...] = ()

    @property
    def is_passthrough(self) -> bool:
        """Whether the view is the content itself."""
        return not self.compressors
