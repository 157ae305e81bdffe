"""Key files for tests: each key is its own name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path


def key_file(path: Path, keys: Mapping[str, Mapping[str, object]], **more: object) -> Path:
    """Write a file of API keys, by name, each with what it allows. Return the path."""
    entries = [
        {"id": name, "sha256": hashlib.sha256(name.encode()).hexdigest(), **fields}
        for name, fields in keys.items()
    ]
    path.write_text(json.dumps({"keys": entries, **more}))
    return path
