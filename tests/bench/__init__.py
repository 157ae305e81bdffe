"""The measure of Furler: savings, retention and speed over a corpus, beside the peer's if asked.

Run as ``python -m tests.bench``; ``--help`` lists the suites. Each suite is a
module of its own, corpus.py reads inputs, furler_side.py and peer.py run the
two sides, visible.py says what counts as visible, report.py prints.
"""

import sys
from pathlib import Path

# What tests share (servers, support) is imported from their directory, as pytest does.
sys.path.insert(0, str(Path(__file__).parent.parent))
