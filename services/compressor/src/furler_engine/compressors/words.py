"""Running text without the words that matter least: what a model of prose is asked, and its use.

What lives here: what is worth asking about a content, and the view that the answers give. What
does not: what running text is (shared/running_text.py), which words go (shared/word_choice.py).

This works on top of another draft, or on the content as it is: what is left out already is not
asked about. Lines stay lines, and every line keeps a word at least.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from furler_engine import tokens
from furler_engine.coverage import line_starts
from furler_engine.shared.json_offsets import byte_offsets
from furler_engine.shared.prose_sense import complete
from furler_engine.shared.prose_words import Span, is_small
from furler_engine.shared.running_text import Interval, Word, stretches, words
from furler_engine.shared.word_choice import Reading
from furler_engine.types import (
    LEAST_KEEP,
    WORDS,
    Answers,
    Bytes,
    BytesShown,
    Draft,
    Elision,
    Kind,
    Level,
    Lines,
    Policy,
    Source,
    WordsShown,
)

NAME: Final = "words"
KINDS: Final = (Kind.PROSE, Kind.MARKDOWN, Kind.TEXT)
_MOSTLY: Final = 0.6
"""Share of running text from which a text of no known kind is one."""
_KEEP: Final = {Level.CAREFUL: 0.64, Level.TIGHT: 0.45}
"""Share of the words that stay. Small words are cheap: .64 of the words are about .75 of the tokens of
articles. By reading, it is where few statements change (docs/model-card.md)."""
_LEAST_SAVED: Final = 120
"""Tokens. Legend and trailer take half of it, and a model's time is worth something, too."""
_LEAST_SHARE: Final = 0.05
"""Of what is shown, likewise."""
_MOST_WORDS: Final = 100_000
"""Words of one content that a model is asked about: ten seconds of two processors."""
_SLACK: Final = 0.15
"""How much smaller than the share of all words that of those that may go can be: a text full of
code and links keeps more, for what stands between them is to be read, too."""
_MOST_CHARACTERS: Final = 1_500_000
"""Likewise, before words are looked for: twice what so many words take."""
_PRICE: Final = 0.8
"""Tokens of a word that goes, beside those of one that stays."""


_TRAILER: Final = 45
"""Tokens of the last line."""
_ATTEMPTS: Final = 3
"""To meet a target: what a share of the words comes to in tokens is known afterwards only."""
_LEGEND: Final = (
    "[abridged: {gone:,} of {total:,} words are left out of running text, none is changed; "
    "every line keeps its place]\n"
)
_LEADING: Final = frozenset({
    "of", "in", "on", "by", "to", "at", "for", "from", "with", "into", "without", "under", "over",
    "between", "through", "during", "within", "against", "per", "via", "than",
})  # fmt: skip
_LINKS: Final = ("and", "or", "but", "so", "that", "which")
_CLAUSE_ENDS: Final = ".!?,;:"
_BLANKS: Final = (" ", "\t")


