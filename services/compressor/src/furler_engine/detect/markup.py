"""Detectors of markup and of running text."""

from __future__ import annotations

import re
from itertools import compress, pairwise
from typing import Final

from furler_engine.shared.sample import Sample

_DOCUMENT = re.compile(r"\s*(?:<!DOCTYPE|<\?xml|<html|<(?:svg|rss|feed|project)\b)", re.IGNORECASE)
_TAG = re.compile(r"\s*</?[A-Za-z][\w:-]*[\s/>]")
_MARKDOWN = re.compile(
    r"#{1,6} \S|```|~~~|\s*[-*] \[|\s*[-*+] \S|\s*\d+\. \S|> |!?\[[^\]]+\]\(|\|.*\||={3,}$|-{3,}$"
)
_HEADING = re.compile(r"#{1,6} \S|```|~~~")
_UNDER = re.compile(r"#{2,6} \S|```|~~~|\[!?\[|!?\[[^\]]+\]\(")
"""What Markdown has, and files with comments behind a hash do not."""
_PREPROCESSOR = re.compile(r"# ?(?:include|define|ifdef|ifndef|endif|if|else|elif|undef|pragma)\b")
_SENTENCE = re.compile(r"(?:(?:\d{1,3}[.)]|[-*•]) )?[A-Z\"'(].*\w[.!?:,;]?[\"')]?\s*$")

_WORD = re.compile(r"[(\"'“‘]*[^\W\d_]+(?:[-/’'][^\W\d_]+)*[\"'”’)]*[.,;:!?]*[\"'”’)]*")
_SMALL: Final = frozenset(
    ["a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "for", "from", "had", "has", "have", "he", "her", "his", "if", "in", "is", "it", "its", "may", "no", "not", "of", "on", "or", "our", "she", "that", "the", "their", "they", "this", "to", "was", "we", "were", "when", "which", "who", "will", "with", "you", "your"]
)  # fmt: skip
_RUNNING, _WRAPPED = 0.55, 0.1
"""Share of the words in running lines, and of the lines that go on in the next one. Of 130 texts,
wrapped prose (licences, manual pages, READMEs) has .55 to .97 and .10 to .61; no log, build or
linter output has both."""

_MEMBER = re.compile(r"\s*(?:- )?[\w.$/-]+:(?: |$)")
_MEMBERS = 0.2
"""Share of lines that name a member, from which running text is what a YAML file says of them."""

_TURN = re.compile(r"[A-Z][\w.'’-]*(?: [\w.'’()-]+){0,5}: ")
_LEVELS = frozenset(
    {"trace", "debug", "info", "notice", "note", "warn", "warning", "error", "fatal"}
)
_MOSTLY_TURNS, _SPOKEN_SHARE = 0.8, 0.25
_SPOKEN = re.compile(r"\b(?:the|and|to|you|it|that|is|so|we|what|of|in)\b")


def markup_score(sample: Sample, least: float) -> float:
    """Score HTML and XML by their opening, else by tags at the start of lines."""
    if _DOCUMENT.match(_after_comments(sample.head)):
        return 0.95
    return 0.9 * sample.share(_TAG.match, least / 0.9)


def _after_comments(head: str) -> str:
    """Return the text behind the comments it starts with; Markdown starts with them too."""
    while (head := head.lstrip()).startswith("<!--"):
        head = head.partition("-->")[2]
    return head


def markdown_score(sample: Sample, _least: float) -> float:
    """Score headings, lists, links, fences."""
    if not any(line.startswith(("# ", "## ", "### ", "```")) for line in sample.lines):
        return 0.0
    if _has_comments(sample.lines) and not any(map(_UNDER.match, sample.lines)):
        return 0.0
    return min(0.8, 0.5 + sample.share(_MARKDOWN.match))


def _has_comments(lines: tuple[str, ...]) -> bool:
    """Whether lines with one hash follow each other, or give orders to a preprocessor: no headings do."""
    titles = [line.startswith("# ") for line in lines]
    return any(a and b for a, b in pairwise(titles)) or any(map(_PREPROCESSOR.match, lines))


def talk_score(sample: Sample, _least: float) -> float:
    """Score turns of a talk: speakers come again, which keys of a configuration do not."""
    if not sample.share(_TURN.match, _MOSTLY_TURNS):
        return 0.0
    labels = [match[0] for match in map(_TURN.match, sample.lines) if match is not None]
    is_log = any(label[:-2].lower() in _LEVELS for label in labels)
    comes_again = len(set(labels)) <= len(labels) / 2
    spoken = sample.share(_SPOKEN.search)
    said = len(labels) > _MOSTLY_TURNS * len(sample.lines) and spoken > _SPOKEN_SHARE
    return 0.88 if said and comes_again and not is_log else 0.0


def prose_score(sample: Sample, _least: float) -> float:
    """Score lines of several words that read like sentences, wrapped lines, the turns of a talk."""
    if _is_wrapped(sample):
        return 0.6
    sentences = sample.share(lambda line: len(line.split()) >= 6 and _SENTENCE.match(line))
    turns = sample.share(_TURN.match)
    spoken = sample.share(_SPOKEN.search)
    return max(
        0.6 * sentences, 0.7 * turns if turns > _MOSTLY_TURNS and spoken > _SPOKEN_SHARE else 0.0
    )


def _is_wrapped(sample: Sample) -> bool:
    """Whether most words stand in lines of running text, some of which go on in the next line."""
    if sample.share(_MEMBER.match) > _MEMBERS:
        return False
    running = [_is_running(line) for line in sample.lines]
    sizes = [len(line.split()) for line in sample.lines]
    if sum(compress(sizes, running)) < _RUNNING * sum(sizes):
        return False
    pairs = compress(pairwise(sample.lines), running)
    return sum(_goes_on(line, after) for line, after in pairs) >= _WRAPPED * len(running)


def _is_running(line: str) -> bool:
    """Whether a line is of plain words, some of them the small ones that hold sentences together."""
    words = line.split()
    small = sum(word.lower() in _SMALL for word in words)
    if len(words) < 5 or small < max(1, 0.15 * len(words)):
        return False
    return sum(_WORD.fullmatch(word) is not None for word in words) >= 0.75 * len(words)


def _goes_on(line: str, after: str) -> bool:
    """Whether a sentence that a line does not end goes on in the next, at the same indentation."""
    body = after.lstrip()
    indented = len(line) - len(line.lstrip()) == len(after) - len(body)
    return indented and body[:1].islower() and not line.rstrip().endswith((".", ":", ";", "!", "?"))
