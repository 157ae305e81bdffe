"""Generated inputs: the same on every run, and of the size that was asked for."""

from __future__ import annotations

import json

import pytest

from bench.generate import HOSTILE, KB, KINDS, rows


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_text_and_another_seed_another(kind: str) -> None:
    make = KINDS[kind]
    assert make(5 * KB, 1) == make(5 * KB, 1)
    assert make(5 * KB, 1) != make(5 * KB, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_generated_text_is_at_most_a_line_larger_than_asked_for(kind: str) -> None:
    assert 20 * KB <= len(KINDS[kind](20 * KB, 0)) < 21 * KB


def test_generated_rows_are_json() -> None:
    assert {len(row) for row in json.loads(rows(5 * KB))} == {8}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_grows_with_the_size_asked_for(name: str) -> None:
    make = HOSTILE[name]
    assert len(make(20 * KB)) == pytest.approx(2 * len(make(10 * KB)), rel=0.1)
