"""Stack traces in the output of programs: their frames, whose code they are, which repeat.

What lives here: reading traces of Python, Java, C#, JavaScript, Go, Rust, Ruby
and PHP, and showing each kind once: the chain of exceptions and the program's
own frames verbatim, library frames counted. What does not: the line that logs
the failure, which is a log line like others.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from furler_engine.shared.numbered import Page
from furler_engine.shared.templates import mask

# One alternative per language; Go's and Rust's frames are two lines, the second says where.
_FRAME: Final = re.compile(
    r"\s+at \S|\s+\.\.\. \d+ (?:more|common)|\s*(?:\| +)?File \".*\", line \d|\s+(?:\d+: )?from \S+:\d+:in "
    r"|#\d+ +\S+\(\d+\): |\s+\d+: +(?:0x[0-9a-f]+ - )?[\w<]|\t\S+\.go:\d+|created by \S+"
)
_CHAIN: Final = re.compile(
    r"\s*(?:[+|] +)*(?:Traceback \(most recent|Exception Group Traceback)|\s*\+(?:-\+)?-{10,}(?: \d+ -+)?$|\s*(?:Caused by|Suppressed): |During handling of the above"
    r"|The above exception was the direct|goroutine \d+ \[|stack backtrace:|panic: |thread '.*' panicked at "
)
_MARGIN: Final = " |+"
"""What Python puts before the lines of an exception group."""
_GOROUTINE: Final = re.compile(r"goroutine \d+ \[")
_PROPERTIES: Final = re.compile(r"(\s*)at .* \{$")
"""A frame of Node's after which the error's own properties stand, up to a brace."""
_ADDRESS: Final = re.compile(r"0x[0-9a-f]+")
_GO_CALL: Final = re.compile(r"[\w./\-]+(?:\.\(\*?\w+\))?[\w.]*\(.*\)$")
_GO_PLACE: Final = re.compile(r"\t\S+\.go:\d+")
_NEEDLES: Final = (
    " at ",
    "\tat ",
    "Traceback (",
    'File "',
    "goroutine ",
    "backtrace",
    ":in ",
    "#0 ",
    "panicked",
)
"""One of these stands in every trace: text without them has none."""
_RAISED: Final = re.compile(r"(?:[|+] +)*[A-Za-z_][\w.]*(?:: |$)")
_LIBRARY: Final = re.compile(
    r"site-packages|dist-packages|/lib/python\d|<frozen |node_modules|\(node:|at node:|\(internal/|\(<anonymous>\)|/rustc/|\.cargo/registry"
    r"|/go/src/|/go/pkg/mod/|/libexec/src/|/gems/|/lib/ruby/|/vendor/|\s+\.\.\. \d+ "
    r"|\sat (?:java|javax|jdk|sun|com\.sun|jakarta|kotlin|kotlinx|scala|akka|clojure|reactor|groovy"
    r"|org\.(?:springframework|apache|hibernate|junit|eclipse|gradle|mockito|jboss|postgresql|codehaus|slf4j)"
    r"|io\.(?:netty|grpc|undertow|vertx|micrometer)|com\.(?:google|fasterxml|zaxxer|mysql)|System|Microsoft|Newtonsoft)\."
    r"|: +(?:0x[0-9a-f]+ - )?<?(?:core|std|alloc|tokio|hyper|futures|rust_begin_unwind|__rust|_start|main$|__libc)"
    r"|^(?:runtime|net/http|reflect|testing|panic|created by (?:runtime|net/http|testing))[.(]"
)
_SHORTEST: Final = 2
"""Frames that make a trace."""
_MOST_PROPERTIES: Final = 60
"""Lines after a frame that may be an error's properties; more are something else."""
_MIN_RUN: Final = 2
"""Frames in a row that are worth a note instead."""
_ENDS: Final = 2
"""Frames shown at either end of a trace that has no own frame."""
_LONGEST: Final = 4
"""Lines of a Python frame: where, what is called, marks below it, and one more."""
_NO_FRAME: Final = range(0), ""
"""After the last one."""


