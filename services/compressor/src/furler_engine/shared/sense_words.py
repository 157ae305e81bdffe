"""Words of English that decide what the words beside them say.

What lives here: lists. What does not: what is made of them (shared.prose_sense), words that stay in
any case (shared.prose_words).
"""

from __future__ import annotations

import re
from typing import Final

PHRASES: Final = tuple(
    tuple(phrase.split())
    for phrase in (
        "at once", "at all", "at a time", "up to", "as long as", "as soon as", "as far as",
        "as well as", "as if", "as though", "rather than", "no longer", "in case", "more than",
        "less than", "fewer than", "other than", "even if", "even though", "instead of",
        "provided that", "due to", "because of", "in advance", "in time", "not only", "so that",
        "out of date", "apart from", "subject to", "in front of", "such as", "each other",
        "prior to", "at most", "at least", "one or more", "on call", "in spite of", "like any other",
        "would rather", "had better", "the same", "no one",
    )
)  # fmt: skip
"""Words that mean together what none means alone: all of them stay, or none."""
BY_FIRST: Final = {
    first: tuple(p for p in PHRASES if p[0] == first) for first in {p[0] for p in PHRASES}
}
CONDITIONS: Final = frozenset(
    tuple(p.split()) for p in ("as long as", "up to", "provided that", "at most", "in spite of")
)
"""Those of them that are limits: they stay in any case."""
LEADS: Final = frozenset({
    "must", "shall", "should", "may", "might", "could", "can", "cannot", "will", "would", "not",
    "never", "gonna", "wanna", "hardly", "barely", "rarely", "seldom",
})  # fmt: skip
"""What they say, they say of the verb behind them."""
TURNS: Final = frozenset({
    "without", "against", "except", "unlike", "despite", "avoid", "avoids", "avoiding", "avoided",
    "prevent", "prevents", "preventing", "prevented", "lack", "lacks", "lacking", "lacked", "no",
    "fail", "fails", "failed", "failing", "exclude", "excludes", "excluding", "excluded", "deny",
    "denies", "denied", "forbid", "forbids", "prohibits", "refuse", "refuses", "refused", "than",
    "remove", "removes", "removed", "reduce", "reduces", "reduced", "eliminate", "eliminates", "stop",
    "stops", "fix", "fixes", "fixed", "resolve", "resolves", "solve", "solves", "disable", "disables",
})  # fmt: skip
"""What they deny, or compare with, is the thing behind them."""
QUANTIFIERS: Final = frozenset({
    "all", "every", "any", "many", "much", "most", "some", "enough", "always", "necessarily", "just",
    "only", "yet", "both", "each", "more", "less", "few", "fully", "entirely", "several", "half",
})  # fmt: skip
"""Behind a negation these are what is denied: "not all", "without many of its features"."""
FLAT: Final = frozenset({"be", "been", "being", "have", "has", "had", "get", "do", "does", "did"})
"""Verbs that say little alone: the word behind them is needed as well."""
SKIPPED: Final = frozenset({
    "a", "an", "the", "its", "his", "her", "their", "our", "my", "your", "this", "that", "these",
    "those", "of", "also", "then", "still", "even", "ever", "now", "just", "as", "in", "on", "at",
})  # fmt: skip
DETERMINERS: Final = frozenset({
    "a", "an", "the", "its", "his", "her", "their", "our", "my", "your", "this", "that", "these",
    "those", "any", "some", "all", "each", "every", "which", "whom", "whose", "what", "both",
})  # fmt: skip
JOINS: Final = frozenset({
    "by", "from", "into", "onto", "or", "and", "but", "against", "than", "through",
})  # fmt: skip
"""Without one, what stands on its two sides changes places or melts: "assisted by clerks"."""
PERSONS: Final = {
    **dict.fromkeys(("i", "we", "me", "us"), 1),
    "you": 2,
    **dict.fromkeys(("he", "she", "they", "him", "her", "them"), 3),
}
OBJECTS: Final = frozenset({"me", "us", "him", "them"})
SAYS: Final = frozenset({
    "said", "says", "say", "told", "tells", "thinks", "thought", "believe", "believes", "believed",
    "claims", "claimed", "announced", "argues", "argued", "reported", "reportedly", "according",
    "suggested", "expects", "expected", "assumes", "assumed", "promised", "confirmed", "denies",
    "denied", "warned", "alleged", "allegedly", "estimates", "estimated",
})  # fmt: skip
GOVERNS: Final = frozenset({
    "want", "wants", "wanted", "try", "tries", "tried", "trying", "plan", "plans", "planned", "hope",
    "hopes", "hoped", "intend", "intends", "intended", "attempt", "attempts", "attempted", "refuse",
    "refuses", "refused", "fail", "fails", "failed", "failing", "decline", "declines", "declined",
    "agree", "agrees", "agreed", "promise", "promises", "promised", "offer", "offers", "offered",
    "forget", "forgot", "seem", "seems", "appear", "appears", "supposed", "meant", "used", "unable",
    "likely", "unlikely", "expected", "asked", "ask", "asks", "propose", "proposes", "proposed",
    "allow", "allows", "enable", "enables", "let", "lets", "help", "helps", "force", "forces",
    "threaten", "threatens", "threatened", "claims", "claimed", "willing", "allowed", "reluctant",
})  # fmt: skip
"""Whoever "tries to check" has not checked."""
PARTICLES: Final = frozenset({"on", "off", "up", "down", "out", "in", "back", "away"})
NUMBERS: Final = frozenset({
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "fifteen", "twenty", "thirty", "forty", "fifty", "hundred", "thousand", "million", "billion",
    "half", "twice", "double", "dozen", "zero",
})  # fmt: skip
"""Numbers in letters."""
BOUNDS: Final = frozenset({
    "within", "before", "after", "until", "since", "over", "under", "above", "below", "between",
    "beyond", "behind", "about", "around", "during", "across", "toward", "towards",
    "another", "some", "most", "many", "too",
})  # fmt: skip
"""Without them a limit is a value, what came before comes at the same time, and some are all."""
BE: Final = frozenset({"is", "are", "was", "were", "be"})
STATES: Final = frozenset({"on", "in", "at", "out", "off", "under", "over", "up", "down"})
PERFECT: Final = frozenset({"have", "has", "had", "having"})
COMPARES: Final = re.compile(r"more|less|fewer|rather|other|different|worse|[a-z]{3,}er")
HAPPENS: Final = frozenset({
    "cause", "lead", "result", "fail", "break", "crash", "lose", "leak", "happen", "become", "occur",
    "corrupt", "damage", "expose", "allow", "overwrite", "block", "slow", "delay", "trigger",
})  # fmt: skip
