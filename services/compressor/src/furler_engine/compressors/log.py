"""Logs by templates: one line per pattern, with counts and what varies; rare lines all.

What lives here: which lines of a log are shown besides the patterns' own.
Grouping is in shared/templates.py and shared/folding.py, writing in
shared/numbered.py.

Kept besides: the first and the last line, and lines that the query names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from furler_engine.shared import numbered
from furler_engine.shared.event_stream import is_stream
from furler_engine.shared.folding import fold, legend
from furler_engine.shared.layout import Layout, layout_of
from furler_engine.shared.query import rare_hits
from furler_engine.types import Draft, Kind, Policy, Source

_HOSTS: Final = 8
_MIN_LINES: Final = 8
_MOST_PATTERNS: Final = 0.9
"""Patterns per line above which the text is no log."""
_MIN_GAIN: Final = 0.9


def plan(source: Source, policy: Policy) -> Draft | None:
    """Show a log by its patterns. None for what has no patterns to speak of."""
    lines = numbered.cleaned_lines(source)
    long = any(len(line) > numbered.LONGEST for line in lines)
    if (len(lines) < _MIN_LINES and not long) or is_stream(lines):
        return None  # of a stream, what is said in pieces is what it is read for
    layout = layout_of(lines)
    page = numbered.Page(
        picked=numbered.ends(lines), tight=policy.is_tight(Kind.LOG, Kind.STACK_TRACE)
    )
    page.picked.update(rare_hits(source.hints.query, lines))
    tally = fold(page, lines, range(len(lines)), layout)
    has_form = tally.traces or 0 < tally.patterns <= _MOST_PATTERNS * len(lines)
    if not (long or has_form):
        return None
    told = legend(page)
    if told:
        page.opening.append("; ".join(["[one line per pattern", *told]) + "]")
    page.opening += _hosts(lines, layout)
    page.closing.append(f"[end: {tally}]")
    view = numbered.draft(source, lines, page)
    return view if len(view.text) < _MIN_GAIN * len(source.text) else None


def _hosts(lines: Sequence[str], layout: Layout) -> Iterator[str]:
    """Tell the hosts of all lines: patterns tell theirs only where something is wrong."""
    if layout.host < 0:
        return
    split = (line.split(None, layout.host + 1) for line in lines)
    hosts = Counter(words[layout.host] for words in split if len(words) > layout.host)
    if len(hosts) > 1:
        top = " ".join(f"{host}×{count}" for host, count in hosts.most_common(_HOSTS))
        more = f" +{len(hosts) - _HOSTS} values" if len(hosts) > _HOSTS else ""
        yield f"[hosts, told here for all lines: {top}{more}]"
