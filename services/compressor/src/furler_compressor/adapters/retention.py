"""How long a backend keeps what it was asked to keep: a little longer."""

from __future__ import annotations

_SHARE, _MAX_SECONDS = 1 / 64, 60.0


def with_slack(retention: float) -> float:
    """Return ``retention`` (seconds) and up to a minute more.

    What is recalled again and again is then written once per slack, not once per recall: that
    spares a disk its writes, a replica its traffic, and lets a read-only one answer.
    """
    return retention + min(retention * _SHARE, _MAX_SECONDS)
