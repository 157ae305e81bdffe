"""Load on the real service, on loopback and bounded: what it holds, and what it does beyond that.

``python -m loadtests --list`` names the scenarios; scenarios.toml has every parameter and threshold.
"""

from __future__ import annotations

import sys
from pathlib import Path

# The starters of real services are the tests': one way to start them.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
