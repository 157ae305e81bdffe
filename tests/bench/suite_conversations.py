"""Recorded agent sessions, turn by turn: what is saved when a result arrives, and how long a turn takes.

Every turn is sent as a client would, with the whole conversation so far. Saved
tokens are those of tool results at arrival: each counted once, in its first
form. Time is that of the engine's job for one turn.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from furler_compressor.app.converse import converse
from furler_compressor.app.conversed import ConversationJob, Conversed
from furler_engine.dialects import read
from furler_engine.dialects.block import Dialect, Role
from furler_engine.types import Policy
from support import talk, traces

from .clock import Times
from .corpus import CorpusError
from .furler_side import count
from .report import SuiteResult, Table, at_least, at_most, percent, saved
from .setting import Setting

WANTED = 30.0
"""Percent of the tokens of tool results, over all sessions."""
WANTED_MS = 100.0
"""Milliseconds for a turn of a conversation of 200 turns, about 80,000 tokens, on a busy machine."""
_KEY = b"the bench's key, as long as a real one"
_LONG = 200


@dataclass(slots=True)
class _Figures:
    session: str
    turns: int
    before: int
    after: int
    busts: int
    p50: float
    p95: float
    peer_after: int | None = None


def run(setting: Setting) -> SuiteResult:
    """Measure every session of agent_traces/, and one of 200 turns."""
    sessions = traces.recorded(setting.corpus.root)
    if not sessions:
        raise CorpusError(f"no agent_traces in {setting.corpus.root}")
    figures = [
        _measure(setting, name, steps)
        for name, steps in setting.progress("conversations", sessions.items(), len(sessions))
    ]
    largest = max(sessions, key=lambda name: sum(len(s.result) for s in sessions[name]))
    long = _measure(setting, f"{_LONG} turns", traces.long_session(sessions[largest], _LONG))
    columns = _columns(figures)
    rows = [*(_row(f.session, [f]) for f in figures), _row("all", figures)]
    rows.append((*_row(long.session, [long]), "")[: len(columns)])
    table = Table("Agent sessions", columns, tuple(rows))
    before, after = sum(f.before for f in figures), sum(f.after for f in figures)
    bars = (
        at_least("conversations, tool results at arrival", WANTED, 100 * saved(before, after)),
        at_most("conversations, prefix busts", 0, sum(f.busts for f in [*figures, long]), ""),
        at_most(f"conversations, p50 of a turn up to the {_LONG}th", WANTED_MS, long.p50, " ms"),
    )
    return SuiteResult(
        "conversations", (table,), {"sessions": [asdict(f) for f in [*figures, long]]}, bars
    )


def _measure(setting: Setting, name: str, steps: Sequence[talk.Step]) -> _Figures:
    pins: dict[str, bytes] = {}
    times: list[float] = []
    sent: list[bytes] = []
    busts = 0
    done = Conversed()
    for turn in range(1, len(steps) + 1):
        body = talk.body(steps[:turn])
        job = ConversationJob(body, Dialect.OPENAI_CHAT, Policy(), _KEY, pins=dict(pins))
        started = time.perf_counter()
        done = converse(job)
        times.append((time.perf_counter() - started) * 1000)
        pins |= {key: pin.data for key, pin in done.pins.items()}
        now = [splice.replacement for splice in done.splices]
        busts += now[: len(sent)] != sent
        sent = now
    before = _results(talk.body(steps))
    gain = sum(s.view.tokens_before - s.view.tokens_after for s in done.splices)
    spread = Times(tuple(times))
    figures = _Figures(name, len(steps), before, before - gain, busts, spread.p50, spread.p95)
    if setting.peer is not None and name.endswith(("traj", "json")):
        texts = [step.result for step in steps]
        figures.peer_after = sum(
            min(count(setting.peer.compress(t, "").text), count(t)) for t in texts
        )
    return figures


def _results(body: bytes) -> int:
    """Count the tokens of a body's tool results."""
    conversation = read(body, Dialect.OPENAI_CHAT)
    texts = [conversation.text(b) for b in conversation.blocks if b.role is Role.RESULT]
    return sum(count(text) for text in texts if text)


def _columns(figures: Sequence[_Figures]) -> tuple[str, ...]:
    columns = ("session", "turns", "before", "after", "saved %", "busts", "p50 ms", "p95 ms")
    return (*columns, "peer %") if any(f.peer_after is not None for f in figures) else columns


def _row(name: str, members: Sequence[_Figures]) -> tuple[str, ...]:
    before, after = sum(f.before for f in members), sum(f.after for f in members)
    row = (
        name[:40],
        str(sum(f.turns for f in members)),
        str(before),
        str(after),
        percent(saved(before, after)),
        str(sum(f.busts for f in members)),
        f"{Times(tuple(f.p50 for f in members)).p50:.1f}",
        f"{max(f.p95 for f in members):.1f}",
    )
    theirs = [f.peer_after for f in members if f.peer_after is not None]
    return (*row, percent(saved(before, sum(theirs)))) if theirs else row
