"""Whole views of small documents, reviewed by eye: tests/golden/json/*.in and .out."""

from __future__ import annotations

from pathlib import Path

import pytest

from furler_engine.compressors import json_rows
from furler_engine.coverage import check
from furler_engine.json_value import same_value
from furler_engine.shared.json_table.decode import decode
from furler_engine.shared.json_table.encode import encode
from furler_engine.shared.json_table.outline import outline
from furler_engine.types import Policy, Source

GOLDEN = Path(__file__).parents[2] / "golden" / "json"


def source_of(name: str) -> Source:
    return Source((GOLDEN / f"{name}.in").read_text())


def reviewed(name: str) -> str:
    return (GOLDEN / f"{name}.out").read_text().removesuffix("\n")


@pytest.mark.parametrize("name", ["envelope", "nested"])
def test_a_whole_document_reads_as_it_was_reviewed(name: str) -> None:
    source = source_of(name)
    text = encode(outline(source))
    assert text == reviewed(name)
    assert same_value(decode(text), source.value)


@pytest.mark.parametrize("name", ["log_rows"])
def test_a_view_of_some_rows_reads_as_it_was_reviewed(name: str) -> None:
    source = source_of(name)
    draft = json_rows.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    assert draft.text == reviewed(name)
