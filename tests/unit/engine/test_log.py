"""Logs: one line per pattern, all that is rare or severe, counts that add up."""

import re

import pytest

from furler_engine.compressors import log
from furler_engine.coverage import check
from furler_engine.types import Draft, Hints, Kind, Level, LinesShown, Policy, Source

SYSLOG = "\n".join(
    [f"Nov 20 03:{n % 60:02d}:55 web-{n % 4} cron[{7000 + n}]: (root) CMD (/usr/lib/sa1 1 1)" for n in range(90)]
    + ["Nov 20 04:30:01 web-1 kernel: Out of memory: Killed process 8841 (java)"]
    + [f"Nov 20 04:{n % 60:02d}:07 web-{n % 3} sshd[{n + 90}]: session opened for user u{n}" for n in range(80)]
)  # fmt: skip


def _draft(text: str, query: str = "") -> Draft:
    source = Source(text, Hints(query=query))
    draft = log.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    return draft


def _rows(draft: Draft) -> set[int]:
    assert isinstance(draft.coverage, LinesShown)
    return {n for span in draft.coverage.lines for n in range(span.first, span.last + 1)}


def test_a_log_keeps_its_first_its_last_and_its_rare_lines() -> None:
    draft = _draft(SYSLOG)
    assert {1, 91, 171} <= _rows(draft)
    assert "Out of memory: Killed process 8841 (java)" in draft.text


def test_the_footer_adds_up_to_the_number_of_lines() -> None:
    end = _draft(SYSLOG).text.split("\n")[-1]
    assert "171 lines = 170 in ×N patterns + 1 in full" in end


def test_rare_and_severe_lines_stand_to_the_letter() -> None:
    assert "91:Nov 20 04:30:01 web-1 kernel: Out of memory: Killed process 8841 (java)" in _draft(
        SYSLOG
    ).text.split("\n")


def test_fixed_fields_are_said_once() -> None:
    verbs = ["open", "read", "write", "seek", "close", "sync", "link", "rename", "stat", "chmod"]
    text = "\n".join(
        f"2026-11-20 07:57:{n % 60:02d} INFO {verbs[n % 10]} took {n} ms" for n in range(200)
    )
    assert _draft(text).text.count("2026-11-20") == 1


def test_hosts_are_told_once_for_all_lines() -> None:
    assert (
        "[hosts, told here for all lines: web-1×51 web-0×50 web-2×48 web-3×22]"
        in _draft(SYSLOG).text
    )


def test_a_contiguous_pattern_says_so() -> None:
    text = "\n".join(["WARN retrying 10.0.0.5:5432"] * 50 + ["INFO idle"] * 50)
    assert "×50 L1-50, contiguous" in _draft(text).text


def test_levels_are_counted_by_line() -> None:
    text = "\n".join(["INFO idle"] * 50 + ["WARN slow"] * 7 + ["ERROR gone"] * 2 + ["FATAL dead"])
    assert "Levels: FATAL 1, ERROR 2, WARN 7" in _draft(text).text


def test_a_level_is_never_folded_into_another() -> None:
    text = "\n".join(f"level={'error' if n == 33 else 'info'} msg=done n={n}" for n in range(60))
    assert 34 in _rows(_draft(text))


def test_opened_and_closed_are_two_patterns() -> None:
    text = "\n".join(f"session {'opened' if n % 2 else 'closed'} for user {n}" for n in range(60))
    assert {1, 2} <= _rows(_draft(text))


def test_a_rare_status_is_shown_though_its_pattern_is_not_rare() -> None:
    text = "\n".join(
        f'10.0.0.{n} - - [20/Nov/2026 07:57:{n % 60:02d}] "GET /p/{n} HTTP/1.1" {404 if n in (40, 80) else 200} -'
        for n in range(120)
    )
    draft = _draft(text)
    assert {41, 81} <= _rows(draft)
    assert "status: 200×118 404×2" in draft.text


def test_every_failed_status_shows_one_line_however_frequent() -> None:
    text = "\n".join(
        f'10.0.0.{n} "GET /p/{n} HTTP/1.1" {500 if n % 3 == 2 else 200} 17' for n in range(120)
    )
    assert 3 in _rows(_draft(text))


def test_clock_times_are_not_told_as_numbers() -> None:
    text = "\n".join(f"done 12:{n:02d}:00 after {n * 7} ms" for n in range(50))
    assert "after 0..343 (50)" in _draft(text).text
    assert "12:00" not in _draft(text).text.split("\n")[2]


def test_fields_beyond_the_told_ones_are_named() -> None:
    text = "\n".join(
        "stat " + " ".join(f"k{k}={(n * (k + 1)) % 97}" for k in range(9)) for n in range(97)
    )
    assert "+3 more fields vary (k6, k7, k8)" in _draft(text).text