@dataclass(frozen=True, slots=True)
class Refined:
    """What came of it: a draft, or texts to ask a model about, or a reason why neither."""

    draft: Draft | None = None
    asks: tuple[str, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Running text and its words."""

    start: int
    end: int
    words: Sequence[Word]


def refine(
    source: Source,
    policy: Policy,
    base: Draft | None,
    answers: Answers | None,
    kind: Kind = Kind.PROSE,
) -> Refined:
    """Leave words out of what ``base`` shows; None shows everything.

    Without ``answers`` they are asked for, if that is likely to pay.
    """
    if base is not None and not isinstance(base.coverage, BytesShown):
        return Refined(why_not="what is shown is re-encoded")
    text = source.text
    shown = _shown(source, base)
    length = sum(end - start for start, end in shown)
    if length > _MOST_CHARACTERS:
        return Refined(why_not=f"{length:,} characters are more than a model is asked about")
    found = [_Stretch(a, b, words(text, a, b)) for a, b in stretches(text, shown)]
    size = sum(tokens.estimate(text[start:end], policy.tokenizer) for start, end in shown)
    keep = _keep(policy, size)
    why_not = _why_not(found, shown, size, keep, kind)
    if why_not:
        return Refined(why_not=why_not)
    if answers is None:
        return Refined(asks=tuple(dict.fromkeys(text[s.start : s.end] for s in found)))
    heard = [
        (stretch, scores)
        for stretch in found
        if (scores := answers.get(text[stretch.start : stretch.end])) is not None
    ]
    writer = _Writer(source, policy, base, shown)
    spans = [Span(word.start, word.end) for stretch, _ in heard for word in stretch.words]
    reading = Reading.of(text, spans)
    draft: Draft | None = None
    for _ in range(_ATTEMPTS):
        gone = _gone(source, reading, heard, keep)
        if any(gone):
            draft = writer.draft(gone)
        over = _over(policy, draft)
        if over <= 0 or keep <= LEAST_KEEP:
            break
        keep = max(LEAST_KEEP, keep - over / max(1, size) / _PRICE)
    return Refined(draft, why_not="" if draft else "no word may go")


def _over(policy: Policy, draft: Draft | None) -> int:
    """Return by how many tokens a draft misses the policy's target."""
    if draft is None or not policy.target_tokens or policy.keep:
        return 0
    return tokens.estimate(draft.text, policy.tokenizer) + _TRAILER - policy.target_tokens


def _why_not(
    found: Sequence[_Stretch], shown: Sequence[Interval], size: int, keep: float, kind: Kind
) -> str:
    """Return why a model is not worth asking; '' where it is."""
    total = sum(len(stretch.words) for stretch in found)
    free = sum(word.may_go for stretch in found for word in stretch.words)
    running = sum(s.end - s.start for s in found) / max(1, sum(b - a for a, b in shown))
    gain = min(1 - keep, (1 - keep + _SLACK) * free / max(1, total)) * _PRICE * running * size
    if kind is Kind.TEXT and running < _MOSTLY:
        return "mostly no running text"
    if gain < max(_LEAST_SAVED, _LEAST_SHARE * size):
        return f"too little running text: about {gain:.0f} tokens could go"
    if total > _MOST_WORDS:
        return f"{total:,} words are more than a model is asked about, {_MOST_WORDS:,}"
    return ""


def _shown(source: Source, base: Draft | None) -> list[Interval]:
    """Return the characters that a draft shows verbatim."""
    if base is None or not isinstance(base.coverage, BytesShown):
        return [(0, len(source.text))]
    if source.text.isascii():
        return [(r.start, r.end) for r in base.coverage.ranges]
    found: list[Interval] = []
    at = characters = 0
    for r in base.coverage.ranges:
        start = characters + len(source.data[at : r.start].decode())
        at, characters = r.end, start + len(source.data[r.start : r.end].decode())
        found.append((start, characters))
    return found


def _keep(policy: Policy, size: int) -> float:
    """Return the share of words that stay."""
    if policy.keep:
        return policy.keep
    if policy.target_tokens:
        return max(LEAST_KEEP, min(1.0, 1 - (1 - policy.target_tokens / max(1, size)) / _PRICE))
    return _KEEP[Level.TIGHT if policy.is_tight(*KINDS) else Level.CAREFUL]


def _gone(
    source: Source,
    reading: Reading,
    heard: Sequence[tuple[_Stretch, Sequence[float]]],
    keep: float,
) -> list[list[Interval]]:
    """Return the runs of words that go, by stretch."""
    flat = [word for stretch, _ in heard for word in stretch.words]
    scores = [score for _, given in heard for score in given]
    # What may not go counts as kept, and comes first; yet it does not eat up all the rest.
    fixed = sum(not word.may_go for word in flat)
    share = max(keep, (fixed + (keep - _SLACK) * (len(flat) - fixed)) / max(1, len(flat)))
    worth = [score if word.may_go else 1.0 for word, score in zip(flat, scores, strict=True)]
    stays = reading.choose(worth, share, source.hints.query, [not word.may_go for word in flat])
    # A list mark goes with its line where words may go; one that may not stays.
    stays = [kept or not word.may_go for kept, word in zip(stays, flat, strict=True)]
    mended: list[bool] = []
    for stretch, given in heard:
        mine = stays[len(mended) : len(mended) + len(stretch.words)]
        mended += _mended(source.text, stretch, mine, given)
    complete(reading.needs(share), mended)
    gone: list[list[Interval]] = []
    at = 0
    for stretch, _ in heard:
        mine = mended[at : at + len(stretch.words)]
        at += len(stretch.words)
        gone.append(list(_runs(source.text, stretch.words, mine)))
    return gone


def _mended(
    text: str, stretch: _Stretch, stays: Sequence[bool], scores: Sequence[float]
) -> list[bool]:
    """Return what stays when clauses keep their ends, and lines a word.

    Without its end a clause runs into the next: "If you do, we will wait" is not "If you wait".
    """
    mended = list(stays)
    line = clause = 0
    starts = [word.start for word in stretch.words] + [stretch.end]
    for n, word in enumerate(stretch.words):
        if text[word.end - 1] in _CLAUSE_ENDS:
            # "Around the patient and, when needed, the staff": no end is where a link stands.
            is_link = text[word.start : word.end - 1].lower() in _LINKS
            mended[n] = mended[n] or (not is_link and any(mended[clause:n]))
            clause = n + 1
        if "\n" in text[word.end : starts[n + 1]] or n + 1 == len(stretch.words):
            if not any(mended[line : n + 1]):
                mended[max(range(line, n + 1), key=lambda i: (scores[i], -i))] = True
            line = n + 1
    _lead_on(text, stretch.words, scores, mended)
    return mended


def _lead_on(text: str, part: Sequence[Word], scores: Sequence[float], stays: list[bool]) -> None:
    """Let prepositions that stay lead to something: "changed by hand any more", not "by more"."""
    n = 0
    while n < len(part):
        behind = n + 1
        while behind < len(part) and not stays[behind]:
            behind += 1
        if stays[n] and behind > n + 1 and text[part[n].start : part[n].end].lower() in _LEADING:
            follows = text[part[behind].start : part[behind].end] if behind < len(part) else ""
            if is_small(follows):
                stays[max(range(n + 1, behind), key=lambda i: (scores[i], -i))] = True
        n = behind


def _runs(text: str, part: Sequence[Word], stays: Sequence[bool]) -> Iterator[Interval]:
    """Yield what goes of a stretch: neighbours on a line together, with the blank on one side."""
    n = 0
    while n < len(part):
        first = n
        while (
            n < len(part)
            and not stays[n]
            and (n == first or "\n" not in text[part[n - 1].end : part[n].start])
        ):
            n += 1
        if n == first:
            n += 1
            continue
        start, end = part[first].start, part[n - 1].end
        if text[end : end + 1] in _BLANKS:
            yield start, end + 1
        elif text[start - 1 : start] in _BLANKS:
            yield start - 1, end
        else:
            yield start, end


class _Writer:
    """Writes what a draft shows, less words."""

    def __init__(
        self, source: Source, policy: Policy, base: Draft | None, shown: Sequence[Interval]
    ) -> None:
        self._source = source
        self._policy = policy
        self._text = source.text if base is None else base.text
        self._elisions = () if base is None else base.elisions
        self._shown = shown
        self._starts = line_starts(source)

    def draft(self, gone: Sequence[Sequence[Interval]]) -> Draft:
        """Return the draft without the words of ``gone``, runs by stretch."""
        text = self._source.text
        runs = [run for stretch in gone for run in stretch]
        total = _count(self._source.lines)
        left = _count(text[start:end] for start, end in self._shown)
        lost = _count(text[start:end] for start, end in runs)
        offsets = byte_offsets(text, [at for pair in [*self._shown, *runs] for at in pair])
        shown, dropped = (
            tuple(Bytes(offsets[start], offsets[end]) for start, end in intervals)
            for intervals in (self._shown, runs)
        )
        named = [self._named(stretch, offsets) for stretch in gone if stretch]
        return Draft(
            _LEGEND.format(gone=lost, total=left) + "".join(self._pieces(runs)),
            WordsShown(shown, dropped),
            "words",
            total,
            left - lost,
            tuple(sorted([*self._elisions, *named], key=self._line_of)),
        )

    def _pieces(self, runs: Sequence[Interval]) -> Iterator[str]:
        text = self._source.text
        at = n = 0
        for first, end in self._shown:
            begin = self._text.index(text[first:end], at)
            yield self._text[at:begin]
            at, start = begin + end - first, first
            while n < len(runs) and runs[n][0] < end:
                yield text[start : runs[n][0]]
                start, n = runs[n][1], n + 1
            yield text[start:end]
        yield self._text[at:]

    def _named(self, runs: Sequence[Interval], offsets: dict[int, int]) -> Elision:
        """Return the elision of a stretch: its lines from the first to the last word that goes."""
        first, last = (self._line_at(offsets[at]) for at in (runs[0][0], runs[-1][0]))
        lost = "".join(self._source.text[start:end] for start, end in runs)
        return Elision(Lines(first, last), WORDS, tokens.estimate(lost, self._policy.tokenizer))

    def _line_at(self, offset: int) -> int:
        return min(bisect_right(self._starts, offset), len(self._source.lines))

    def _line_of(self, elision: Elision) -> int:
        match elision.place:
            case Lines(first, _):
                return first
            case Bytes(start, _):
                return self._line_at(start)
        return 0


def _count(parts: Iterable[str]) -> int:
    """Return how many words there are in texts."""
    return sum(len(part.split()) for part in parts)
