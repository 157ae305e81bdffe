"""Which compressors serve which kind. A table, nothing else; the pipeline reads it."""

from __future__ import annotations

from typing import Final

from furler_engine.types import Compressor, Kind

ROUTES: Final[dict[Kind, tuple[Compressor, ...]]] = {}
"""Kind to compressors. Lossless ones are all tried before the first lossy one."""
