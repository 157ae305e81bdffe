"""Small samples of every kind, and texts that nearly are."""

import pytest

from furler_engine.detect import DETECTORS, detect
from furler_engine.shared.sample import Sample
from furler_engine.types import Hints, Kind, Source

PYTHON = '''\
"""A module."""

import os
from pathlib import Path


class Store:
    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, name: str) -> bytes:
        # what is there
        return (self.path / name).read_bytes()
'''
GO = 'package main\n\nimport "fmt"\n\nfunc main() {\n\tx := 3\n\tif x > 2 {\n\t\tfmt.Println(x)\n\t}\n}\n'
SERVICE_LOG = "".join(
    f"2026-01-01T12:00:{n:02}Z INFO [worker-{n % 3}] request {n} served in {n * 7} ms\n"
    for n in range(30)
)
ACCESS_LOG = '10.0.0.7 - - [20/Nov/2026:07:57:51 +0000] "GET /a/b HTTP/1.1" 200 512\n' * 20
GREP = "".join(f"src/furler/app.py:{n}:    value = compute({n})\n" for n in range(1, 20))
DIFF = """\
diff --git a/x.py b/x.py
index 1..2 100644
--- a/x.py
+++ b/x.py
@@ -1,3 +1,3 @@
 import os
-a = 1
+a = 2
"""
GIT_LOG = """\
commit 0123456789abcdef0123456789abcdef01234567
Author: A <a@x.example>
Date:   Fri Nov 20 10:00:00 2026 +0000

    Say why
"""
PYTEST = (
    "============================= test session starts ==============================\n"
    + "".join(f"tests/test_a.py::test_{n} PASSED                [ {n}%]\n" for n in range(20))
    + "=========================== 20 passed in 0.12s ===========================\n"
)
TRACE = """\
Traceback (most recent call last):
  File "/app/main.py", line 12, in <module>
    main()
  File "/app/main.py", line 8, in main
    raise ValueError("no")
ValueError: no
"""
GCC = "".join(f"src/a.c:{n}:5: warning: unused variable 'x{n}' [-Wunused]\n" for n in range(1, 20))
BUILD = "".join(f"   Compiling crate-{n} v1.0.{n}\n" for n in range(20))
LS = "total 8\n" + "".join(f"-rw-r--r-- 1 root root {n} Jan  1 10:00 f{n}.py\n" for n in range(20))
FIND = "".join(f"./src/pkg/module_{n}.py\n" for n in range(20))
CSV = "id,name,city\n" + "".join(f"{n},name {n},Lima\n" for n in range(20))
MARKDOWN = "# Guide\n\nSome words on what this is.\n\n## Set up\n\n- one\n- two\n\n```\nrun\n```\n"
YAML = "name: ci\non: push\njobs:\n  build:\n    runs-on: linux\n    steps:\n      # check\n      - uses: a/b\n"
TOML = '[package]\nname = "x"\nversion = "1"\n\n[[package]]\nname = "y"\nversion = "2"\n'
HTML = "<!-- made by hand -->\n<!DOCTYPE html>\n<html><body>\n<p>Hello</p>\n</body></html>\n"
MANUAL = """\
REEF(1)                       Furler Manual                       REEF(1)

NAME
       reef - take in a part of a sail

SYNOPSIS
       reef [--lines N] [--] SAIL...

DESCRIPTION
       Reduces the area of each sail that is named, which is what you want
       when the wind is stronger than it was when the sail was set. What is
       taken in is not cut off and can be let out again with shake(1).

OPTIONS
       --lines N
              Take in as many lines of reef points as are given here. The
              default is one line, which takes in about a third of the area
              of most sails.

       --dry-run
              Only say what would be done.
"""
PROSE = (
    "The meeting opened with a look at the budget for next year.\n"
    "Everyone agreed that the numbers were too high to be true.\n"
    "It was decided to ask the finance team for another estimate.\n"
) * 4
BASE64 = ("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAx" + "\n") * 20


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"a": [1, 2]}', Kind.JSON),
        ('[\n  {"a": 1}\n]\n', Kind.JSON),
        ('{"a": 1}\n{"a": 2}\n', Kind.JSON),
        ('[{"a": 1}, {"a": 2}, {"a"', Kind.JSON),
        (PYTHON, Kind.CODE),
        (GO, Kind.CODE),
        (SERVICE_LOG, Kind.LOG),
        (ACCESS_LOG, Kind.LOG),
        ("\x1b[32m" + SERVICE_LOG.replace("\n", "\x1b[0m\r\n\x1b[32m"), Kind.LOG),
        (GREP, Kind.SEARCH_RESULTS),
        (DIFF, Kind.DIFF),
        (GIT_LOG, Kind.GIT_LOG),
        (PYTEST, Kind.TEST_OUTPUT),
        (TRACE, Kind.STACK_TRACE),
        (GCC, Kind.DIAGNOSTICS),
        (BUILD, Kind.BUILD_OUTPUT),
        (LS, Kind.LISTING),
        (FIND, Kind.LISTING),
        (FIND.replace("\n", "\r\n"), Kind.LISTING),
        (CSV, Kind.TABLE),
        ("| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 9, Kind.TABLE),
        (MARKDOWN, Kind.MARKDOWN),
        ("<!-- toc -->\n" + MARKDOWN, Kind.MARKDOWN),
        (YAML, Kind.CONFIG),
        ("# a comment\n" + TOML * 3, Kind.CONFIG),
        (HTML, Kind.MARKUP),
        ('<?xml version="1.0"?>\n<feed>\n<entry/>\n</feed>', Kind.MARKUP),
        (PROSE, Kind.PROSE),
        (MANUAL, Kind.PROSE),
        (BASE64, Kind.BLOB),
    ],
)
def test_each_kind_is_known_by_its_content(text: str, kind: Kind) -> None:
    assert detect(Source(text)) is kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", Kind.TEXT),
        (" \n\t\n", Kind.TEXT),
        ("ok", Kind.TEXT),
        ("".join(f"[2026-01-01 12:00:{n:02}] WARN disk {n}\n" for n in range(30)), Kind.LOG),
        ("".join(f"2026-01-{n:02},{n},ok\n" for n in range(1, 28)), Kind.TABLE),
        ("".join(f"12:00:{n:02}: INFO started\n" for n in range(30)), Kind.LOG),
        ("see " + FIND.replace("\n", " and ") + "\n", Kind.TEXT),
    ],
)
def test_what_nearly_is_another_kind_is_not_taken_for_it(text: str, kind: Kind) -> None:
    assert detect(Source(text)) is kind


