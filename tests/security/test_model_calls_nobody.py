"""The model's runtime tells nobody what it does: it keeps no number of the device and no events."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CODE = """
from furler_kompress.scorer import Scorer
print(len(Scorer.load().score("The store keeps every original.")))
"""


def test_the_scorer_leaves_nothing_in_the_users_cache(tmp_path: Path) -> None:
    variables = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env={"PATH": os.environ["PATH"], **variables},
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert int(done.stdout) == 5
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