def test_a_line_that_the_query_names_stays() -> None:
    text = "\n".join(f"order {n} shipped to depot" for n in range(1000, 1400))
    assert 235 in _rows(_draft(text, "what happened to order 1234?"))


def test_a_log_never_loses_all_its_lines() -> None:
    draft = _draft("\n".join(["INFO idle"] * 1000))
    assert {1, 1000} <= _rows(draft)


@pytest.mark.parametrize(
    "line", ["[furler: 3 of 9 lines shown]", "12:text", "12|text", ":text", "40~12:x", "  ×3 to L9", "<<ref:abc 10_rows>>"]
)  # fmt: skip
def test_text_that_looks_like_the_notation_is_data(line: str) -> None:
    draft = _draft("\n".join([line] + ["INFO idle"] * 60 + [line, "end"]))
    assert {1, 62} <= _rows(draft)


def test_carriage_returns_and_colours_are_cleaned_away() -> None:
    text = "\r\n".join(
        [f"\x1b[32mINFO\x1b[0m step {n}" for n in range(60)] + [" 10 %\r 99 %\rdone"]
    )
    draft = _draft(text)
    assert "\x1b" not in draft.text
    assert "\r" not in draft.text
    assert "61:done" in draft.text.split("\n")


@pytest.mark.parametrize("text", ["", "\n", "one line", "x" * 5000, "\x00" * 5000, "\n" * 500])
def test_text_without_patterns_passes_through(text: str) -> None:
    assert log.plan(Source(text), Policy()) is None


def test_prose_passes_through() -> None:
    words = [
        "the",
        "quick",
        "brown",
        "fox",
        "jumps",
        "over",
        "a",
        "lazy",
        "dog",
        "while",
        "seven",
        "wizards",
        "quietly",
        "box",
    ]
    text = "\n".join(
        " ".join(words[n % 5 : n % 5 + n % 7 + 2]) + chr(97 + n % 26) * n for n in range(40)
    )
    assert log.plan(Source(text), Policy()) is None


TRACE = """\
2026-11-20 10:00:0{n} ERROR request {n} failed
Traceback (most recent call last):
  File "/srv/app/views.py", line 42, in handle
    return self.dispatch(request)
  File "/venv/lib/python3.11/site-packages/web/base.py", line 197, in get
    response = call(request)
  File "/venv/lib/python3.11/site-packages/web/view.py", line 104, in view
    return handler(request)
  File "/srv/app/orders.py", line 17, in load
    return table[key]
KeyError: '{key}'
"""


def test_a_trace_keeps_its_chain_and_own_frames_and_counts_the_libraries() -> None:
    text = "".join(TRACE.format(n=n, key="k") for n in range(3))
    draft = _draft(text)
    assert '\n  File "/srv/app/views.py", line 42, in handle\n' in draft.text
    assert "  L5-8: 2 library frames" in draft.text
    assert "KeyError: 'k'" in draft.text


def test_a_repeated_trace_is_folded_and_says_where() -> None:
    text = "".join(TRACE.format(n=n, key="k") for n in range(5))
    draft = _draft(text)
    assert "  ×5 the same frames, to L46" in draft.text
    assert draft.text.count("orders.py") == 1


def test_a_repeated_trace_with_another_message_shows_the_message() -> None:
    text = "".join(TRACE.format(n=n, key="kin"[n]) for n in range(3))
    assert re.findall(r"KeyError: '(.)'", _draft(text).text) == ["k", "i", "n"]


def test_a_line_too_long_for_a_view_gives_its_beginning_and_end() -> None:
    draft = _draft("{" + "payload," * 100_000 + "}")
    assert draft.text.startswith("  L1, 800,002 characters, begins {payload,")
    assert "payload,}" in draft.text
    assert len(draft.text) < 4_000


def test_recursion_is_counted() -> None:
    text = (
        "Exception in thread main java.lang.StackOverflowError\n"
        + "\tat com.acme.Tree.left(Tree.java:7)\n\tat com.acme.Tree.right(Tree.java:9)\n" * 500
        + "\tat com.acme.Main.main(Main.java:3)\n"
    )
    draft = _draft(text)
    assert "  L4-1001: 998 frames that stand above, again" in draft.text
    assert "Main.java:3" in draft.text


def test_a_tight_level_shows_one_line_of_a_pattern_and_still_tells_all_of_them() -> None:
    lines = [
        f"2026-03-14T09:00:{n % 60:02d}Z WARN slow query {n} took {1000 + n} ms" for n in range(200)
    ]
    text = "\n".join(lines) + "\n2026-03-14T09:10:00Z ERROR pool exhausted\n"
    careful = log.plan(Source(text), Policy())
    tight = log.plan(Source(text), Policy(levels=((Kind.LOG, Level.TIGHT),)))
    assert careful is not None
    assert tight is not None
    check(Source(text), tight)
    assert tight.shown < careful.shown
    assert "×200" in tight.text
    assert "ERROR pool exhausted" in tight.text
