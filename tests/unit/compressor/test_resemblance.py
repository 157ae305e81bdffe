"""What a new content resembles, and what differs."""

from __future__ import annotations

import hashlib

import pytest

from furler_compressor.app.resemblance import (
    NEAR,
    SKETCH_PIECES,
    Difference,
    DifferingLine,
    difference,
    is_identical,
    nearest,
    similarity,
    sketch,
)
from support.inputs import orders, service_log


def sketch_of(text: str) -> bytes:
    return sketch(text, hashlib.sha256(text.encode()).digest(), b"tenant")


def lines(first: int, last: int) -> str:
    return "\n".join(f"line number {n} says {n * 7919 % 1000}" for n in range(first, last))


def test_the_same_content_is_identical_and_another_is_not() -> None:
    one, other = sketch_of("short"), sketch_of("shorter")
    assert (similarity(one, one), is_identical(one, one)) == (1.0, True)
    assert (similarity(one, other), is_identical(one, other)) == (0.0, False)


@pytest.mark.parametrize(("shared", "share"), [(100, 1 / 19), (500, 1 / 3), (900, 9 / 11)])
def test_similarity_estimates_the_share_of_common_pieces(shared: int, share: float) -> None:
    one, other = lines(0, 1000), lines(1000 - shared, 2000 - shared)
    # Three standard errors of 128 samples.
    assert similarity(sketch_of(one), sketch_of(other)) == pytest.approx(share, abs=0.13)


def test_small_contents_are_compared_exactly() -> None:
    one, other = lines(0, 40), lines(10, 50)
    assert similarity(sketch_of(one), sketch_of(other)) == 30 / 50


def test_a_content_of_few_pieces_resembles_only_itself() -> None:
    assert similarity(sketch_of(lines(0, 10)), sketch_of(lines(0, 11))) == 0.0


def test_a_json_document_on_one_line_is_compared_by_its_fields() -> None:
    one = orders(100).replace("\n", "")
    assert similarity(sketch_of(one), sketch_of(one.replace("refund_failed", "paid"))) > 0.9
    assert similarity(sketch_of(one), sketch_of(service_log(300))) < NEAR


def test_a_sketch_is_bounded_and_the_same_every_time() -> None:
    text = lines(0, 60_000)
    assert len(sketch_of(text)) == 16 + 4 * SKETCH_PIECES
    assert sketch_of(text) == sketch_of(text)
    # Both ends of a long content count.
    assert similarity(sketch_of(text), sketch_of(text[: len(text) // 2])) < 1.0


def test_sketches_of_other_tenants_have_nothing_in_common() -> None:
    text = lines(0, 1000)
    mine, theirs = sketch(text, b"m" * 32, b"mine"), sketch(text, b"t" * 32, b"theirs")
    assert similarity(mine, theirs) < 0.01


def test_the_nearest_is_the_most_similar_of_those_that_are_near() -> None:
    new = sketch_of(lines(0, 1000))
    others = [
        ("far", sketch_of(lines(900, 1900))),
        ("near", sketch_of(lines(100, 1100))),
        ("nearer", sketch_of(lines(20, 1020))),
    ]
    found = nearest(new, others)
    assert found is not None
    assert found[0] == "nearer"
    assert nearest(new, [*others, ("same", new)]) == ("same", 1.0)
    assert nearest(new, others[:1]) is None
    assert nearest(new, []) is None


def test_a_difference_names_the_lines_that_only_one_has() -> None:
    old = "a\nb\nb\nc\n"
    new = "c\nb\na\nd\n"
    assert difference(old, new) == Difference(
        1, 1, (DifferingLine(4, "d"),), (DifferingLine(3, "b"),)
    )
    assert difference(old, old) == Difference()


def test_a_difference_shows_ten_lines_at_most_and_cuts_long_ones() -> None:
    found = difference("", "\n".join(f"{n} " + "x" * 500 for n in range(30)))
    assert (found.lines_added, len(found.added)) == (30, 10)
    assert {len(line.text) for line in found.added} == {200}
