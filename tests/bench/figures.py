"""The figures of one input of the inputs suite. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Kept:
    """Where the ``must_keep`` strings of one input are found, and the critical ones that are not.

    ``encoded``: not literally in the view, but the view leaves nothing out (the
    engine has decoded it back), and the stored original has it. ``elided``: in
    what one of the view's own selectors gives back. ``searched``: only in what a
    match selector finds in the stored original. ``lost``: nowhere.
    """

    verbatim: int = 0
    rewritten: int = 0
    encoded: int = 0
    elided: int = 0
    searched: int = 0
    lost: list[str] = field(default_factory=list)
    critical: int = 0
    critical_hidden: list[str] = field(default_factory=list)


@dataclass(slots=True)
class PeerFigures:
    """The peer on one input. ``p50_cached`` is of repeated calls with its result cache."""

    after: int
    critical: int
    must_visible: int
    p50: float
    p50_cached: float


@dataclass(slots=True)
class Figures:
    """One input, measured. ``cpu`` is of the engine's own milliseconds on its core."""

    id: str
    kind: str
    group: str
    seen_as: str
    compressors: list[str]
    before: int
    after: int
    after_lossless: int
    criticals: int
    musts: int
    kept: Kept
    restored: bool
    longer: bool
    p50: float
    p95: float
    cpu: float
    cpu_p95: float
    peer: PeerFigures | None = None
