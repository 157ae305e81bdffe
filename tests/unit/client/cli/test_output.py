"""Tables: colour on a terminal, plain columns elsewhere."""

from __future__ import annotations

import io
import sys

import pytest

from furler.cli import output
from furler.cli.compress import summary
from furler.cli.output import Column, Table, plain_table, show_table
from furler.values import Digest, Elision, Kind, View

TABLE = Table(
    (Column("kind"), Column("tokens", numeric=True)),
    [("log", "1,000"), ("[b]json[/b]", "90")],
    ("all", "1,090"),
    styles=("good", "bad"),
)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _shown(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO) -> str:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdout", stream)
    show_table(TABLE)
    return stream.getvalue()


def test_a_terminal_gets_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = _shown(monkeypatch, _Terminal())
    assert "\x1b[32m" in shown
    assert "[b]json[/b]" in shown


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    shown = _shown(monkeypatch, _Terminal())
    assert "\x1b[32m" not in shown
    assert "1,090" in shown


def test_a_pipe_gets_plain_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = (
        "kind         tokens\nlog           1,000\n[b]json[/b]      90\nall           1,090\n"
    )
    assert _shown(monkeypatch, io.StringIO()) == expected
    assert plain_table(TABLE) == expected


def test_remarks_and_spinners_are_for_people_only(monkeypatch: pytest.MonkeyPatch) -> None:
    piped, terminal = io.StringIO(), _Terminal()
    for stream in (piped, terminal):
        monkeypatch.setattr(sys, "stderr", stream)
        output.remark("[saved] 3")
        with output.working("compressing", output.SPINNER_BYTES):
            pass
    assert piped.getvalue() == ""
    assert "[saved] 3" in terminal.getvalue()
    assert "compressing" in terminal.getvalue()


def test_little_work_shows_no_spinner(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with output.working("compressing", 10):
        pass
    assert terminal.getvalue() == ""


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (5 * 2**20, "5.0 MiB"),
        (2**41, "2048.0 GiB"),
    ],
)
def test_sizes_have_a_unit_that_a_person_would_use(count: int, expected: str) -> None:
    assert output.size_of(count) == expected


def _view(ref: str, compressors: tuple[str, ...], *markers: str) -> View:
    return View(
        text="", ref=ref, kind=Kind.LOG, compressors=compressors,
        elisions=tuple(Elision(marker, "", 1) for marker in markers), tokens_before=1000,
        tokens_after=250, tokenizer="o200k_base", estimated=False, recipe="",
        original=Digest("", 0),
    )  # fmt: skip


def test_the_summary_gives_the_command_that_gets_a_part_back() -> None:
    head = "log · 1,000 → 250 tokens"
    retrieve = f"{head} · 75.0 % saved · furler retrieve r"
    assert summary(_view("r", ("log",), "L2-9")) == f"{retrieve} --lines L2-9"
    assert summary(_view("r", ("log",), "$.a[1:9]")) == f"{retrieve} --path '$.a[1:9]'"
    assert summary(_view("r", ("log",))) == retrieve
    assert summary(_view("", ("log",))) == f"{head} · 75.0 % saved · original not stored"
    assert summary(_view("", ())) == f"{head} · unchanged"


def test_nearly_all_is_not_shown_as_all() -> None:
    assert (output.share(0.99999), output.share(1.0), output.share(0.0)) == (
        "99.9 %",
        "100.0 %",
        "0.0 %",
    )
