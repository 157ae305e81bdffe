"""JSON is told from what only begins like it."""

from __future__ import annotations

import pytest

from furler_engine.detect.data import json_score
from furler_engine.shared.sample import Sample
from furler_engine.types import Source


def score(text: str) -> float:
    return json_score(Sample.of(Source(text)), 0.0)


@pytest.mark.parametrize(
    "text", ['{"a": 1}', '[{"a": 1}]', ' [\n [ {"a b":', '{"a": 1}\n{"a": 2}', '\ufeff{"a": 1}']
)
def test_an_opening_with_a_name_is_surely_json(text: str) -> None:
    assert score(text) == 1.0


@pytest.mark.parametrize("text", ["[1, 2", '["a", ', "[true,", "[-1,\nrest", "[[1, 2], ["])
def test_an_opening_that_others_may_have_is_likely_json(text: str) -> None:
    assert 0.5 < score(text) < 0.98


@pytest.mark.parametrize(
    "text",
    [
        "{a: 1}",
        "[INFO] started",
        "{% if x %}",
        "[section]\nkey = 1",
        "{name}",
        "text",
        "",
        "{'a': 1}",
    ],
)
def test_what_only_begins_like_json_is_not(text: str) -> None:
    assert score(text) == 0.0


def test_scoring_is_linear_in_hostile_openings() -> None:
    for text in (
        "[" * 100_000,
        "{" * 100_000,
        '{"' * 100_000,
        '{"' + "\\" * 100_000,
        " " * 100_000,
    ):
        assert score(text) < 0.98
