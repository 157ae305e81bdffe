"""Detectors of markup and of running text."""

from __future__ import annotations

import re

from furler_engine.shared.sample import Sample

_DOCUMENT = re.compile(r"\s*(?:<!DOCTYPE|<\?xml|<html|<(?:svg|rss|feed|project)\b)", re.IGNORECASE)
_TAG = re.compile(r"\s*</?[A-Za-z][\w:-]*[\s/>]")
_MARKDOWN = re.compile(
    r"#{1,6} \S|```|~~~|\s*[-*] \[|\s*[-*+] \S|\s*\d+\. \S|> |!?\[[^\]]+\]\(|\|.*\||={3,}$|-{3,}$"
)
_HEADING = re.compile(r"#{1,6} \S|```|~~~")
_SENTENCE = re.compile(r"[A-Z\"'(].*\w[.!?:,;]?[\"')]?\s*$")

_TURN = re.compile(r"[A-Z][\w.'’-]*(?: [\w.'’()-]+){0,5}: ")
_SPOKEN = re.compile(r"\b(?:the|and|to|you|it|that|is|so|we|what|of|in)\b")


def markup_score(sample: Sample) -> float:
    """Score HTML and XML by their opening, else by tags at the start of lines."""
    if _DOCUMENT.match(_after_comments(sample.head)):
        return 0.95
    return 0.9 * sample.share(_TAG.match)


def _after_comments(head: str) -> str:
    """Return the text behind the comments it starts with; Markdown starts with them too."""
    while (head := head.lstrip()).startswith("<!--"):
        head = head.partition("-->")[2]
    return head


def markdown_score(sample: Sample) -> float:
    """Score headings, lists, links, fences."""
    if not any(line.startswith(("# ", "## ", "### ", "```")) for line in sample.lines):
        return 0.0
    return min(0.8, 0.5 + sample.share(_MARKDOWN.match))


def prose_score(sample: Sample) -> float:
    """Score lines of several words that read like sentences, and the turns of a talk."""
    sentences = sample.share(lambda line: len(line.split()) >= 6 and _SENTENCE.match(line))
    turns = sample.share(_TURN.match)
    spoken = sample.share(_SPOKEN.search)
    return max(0.6 * sentences, 0.7 * turns if turns > 0.8 and spoken > 0.25 else 0.0)