@dataclass(slots=True)
class Trace:
    """One trace, of the rows from ``start`` to before ``end``: frames, and the chain of exceptions.

    Frame n has the rows from ``heads[n]`` to before ``tails[n]``; all others are the chain's. A stack
    may hold a hundred thousand frames: a list for each would take ten times the text.
    ``until`` is the line that ends properties which began at the row ``opened``, if they did.
    """

    start: int
    end: int
    heads: array[int] = field(default_factory=lambda: array("i"))
    tails: array[int] = field(default_factory=lambda: array("i"))
    chain: list[int] = field(default_factory=list)
    until: str = ""
    opened: int = 0

    def frames(self) -> Iterator[range]:
        """Return the rows of each frame."""
        return map(range, self.heads, self.tails)

    @property
    def ends_in_frame(self) -> bool:
        """Whether the last row so far is of a frame."""
        return bool(self.tails) and self.tails[-1] == self.end


def find_traces(lines: Sequence[str], rows: Sequence[int]) -> list[Trace]:
    """Find the traces among the given lines. Linear."""
    traces: list[Trace] = []
    trace = Trace(0, 0)
    follows, below = False, ""
    for at, row in enumerate(rows):
        line = below if follows else lines[row]
        if row != trace.end or (trace.heads and _GOROUTINE.match(line)):
            _close(trace, traces)
            trace = Trace(row, row)
        follows = at + 1 < len(rows) and rows[at + 1] == row + 1
        below = lines[row + 1] if follows else ""
        if _GO_PLACE.match(line) and trace.ends_in_frame:
            trace.tails[-1] += 1
        elif _FRAME.match(line) or (_GO_PLACE.match(below) and _GO_CALL.match(line)):
            _add_frame(trace, line, lines)
            if not trace.until and (opened := _PROPERTIES.match(line)):
                # The brace stands as deep as the error's message, four columns before its frames.
                trace.until, trace.opened = opened[1][4:] + "}", row
        elif _CHAIN.match(line):
            trace.chain.append(row)
        elif _continues(trace, line, lines):
            trace.tails[-1] += 1
        elif trace.until and row - trace.opened < _MOST_PROPERTIES:
            trace.chain.append(row)
            if line.rstrip() == trace.until:
                trace.until = ""
        elif _is_raised(trace, line, lines) or (
            trace.heads and not line.strip() and _CHAIN.match(_after_blank(lines, row))
        ):
            trace.chain.append(row)
        else:
            _close(trace, traces)
            trace = Trace(row + 1, row + 1)
            continue
        trace.end = row + 1
    _close(trace, traces)
    return traces


def _close(trace: Trace, traces: list[Trace]) -> None:
    if len(trace.heads) >= _SHORTEST or (trace.heads and trace.chain):
        traces.append(trace)


def _add_frame(trace: Trace, line: str, lines: Sequence[str]) -> None:
    # Rust says where on a line of its own, indented deeper than the number.
    previous = lines[trace.end - 1] if trace.ends_in_frame else ""
    if re.match(r"\s+\d+: ", previous) and re.match(r"\s{6,}at ", line):
        trace.tails[-1] += 1
    else:
        trace.heads.append(trace.end)
        trace.tails.append(trace.end + 1)


def _continues(trace: Trace, line: str, lines: Sequence[str]) -> bool:
    """Whether a line is the source excerpt under a Python frame."""
    if not trace.ends_in_frame or not line[:1].isspace() or not line.strip():
        return False
    size, head = trace.end - trace.heads[-1], lines[trace.heads[-1]]
    return 'File "' in head and size < _LONGEST and _depth(line) > _depth(head)


def _depth(line: str) -> int:
    """Return the column of a line's text, past the margin of an exception group."""
    return len(line) - len(line.lstrip(_MARGIN))


