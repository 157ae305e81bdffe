"""What kind of content this is: from hints first, else from the text itself.

A table of detectors, each a pure score between 0 and 1 over a small sample, so
that detection takes the same time for 20 KB and 20 MB. The highest score wins;
the order of the table breaks ties. Nothing above 0.5 means plain text.
"""

from __future__ import annotations

from typing import Final

from furler_engine.detect import blob, code, data, listing, log, markup, search
from furler_engine.detect.hints import kind_from_hints
from furler_engine.detect.sample import Detector, Sample
from furler_engine.types import Kind, Source

THRESHOLD: Final = 0.5
SURE: Final = 1.0
"""A score after which no other detector is asked: it is for openings that nothing else has."""

DETECTORS: Final[tuple[tuple[Kind, Detector], ...]] = (
    (Kind.JSON, data.json_score),
    (Kind.DIFF, search.diff_score),
    (Kind.GIT_LOG, search.git_log_score),
    (Kind.SEARCH_RESULTS, search.search_score),
    (Kind.STACK_TRACE, log.stack_trace_score),
    (Kind.TEST_OUTPUT, log.test_output_score),
    (Kind.DIAGNOSTICS, log.diagnostics_score),
    (Kind.BUILD_OUTPUT, log.build_output_score),
    (Kind.LISTING, listing.listing_score),
    (Kind.TABLE, data.table_score),
    (Kind.LOG, log.log_score),
    (Kind.MARKUP, markup.markup_score),
    (Kind.CODE, code.code_score),
    (Kind.CONFIG, data.config_score),
    (Kind.MARKDOWN, markup.markdown_score),
    (Kind.PROSE, markup.prose_score),
    (Kind.BLOB, blob.blob_score),
)


def detect(source: Source) -> Kind:
    """Return the kind of a content. Hints decide where they are specific."""
    hinted = kind_from_hints(source.hints)
    if hinted is not None:
        return hinted
    sample = Sample.of(source)
    if not sample.lines:
        return Kind.TEXT
    best, winner = THRESHOLD, Kind.TEXT
    for kind, score in DETECTORS:
        value = score(sample)
        if value > best:
            best, winner = value, kind
        if best >= SURE:
            break
    return winner
