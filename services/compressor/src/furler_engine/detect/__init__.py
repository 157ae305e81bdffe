"""What kind of content this is: from hints first, else from the text itself.

A table of detectors, each a pure score between 0 and 1 over a small sample, so
that detection takes the same time for 20 KB and 20 MB. The highest score wins;
the order of the table breaks ties. Nothing above 0.5 means plain text. A
detector that cannot beat the best score so far is not asked, so the ones that
are quick or often right stand first. Search results and code come late and cost
all that stand before them: where a text may be one its score is known early, and
what cannot reach it stops as soon as that is clear. The winner is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from furler_engine.detect import blob, code, data, listing, log, markup, search
from furler_engine.detect.hints import kind_from_hints
from furler_engine.shared.sample import Detector, Sample
from furler_engine.types import Kind, Source

THRESHOLD: Final = 0.5
SURE: Final = 1.0
"""A score after which no other detector is asked: it is for openings that nothing else has."""

DETECTORS: Final[tuple[tuple[Kind, float, Detector], ...]] = (
    (Kind.JSON, 1.0, data.json_score),
    (Kind.DIFF, 0.95, search.diff_score),
    (Kind.MARKUP, 0.95, markup.markup_score),
    (Kind.LOG, 0.97, log.log_score),
    (Kind.TABLE, 0.98, data.table_score),
    (Kind.GIT_LOG, 0.9, search.git_log_score),
    (Kind.SEARCH_RESULTS, 0.95, search.search_score),
    (Kind.STACK_TRACE, 0.97, log.stack_trace_score),
    (Kind.TEST_OUTPUT, 0.98, log.test_output_score),
    (Kind.DIAGNOSTICS, 0.97, log.strict_diagnostics_score),
    (Kind.DIAGNOSTICS, 0.93, log.diagnostics_score),
    (Kind.BUILD_OUTPUT, 0.96, log.build_output_score),
    (Kind.BLOB, 0.9, blob.blob_score),
    (Kind.CODE, 0.92, code.code_score),
    (Kind.LISTING, 0.89, listing.listing_score),
    (Kind.MARKDOWN, 0.8, markup.markdown_score),
    (Kind.PROSE, 0.88, markup.talk_score),
    (Kind.CONFIG, 0.95, data.config_score),
    (Kind.PROSE, 0.6, markup.prose_score),
)
"""Kind, the highest score its detector gives, and the detector."""


_EARLY: Final[tuple[tuple[Callable[[Sample], bool], Detector], ...]] = (
    (search.may_be_search, search.search_score),
    (code.may_be_code, code.code_score),
)
"""What tells in a few lines that a detector's score is worth knowing early, and the detector."""


def detect(source: Source) -> Kind:
    """Return the kind of a content. Hints decide where they are specific."""
    hinted = kind_from_hints(source.hints)
    if hinted is not None:
        return hinted
    sample = source.derived(Sample.of)
    if not sample.lines:
        return Kind.TEXT
    best, winner = THRESHOLD, Kind.TEXT
    known = _known_early(sample)
    least = max((best, *known.values()))
    for kind, ceiling, score in DETECTORS:
        if ceiling <= best or ceiling < least:
            continue
        value = known[score] if score in known else score(sample, least)
        if value > best:
            best, winner = value, kind
            least = max(least, best)
        if best >= SURE:
            break
    return winner


def _known_early(sample: Sample) -> dict[Detector, float]:
    """Return the first score worth knowing; none for what opens as JSON, which is asked first anyway."""
    if sample.head.lstrip()[:1] in ("{", "["):
        return {}
    for may_be, score in _EARLY:
        if may_be(sample):
            return {score: score(sample, THRESHOLD)}
    return {}
