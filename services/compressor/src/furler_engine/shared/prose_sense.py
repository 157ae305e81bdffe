"""What the words of a running text need beside them, so that what is left says the same.

What lives here: which word pulls in which ("by" between "assisted" and "clerks", the verb behind
"must", the object of "avoid"). What does not: words that stay in any case (shared.prose_words),
scores and budgets (shared.word_choice).

There is no grammar here, only words and their distance. Each rule was written for sentences that
said something else without it: docs/model-card.md counts them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from furler_engine.shared.sense_words import (
    BE,
    BOUNDS,
    BY_FIRST,
    COMPARES,
    CONDITIONS,
    DETERMINERS,
    FLAT,
    GOVERNS,
    HAPPENS,
    JOINS,
    LEADS,
    NUMBERS,
    OBJECTS,
    PARTICLES,
    PERFECT,
    PERSONS,
    QUANTIFIERS,
    SAYS,
    SKIPPED,
    STATES,
    TURNS,
)

_FAR: Final = 4
"""Words within which what belongs together stands; beyond, it is another phrase."""
_CONDITION: Final = 16
"""Likewise, from "then" back to its "if"."""
_COMPARED: Final = 12
"""Likewise, from "than" back to its comparative."""
_ENDS: Final = ".,;:!?)"


class Need(NamedTuple):
    """Where the words ``left`` and ``right`` stay, ``word`` does."""

    left: int
    right: int
    word: int


@dataclass(frozen=True, slots=True)
class Words:
    """A text's words: as they stand, in lower case without marks, the sentence of each.

    ``small`` says which are function words, ``persons`` how many grammatical persons a sentence
    has.
    """

    plain: Sequence[str]
    lower: Sequence[str]
    sentence: Sequence[int]
    small: Sequence[bool]
    persons: Mapping[int, int]

    @classmethod
    def of(
        cls,
        plain: Sequence[str],
        lower: Sequence[str],
        sentence: Sequence[int],
        small: Sequence[bool],
    ) -> Words:
        """Return the words of a text; arguments as the attributes."""
        seen = {(s, PERSONS[w]) for w, s in zip(lower, sentence, strict=True) if w in PERSONS}
        return cls(plain, lower, sentence, small, Counter(s for s, _ in seen))

    def behind(self, i: int, far: int = _FAR) -> Iterator[int]:
        """Yield the words behind ``i`` up to the end of its clause."""
        for j in range(i + 1, min(i + 1 + far, len(self.plain))):
            if self.sentence[j] != self.sentence[i] or self.plain[j - 1][-1] in _ENDS:
                return
            yield j

    def before(self, i: int, far: int = _FAR) -> Iterator[int]:
        """Yield the words before ``i`` back to the beginning of its sentence."""
        for j in range(i - 1, max(-1, i - 1 - far), -1):
            if self.sentence[j] != self.sentence[i]:
                return
            yield j


def needs(words: Words) -> tuple[Need, ...]:
    """Return what words need where they stay, at all but the tightest dials. Linear."""
    return tuple(_collected(words, _RULES))


def finer_needs(words: Words) -> tuple[Need, ...]:
    """Return what they need besides, where there is room to keep details in their place. Linear."""
    return tuple(_collected(words, _FINER_RULES))


def _collected(words: Words, rules: Mapping[str, Sequence[_Rule]]) -> Iterator[Need]:
    for i, word in enumerate(words.lower):
        for rule in rules.get(_NOT if word.endswith(("n't", "n’t")) else word, ()):
            yield from rule(words, i)


def limits(words: Words) -> Iterator[int]:
    """Yield the words of phrases that are a limit or a condition."""
    for i, word in enumerate(words.lower):
        for phrase in BY_FIRST.get(word, ()):
            end = i + len(phrase)
            if phrase in CONDITIONS and tuple(words.lower[i:end]) == phrase:
                yield from range(i, end)


def complete(found: Sequence[Need], kept: list[bool]) -> None:
    """Keep what the kept words need, in place; twice, since needs have needs."""
    for _ in range(2):
        for left, right, word in found:
            if kept[left] and kept[right]:
                kept[word] = True


def _phrase(words: Words, i: int) -> Iterator[Need]:
    for phrase in BY_FIRST[words.lower[i]]:
        end = i + len(phrase)
        if tuple(words.lower[i:end]) == phrase and words.sentence[end - 1] == words.sentence[i]:
            for a in range(i, end):
                yield from (Need(a, a, b) for b in range(i, end) if b != a)
            if phrase[-1] in ("of", "to", "than"):
                yield from _object(words, end - 1)


def _is_adverb(word: str) -> bool:
    return len(word) > _FAR and word.endswith("ly")


def _verb(words: Words, i: int) -> Iterator[Need]:
    """The verb behind a modal or a negation, and an amount between them."""
    for j in words.behind(i):
        word = words.lower[j]
        if (
            word in QUANTIFIERS
            or (_is_adverb(word) and words.lower[i] in ("not", "never"))
            or word in FLAT
            or word == "not"
        ):
            yield Need(i, i, j)
        elif not (word in SKIPPED or word in PERSONS or _is_adverb(word)):
            yield Need(i, i, j)
            return


def _infinitive(words: Words, i: int) -> Iterator[Need]:
    """The verb behind "to": "to provide a park" is not "to park"."""
    for j in words.behind(i):
        word = words.lower[j]
        if j == i + 1 and (word in DETERMINERS or words.plain[j][:1].isupper()):
            return
        if not (_is_adverb(word) or word in SKIPPED):
            yield Need(i, i, j)
            if word not in FLAT:
                for k in words.before(i, 3):
                    if words.lower[k] in GOVERNS:
                        yield Need(j, j, k)
                        yield Need(j, j, i)
                        break
                return


def _consequence(words: Words, i: int) -> Iterator[Need]:
    """Between a condition and what follows from it."""
    for j in words.before(i, _CONDITION):
        if words.lower[j] in ("if", "when", "unless"):
            yield Need(j, j, i)
            return


def _merely(words: Words, i: int) -> Iterator[Need]:
    """Only so much: "just a handful", "not just that"; elsewhere the word says little."""
    is_amount = next((words.lower[j] for j in words.behind(i, 1)), "") in ("a", "an", "one", "two")
    if is_amount or any(words.lower[k] in ("not", "no", "cannot") for k in words.before(i)):
        yield from (Need(j, j, i) for j in words.behind(i) if not words.small[j])


def _risk(words: Words, i: int) -> Iterator[Need]:
    """What can happen has not happened."""
    if i and words.lower[i - 1] == "can":
        yield Need(i, i, i - 1)


def _particle(words: Words, i: int) -> Iterator[Need]:
    """Things are switched on, or off: what follows is no object of the preposition."""
    if i and not words.small[i - 1] and words.sentence[i - 1] == words.sentence[i]:
        behind = next(words.behind(i, 1), -1)
        if behind < 0 or (words.small[behind] and words.lower[behind] not in DETERMINERS):
            yield Need(i - 1, i - 1, i)


def _counted(words: Words, i: int) -> Iterator[Need]:
    """Before a number or a day they are bounds: "by Thursday", "every three months"."""
    if any(
        words.plain[j][0].isdigit() or words.lower[j] in NUMBERS or words.lower[j].endswith("day")
        for j in words.behind(i, 1)
    ):
        yield from _bound(words, i)


def _bound(words: Words, i: int) -> Iterator[Need]:
    """Where the time or the number behind it stays, "within" does."""
    for j in words.behind(i):
        if not words.small[j]:
            yield Need(j, j, i)
            ends = next(words.behind(j, 1), -1)
            if ends < 0 or words.small[ends]:  # nothing else of its object is left to stand for it
                yield Need(i, i, j)
            return


def _state(words: Words, i: int) -> Iterator[Need]:
    """What is left of "are on call", "is at risk" keeps its preposition."""
    for j in words.behind(i, 1):
        if words.lower[j] in STATES:
            yield from (Need(k, k, j) for k in words.behind(j, 2) if not words.small[k])


def _perfect(words: Words, i: int) -> Iterator[Need]:
    """What has been sent has not sent."""
    for j in words.before(i, 2):
        if words.lower[j] in PERFECT:
            yield from (Need(j, k, i) for k in [*words.behind(i, 2)])
            return


def _object(words: Words, i: int) -> Iterator[Need]:
    for j in words.behind(i):
        word = words.lower[j]
        if word in QUANTIFIERS:
            yield Need(i, i, j)
        elif not words.small[j]:
            yield Need(i, i, j)
            yield Need(j, j, i)
            return


def _comparative(words: Words, i: int) -> Iterator[Need]:
    for j in words.before(i, _COMPARED):
        if COMPARES.fullmatch(words.lower[j]):
            yield Need(i, i, j)
            return


def _joined(words: Words, i: int) -> Iterator[Need]:
    """A link stays where what stands on its two sides does."""
    lefts = [j for j in words.before(i, 2) if not words.small[j]][:1]
    begins = next(words.behind(i, 1), i)
    # "By the parliamentary clerks": where a whole noun phrase begins, its second word will do too.
    far = 2 if words.lower[i] == "by" or words.lower[begins] in SKIPPED else 1
    rights = [j for j in words.behind(i) if not words.small[j]][:far]
    if words.lower[i] == "from" and rights and words.lower[rights[0]].endswith("ing"):
        # "Keeps them from coming in contact" is not "keeps them in contact".
        yield from (Need(left, left, i) for left in lefts)
        yield Need(i, i, rights[0])
    for left in lefts:
        yield from (Need(left, right, i) for right in rights)


def _speaker(words: Words, i: int) -> Iterator[Need]:
    """Who says so: "Support told us", not "it was renamed"."""
    for j in words.before(i, 2):
        if words.plain[j][-1] in _ENDS:
            return
        if not words.small[j] or words.lower[j] in PERSONS:
            yield Need(i, i, j)
            return


def _person(words: Words, i: int) -> Iterator[Need]:
    """Beside a verb that stays, who does it, where a sentence speaks of several."""
    if words.persons[words.sentence[i]] < 2:
        return
    if words.lower[i] in OBJECTS:
        yield from (Need(j, j, i) for j in words.before(i, 1) if not words.small[j])
        return
    for j in words.behind(i, 2):
        if not words.small[j]:
            yield Need(j, j, i)
            return


_Rule = Callable[[Words, int], Iterator[Need]]
_NOT: Final = "n't"
"""Stands for don't, isn't and the others."""


def _table(*rules: tuple[Iterable[str], _Rule]) -> dict[str, tuple[_Rule, ...]]:
    found: dict[str, tuple[_Rule, ...]] = {}
    for words, rule in rules:
        for word in words:
            found[word] = (*found.get(word, ()), rule)
    return found


_RULES: Final = _table(
    ((*LEADS, _NOT), _verb),
    (TURNS, _object),
    (("than",), _comparative),
    (JOINS, _joined),
    (("then",), _consequence),
    (("just",), _merely),
    (HAPPENS, _risk),
    (PERSONS, _person),
)
_FINER_RULES: Final = _table(
    (BY_FIRST, _phrase),
    (("to",), _infinitive),
    (SAYS, _speaker),
    (PARTICLES, _particle),
    (BOUNDS, _bound),
    (("by", "every"), _counted),
    (BE, _state),
    (("been",), _perfect),
)
