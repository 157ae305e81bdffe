"""Lines of one form as rows: nothing is lost, numbers stay whole, oddities stay as they are."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from furler_engine.compressors.line_rows import plan
from furler_engine.coverage import check
from furler_engine.pipeline import compress
from furler_engine.types import Draft, Fidelity, Hints, Kind, Policy, Source

PIP = "Collecting all\n" + "\n".join(
    f"Requirement already satisfied: pkg{n} in /opt/python/lib/site-packages (from app=={n % 2}.1) ({n}.31)"
    for n in range(12)
)


def draft_of(text: str) -> Draft | None:
    source = Source(text)
    draft = plan(source, Policy())
    if draft is not None:
        check(source, draft)
    return draft


def test_the_words_that_lines_share_stand_once() -> None:
    draft = draft_of(PIP + "\ndone")
    assert draft is not None
    rows = draft.text.split("\n")
    assert rows[1:5] == [
        "Collecting all",
        "[=12 Requirement already satisfied: ‹› in /opt/python/lib/site-packages (from app==‹›.1) (‹›.31)]",
        "pkg0|0|0",
        "pkg1|1|1",
    ]
    assert rows[-1] == "done"


def test_a_row_that_holds_the_separator_keeps_its_run_as_it_is() -> None:
    assert draft_of(PIP.replace("pkg3", "p|3")) is None


def test_text_that_has_our_slots_in_it_is_left_alone() -> None:
    assert draft_of(PIP + "\n‹›") is None


def test_a_line_that_looks_like_a_header_of_ours_is_no_header() -> None:
    draft = draft_of("[=3 plain]\n" + PIP)
    assert draft is not None
    assert "[=3 plain]" in draft.text


def test_what_has_no_form_is_not_ours() -> None:
    assert draft_of("\n".join(f"line{n} {'x' * n} of its own" for n in range(40))) is None


word = st.sampled_from(
    ["a", "b", "pkg", "1.0", "==", "", "|", "[=4", "x]", "é", "‹", "/opt/python/lib/site"]
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(word, min_size=1, max_size=8).map(" ".join), max_size=6), st.integers(1, 30)
)
def test_every_draft_gives_all_lines_back(lines: list[str], times: int) -> None:
    text = "\n".join(
        f"{line} of one long form that is shared {n}" for line in lines for n in range(times)
    )
    draft_of(text)  # check() raises if a line is lost


def test_a_log_whose_lines_are_of_one_form_has_a_view_without_loss() -> None:
    text = "".join(
        f"2026-03-14 09:00:{n} web-1 app[77]: user {n * 7919 % 9973} bought item {n} from the shop\n"
        for n in range(10, 60)
    )
    view = compress(text, Hints(), Policy(fidelity=Fidelity.LOSSLESS), "a" * 16)
    assert view.kind is Kind.LOG
    assert view.compressors == ("line_rows",)
    assert view.tokens_after < 0.6 * view.tokens_before
