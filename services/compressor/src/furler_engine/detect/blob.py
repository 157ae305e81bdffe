"""Detector of encoded binary data."""

from __future__ import annotations

import re

from furler_engine.shared.sample import Sample

_ENCODED = re.compile(r"[A-Za-z0-9+/=_-]{60,}$")


def blob_score(sample: Sample, least: float) -> float:
    """Score lines of nothing but base64 or hexadecimal."""
    return 0.9 * sample.share(_ENCODED.match, least / 0.9)
