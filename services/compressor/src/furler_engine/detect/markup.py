"""Detectors of markup and of running text."""

from __future__ import annotations

import re

from furler_engine.detect.sample import Sample

# What only a page or a document of XML opens with; READMEs open with comments and <div> too.
_DOCUMENT = re.compile(
    r"\s*(?:<!--.{0,1000}?-->\s*)?(?:<!DOCTYPE|<\?xml|<(?:html|head|body|svg|rss|feed|project|urlset|configuration)[\s>])",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"\s*</?[A-Za-z][\w:-]*[\s/>]")
_MARKDOWN = re.compile(
    r"#{1,6} \S|```|~~~|\s*[-*] \[|\s*[-*+] \S|\s*\d+\. \S|> |!?\[[^\]]+\]\(|\|.*\||={3,}$|-{3,}$"
)
# "Speaker: words", not a file's name or a key of a configuration.
_TURN = re.compile(r"[A-Z][\w'. -]{1,30}: \S")
_MOST_TURNS = 0.7
_WORDY = re.compile(r"[^\W\d_]|[ ,.'’]")
_WORDS = 0.85
"""Share of a line that letters, blanks, commas and full stops make up in running text."""
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]{8,}")
_SENTENCE = re.compile(r"[A-Z\"'(].*\w[.!?:,;]?[\"')]?\s*$")


def markup_score(sample: Sample) -> float:
    """Score HTML and XML by their opening, else by tags at the start of lines."""
    if _DOCUMENT.match(sample.head):
        return 0.95
    opens = sample.head.lstrip().startswith("<")
    return (0.9 if opens else 0.8) * sample.share(_TAG.match)


def markdown_score(sample: Sample) -> float:
    """Score headings, lists, links, fences."""
    if not any(line.startswith(("# ", "## ", "```")) for line in sample.lines):
        return 0.0
    return min(0.8, 0.5 + sample.share(_MARKDOWN.match))


def prose_score(sample: Sample) -> float:
    """Score the characters on lines of words that read like sentences, or like turns of a talk."""
    total = sum(map(len, sample.lines))
    if not total:
        return 0.0
    turns = sample.share(_TURN.match) > _MOST_TURNS
    wordy = sum(
        len(line)
        for line in sample.lines
        if len(_WORDY.findall(line)) >= _WORDS * len(line)
        and (turns or _UNSPACED.search(line) or (line.count(" ") >= 4 and _SENTENCE.match(line)))
    )
    return 0.65 * wordy / total
