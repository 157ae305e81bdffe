"""Detectors of listings: ls, find, tree, git status."""

from __future__ import annotations

import re

from furler_engine.detect.sample import Sample

_MODE = re.compile(r"[dlbcps-][rwxsStT-]{9}[.+@]? ")
_PATH = re.compile(r"(?:\.?/)?[^\s:|,;<>\"'`(){}/]+(?:/[^\s:|,;<>\"'`(){}/]*)+$")
_TREE = re.compile(r"(?:[│ \xa0]{4})*[├└]── |(?:\|   |    )*[|`]-- ")


def listing_score(sample: Sample) -> float:
    """Score modes, paths alone on a line, tree branches."""
    return 0.85 * max(
        sample.share(_MODE.match), sample.share(_PATH.match), sample.share(_TREE.match)
    )