def _is_raised(trace: Trace, line: str, lines: Sequence[str]) -> bool:
    """Whether a line is the exception that ends a Python traceback."""
    if not trace.ends_in_frame:
        return False
    return 'File "' in lines[trace.heads[-1]] and _RAISED.match(line.strip()) is not None


def _after_blank(lines: Sequence[str], row: int) -> str:
    return lines[row + 1] if row + 1 < len(lines) else ""


def has_traces(text: str) -> bool:
    """Whether looking for traces is worth it: a substring search."""
    return any(needle in text for needle in _NEEDLES)


def show_traces(page: Page, lines: Sequence[str], traces: Sequence[Trace]) -> list[int]:
    """Show each kind of trace once; return rows of repeated ones that say something new."""
    kinds: dict[bytes, list[Trace]] = {}
    for trace in traces:
        kinds.setdefault(_signature(trace, lines), []).append(trace)
    news: list[int] = []
    for first, *others in kinds.values():
        _show(page, lines, first)
        said = {lines[row] for row in first.chain}
        for other in others:
            news += [row for row in other.chain if lines[row] not in said]
        if others:
            page.notes.setdefault(first.end - 1, []).append(
                f"  ×{len(others) + 1} the same frames, to L{others[-1].start + 1}"
            )
    return sorted(news)


def _signature(trace: Trace, lines: Sequence[str]) -> bytes:
    """Return a digest that traces with the same frames and exceptions share."""
    digest = hashlib.blake2b(digest_size=16)
    for frame in trace.frames():
        for row in frame:
            digest.update(_utf8(mask(_ADDRESS.sub("", lines[row]))))
    digest.update(b"\0")
    for row in trace.chain:
        # The message of an exception varies; its type does not.
        digest.update(_utf8(mask(lines[row].split(":", 1)[0])))
    return digest.digest()


def _utf8(line: str) -> bytes:
    return line.encode(errors="surrogatepass") + b"\n"


def left_out(trace: Trace, lines: Sequence[str]) -> Iterator[tuple[range, str]]:
    """Yield the rows of each run of frames that a view leaves out, and the note that says so."""
    count, rows, run_why = 0, range(0), ""
    for frame, why in chain(zip(trace.frames(), _why_not(trace, lines), strict=True), [_NO_FRAME]):
        if count and (why != run_why or rows.stop != frame.start):
            if count >= _MIN_RUN:
                yield rows, f"  L{rows.start + 1}-{rows.stop}: {count:,} {run_why}"
            count = 0
        if why:
            rows = range(rows.start if count else frame.start, frame.stop)
            count, run_why = count + 1, why


def _show(page: Page, lines: Sequence[str], trace: Trace) -> None:
    at = trace.start
    for rows, note in left_out(trace, lines):
        page.picked.update(range(at, rows.start))
        page.notes.setdefault(rows.start, []).append(note)
        at = rows.stop
    page.picked.update(range(at, trace.end))
    page.block.update(page.picked.intersection(range(trace.start, trace.end)))


def _why_not(trace: Trace, lines: Sequence[str]) -> list[str]:
    """Say for each frame why it is left out; "" for one that is shown."""
    why = ["library frames" if _is_library(frame, lines) else "" for frame in trace.frames()]
    if all(why):
        why = [
            "" if at < _ENDS or at >= len(why) - _ENDS else "library frames"
            for at in range(len(why))
        ]
    # Recursion repeats frames to the letter, ten thousand of them on a full stack.
    seen: set[tuple[str, ...]] = set()
    for at, frame in enumerate(trace.frames()):
        text = tuple([lines[row] for row in frame])
        if text in seen and not why[at]:
            why[at] = "frames that stand above, again"
        seen.add(text)
    return why


def _is_library(frame: range, lines: Sequence[str]) -> bool:
    return any(_LIBRARY.search(lines[row]) for row in frame)