@pytest.mark.parametrize(
    ("hints", "kind"),
    [
        (Hints(kind=Kind.LOG, filename="a.py"), Kind.LOG),
        (Hints(filename="src/a.py"), Kind.CODE),
        (Hints(filename="C:\\x\\A.TSX"), Kind.CODE),
        (Hints(filename="data.ndjson"), Kind.JSON),
        (Hints(media_type="text/html; charset=utf-8"), Kind.MARKUP),
        (Hints(filename="Makefile"), Kind.PROSE),
        (Hints(filename=".py"), Kind.PROSE),
        (Hints(filename="a.unknown", media_type="application/octet-stream"), Kind.PROSE),
    ],
)
def test_specific_hints_decide_and_vague_ones_do_not(hints: Hints, kind: Kind) -> None:
    assert detect(Source(PROSE, hints)) is kind


@pytest.mark.parametrize(
    "text",
    [PYTHON, GO, SERVICE_LOG, ACCESS_LOG, GREP, DIFF, GIT_LOG, PYTEST, TRACE, GCC, BUILD, LS, FIND, CSV,
     MARKDOWN, YAML, TOML, HTML, PROSE, BASE64, '{"a": 1}', "commit 0123456\n", "a" * 90 + "\n"],
)  # fmt: skip
def test_no_detector_scores_above_its_ceiling(text: str) -> None:
    sample = Sample.of(Source(text))
    for kind, ceiling, score in DETECTORS:
        assert (kind, 0.0 <= score(sample, 0.0) <= ceiling) == (kind, True)


@pytest.mark.parametrize(
    "line",
    ["a/" * 200 + ":", "/" * 300 + ":", " " * 300 + "x", "./" * 150 + "!", "[" * 300, "<a" * 150,
     "a:" * 150, "a." * 150, "'" * 300, "-- " * 100, "=" * 300 + "x", "│   " * 80 + "x", "| " * 150,
     "public " * 50, "{" * 300, "error" * 60, "at " * 100, "1:" * 150, "\x1b[" * 150, "#" * 300],
)  # fmt: skip
def test_a_line_made_to_be_tried_in_many_ways_is_scored(line: str) -> None:
    """A pattern that takes exponential time hangs here."""
    assert detect(Source((line + "\n") * 40)) in Kind


def test_a_sample_is_bounded_and_spread_over_the_whole() -> None:
    text = "".join(f"{n} " + "x" * 247 + "\n" for n in range(100_000))
    sample = Sample.of(Source(text))
    assert 60 < len(sample.lines) <= 125
    assert max(map(len, sample.lines)) == 253  # five digits, a blank, the rest
    numbers = [int(line.split()[0]) for line in sample.lines]
    assert numbers == sorted(numbers)
    assert numbers[-1] > 90_000


def test_a_sample_of_one_endless_line_is_its_start() -> None:
    sample = Sample.of(Source("x" * 5_000_000))
    assert sample.lines == ("x" * 400,)
    assert sample.tail == "x" * 100


def test_a_byte_order_mark_hides_no_kind() -> None:
    for text in (PYTHON, GO, "#!/bin/sh\nexit 1\n" * 5):
        assert detect(Source("\ufeff" + text)) is detect(Source(text))


def test_a_page_of_tables_is_a_page() -> None:
    table = "| field | type |\n|---|---|\n" + "| a | b |\n" * 12
    assert detect(Source("".join(f"## Part {n}\n\n{table}\n" for n in range(9)))) is Kind.MARKDOWN
    assert detect(Source(f"## Part\n\n{table}")) is Kind.TABLE
