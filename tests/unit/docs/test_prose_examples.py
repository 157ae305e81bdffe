"""The page of prose examples is what the model says, and every view on it can be judged by its text."""

from __future__ import annotations

import re
import runpy
from difflib import SequenceMatcher
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TOOL = runpy.run_path(str(ROOT / "tools/generate_prose_examples.py"))
PAGE = (ROOT / "docs/examples/prose.md").read_text()
FENCE = "`" * 8
VIEWS = re.findall(f"^{FENCE}text\n(.*?)\n{FENCE}$", PAGE, re.DOTALL | re.MULTILINE)
EXAMPLES = TOOL["examples"]()
NAMES = [example.file for example in EXAMPLES]
SAME = 0.95
"""Processors differ in the last bits of an int8 model: a word in a hundred may."""


def test_there_are_ten_views_and_each_text_has_a_source_and_a_licence() -> None:
    assert len(VIEWS) == len(EXAMPLES) == 10
    assert all(example.source and example.licence for example in EXAMPLES)


def test_the_page_is_what_the_model_makes_of_the_texts() -> None:
    fresh = re.findall(f"^{FENCE}text\n(.*?)\n{FENCE}$", TOOL["page"](), re.DOTALL | re.MULTILINE)
    alike = [
        SequenceMatcher(None, old.split(), new.split(), autojunk=False).ratio()
        for old, new in zip(VIEWS, fresh, strict=True)
    ]
    assert [ratio >= SAME for ratio in alike] == [True] * len(VIEWS)


@pytest.mark.parametrize(("view", "example"), list(zip(VIEWS, EXAMPLES, strict=True)), ids=NAMES)
def test_a_view_says_nothing_that_its_text_does_not_and_keeps_every_fact(
    view: str, example: object
) -> None:
    text: str = example.text  # type: ignore[attr-defined]
    shown = "\n".join(view.split("\n")[1:-1]).rstrip("\n").split("\n")
    lines = text.rstrip("\n").split("\n")
    assert len(shown) == len(lines)
    for line, original in zip(shown, lines, strict=True):
        left = iter(original.split())
        assert all(word in left for word in line.split())
        facts = r"[^\s]*[\d`@_/=#$|][^\s]*|\b(?:not|never|none|cannot|must|unless|without)\b"
        assert re.findall(facts, line) == re.findall(facts, original)
