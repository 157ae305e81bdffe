"""What clients did and saw, in the order of their own clocks; and the checker of it.

In the style of etcd's robustness tests: every operation is recorded with the
time it was invoked and the time it ended, and a pure function looks for
answers that no correct service could have given. What it does not judge: how
often a service that is being killed is available. A space is written
tenant/name: what two spaces, or two tenants, have of each other is nothing.
"""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(frozen=True)
class Compressed:
    """A Compress that was answered: with a reference, or degraded and without one."""

    invoked: float
    ended: float
    space: str
    content: str
    text: str
    ref: str
    degraded: str


@dataclass(frozen=True)
class Retrieved:
    """A Retrieve of a whole original: its bytes, or None for NOT_FOUND. Other errors are no answer."""

    invoked: float
    ended: float
    space: str
    ref: str
    data: str | None


@dataclass(frozen=True)
class Deleted:
    """A DeleteContent that was invoked; whether it was answered does not matter: it may have run."""

    invoked: float
    ended: float
    space: str
    ref: str


@dataclass(frozen=True)
class Put:
    """A PutEntry that was acknowledged with a revision."""

    invoked: float
    ended: float
    space: str
    key: str
    revision: int


@dataclass(frozen=True)
class Watched:
    """What one watcher of a space was sent, in the order it came, and where it began."""

    invoked: float
    ended: float
    space: str
    after: int
    changes: tuple[tuple[int, str], ...]


Operation = Compressed | Retrieved | Deleted | Put | Watched


@dataclass
class History:
    """Operations of many threads."""

    operations: list[Operation] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, operation: Operation) -> None:
        """Record an operation."""
        with self._lock:
            self.operations.append(operation)


def violations(operations: Iterable[Operation], lost_before: float = -math.inf) -> list[str]:
    """Return what no correct service could have answered, one line each.

    ``lost_before`` is when a primary was lost whose replica copies with a delay: what was
    acknowledged until then may be gone. Nothing may be wrong even so.
    """
    found: list[str] = []
    contents: dict[tuple[str, str], set[str]] = defaultdict(set)
    texts: dict[tuple[str, str], set[str]] = defaultdict(set)
    tenants: dict[str, set[str]] = defaultdict(set)
    revealed: dict[tuple[str, str], list[Compressed]] = defaultdict(list)
    deleted: dict[tuple[str, str], list[Deleted]] = defaultdict(list)
    ordered = sorted(operations, key=lambda o: o.ended)
    for operation in ordered:
        match operation:
            case Compressed(space=space, ref=ref, content=content) if ref:
                contents[space, ref].add(content)
                texts[_tenant(space), content].add(operation.text)
                tenants[ref].add(_tenant(space))
                revealed[space, ref].append(operation)
            case Compressed() if operation.text != operation.content:
                found.append(
                    f"a view without a reference is not its content ({operation.degraded})"
                )
            case Deleted():
                deleted[operation.space, operation.ref].append(operation)
    found += [
        f"reference {ref} stands for {len(c)} contents"
        for (_, ref), c in contents.items()
        if len(c) > 1
    ]
    found += [f"one content has {len(t)} different views" for t in texts.values() if len(t) > 1]
    found += [f"reference {ref} is {len(t)} tenants'" for ref, t in tenants.items() if len(t) > 1]
    kept = {
        key: [made for made in all_ if made.ended > lost_before] for key, all_ in revealed.items()
    }
    for operation in ordered:
        if isinstance(operation, Retrieved):
            found += _judge(operation, contents, kept, deleted)
    puts = [o for o in ordered if isinstance(o, Put)]
    found += _out_of_order(puts)
    for operation in ordered:
        if isinstance(operation, Watched):
            found += _judge_watch(operation, [put for put in puts if put.ended > lost_before])
    return found


def _tenant(space: str) -> str:
    return space.partition("/")[0]


def _out_of_order(puts: list[Put]) -> list[str]:
    """Return puts whose revisions are not unique, or go against the order of their times."""
    found: list[str] = []
    spaces = dict.fromkeys(put.space for put in puts)
    for space in spaces:
        mine = [put for put in puts if put.space == space]
        if len({put.revision for put in mine}) < len(mine):
            found.append(f"two puts of {space} have one revision")
        # Of all that had ended before a put began, the newest revision must be older than its own.
        newest, at = 0, 0
        ended = sorted(mine, key=lambda put: put.ended)
        for put in sorted(mine, key=lambda put: put.invoked):
            while at < len(ended) and ended[at].ended < put.invoked:
                newest, at = max(newest, ended[at].revision), at + 1
            if put.revision <= newest:
                found.append(f"{space}: revision {put.revision} follows {newest}")
    return found


def _judge_watch(watched: Watched, puts: list[Put]) -> list[str]:
    """Return where a watch repeated, went back, or left out what was acknowledged."""
    revisions = [revision for revision, _ in watched.changes]
    found = [
        f"a watch of {watched.space} got {b} after {a}"
        for a, b in pairwise([watched.after, *revisions])
        if b <= a
    ]
    if not revisions:
        return found
    seen = dict(watched.changes)
    for put in puts:
        within = put.space == watched.space and watched.after < put.revision <= revisions[-1]
        if within and seen.get(put.revision) != put.key:
            found.append(f"a watch of {watched.space} left out revision {put.revision}")
    return found


def _judge(
    got: Retrieved,
    contents: dict[tuple[str, str], set[str]],
    revealed: dict[tuple[str, str], list[Compressed]],
    deleted: dict[tuple[str, str], list[Deleted]],
) -> list[str]:
    key = (got.space, got.ref)
    if got.data is not None:
        if key not in contents:
            return [f"{got.ref} was answered in a space where it was never made"]
        if got.data not in contents[key]:
            return [f"{got.ref} came back with other bytes"]
        return []
    before = [made.invoked for made in revealed.get(key, []) if made.ended <= got.invoked]
    if not before:
        return []
    # The original was acknowledged at some time after the last of these was invoked. A delete
    # took effect between its invocation and its end; one that was never answered, at any time.
    may_be_gone = any(
        d.invoked <= got.ended and d.ended >= max(before) for d in deleted.get(key, [])
    )
    return [] if may_be_gone else [f"{got.ref} was revealed and is not found"]
