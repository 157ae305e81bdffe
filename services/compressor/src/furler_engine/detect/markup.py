"""Detectors of markup and of running text."""

from __future__ import annotations

import re

from furler_engine.detect.sample import Sample

_DOCUMENT = re.compile(r"\s*(?:<!DOCTYPE|<\?xml|<html\b|<svg\b|<rss\b|<feed\b)", re.IGNORECASE)
_FRAGMENT = re.compile(
    r"\s*(?:<!--|<(?:head|body|div|main|article|section|table|project)\b)", re.IGNORECASE
)
_TAG = re.compile(r"\s*</?[A-Za-z][\w:-]*[\s/>]")
_MARKDOWN = re.compile(
    r"#{1,6} \S|```|~~~|\s*[-*] \[|\s*[-*+] \S|\s*\d+\. \S|> |!?\[[^\]]+\]\(|\|.*\||={3,}$|-{3,}$"
)
_HEADING = re.compile(r"#{1,6} \S|```|~~~")
_SENTENCE = re.compile(r"[A-Z\"'(].*\w[.!?:,;]?[\"')]?\s*$")

_TURN = re.compile(r"[A-Z][\w.'’-]*(?: [\w.'’()-]+){0,5}: ")
_SPOKEN = re.compile(r"\b(?:the|and|to|you|it|that|is|so|we|what|of|in)\b")


def markup_score(sample: Sample) -> float:
    """Score HTML and XML by their opening, else by tags at the start of lines.

    Markdown may open with a comment or a <div>; its headings tell.
    """
    if _DOCUMENT.match(sample.head):
        return 0.95
    tags = 0.8 * sample.share(_TAG.match)
    is_markdown = any(_HEADING.match(line) for line in sample.lines)
    return 0.95 if _FRAGMENT.match(sample.head) and not is_markdown else tags


def markdown_score(sample: Sample) -> float:
    """Score headings, lists, links, fences."""
    if not any(line.startswith(("# ", "## ", "```")) for line in sample.lines):
        return 0.0
    return min(0.8, 0.5 + sample.share(_MARKDOWN.match))


def prose_score(sample: Sample) -> float:
    """Score lines of several words that read like sentences, and the turns of a talk."""
    sentences = sample.share(lambda line: len(line.split()) >= 6 and _SENTENCE.match(line))
    turns = sample.share(_TURN.match)
    spoken = sample.share(_SPOKEN.search)
    return max(0.6 * sentences, 0.7 * turns if turns > 0.8 and spoken > 0.25 else 0.0)
