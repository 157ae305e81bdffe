"""How the prose model is trained and judged, without torch; the parts that need it are skipped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from training import recipe, squad
from training.data import Passage, read_passages, samples, split
from training.measures import best_f1, bootstrap_f1, f1, share
from training.methods import Text, at_random, by_choice, by_rules, by_scores, by_sentences
from training.recipe import steps

TEXT = "The pool must restart 12 workers of Bremen because it is really full."
LABELS = (0, 2, 2, 2, 2, 2, 1, 2, 2, 1, 0, 0, 2)


def passages(kind: str, count: int) -> list[Passage]:
    return [Passage(f"{kind}-{i}", kind, TEXT, LABELS) for i in range(count)]


def test_every_passage_is_in_one_part_whatever_the_order() -> None:
    given = passages("docs", 300) + passages("legal", 40)
    parts = split(given)
    assert [len(parts.train), len(parts.dev), len(parts.test)] == [288, 13, 39]
    assert sorted(p.id for p in (*parts.train, *parts.dev, *parts.test)) == sorted(
        p.id for p in given
    )
    assert split(given[::-1]) == parts


def test_a_kind_of_few_passages_is_judged_by_enough_of_them() -> None:
    parts = split(passages("docs", 300) + passages("legal", 40))
    assert sum(p.kind == "legal" for p in parts.test) == 12


def test_what_a_sample_is_trained_towards_follows_its_labels() -> None:
    (sample,) = samples(Passage("a", "docs", TEXT, LABELS))
    words = TEXT.split()
    for token, word in enumerate(sample.chunk.words):
        if word < 0:
            assert sample.weights[token] == 0
            continue
        expected = {0: 0.025, 1: 0.5, 2: 0.975}[LABELS[word]]
        assert sample.targets[token] == pytest.approx(expected)
        weight = {"must": 3, "12": 3, "Bremen": 2, "restart": 2, "workers": 2, "pool": 2}
        assert sample.weights[token] == weight.get(words[word], 1)


def test_a_passage_whose_labels_do_not_fit_is_refused_by_name(tmp_path: Path) -> None:
    row = {"id": "x7", "kind": "docs", "text": "two words", "labels": [1]}
    (tmp_path / "labels.jsonl").write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(ValueError, match="x7: 1 labels"):
        read_passages(tmp_path / "labels.jsonl")


def test_f1_is_the_harmonic_mean_of_precision_and_recall() -> None:
    kept = np.array([True, True, True, False, False])
    wanted = np.array([True, False, True, True, False])
    assert f1(kept, wanted) == pytest.approx(2 / 3)
    assert f1(~kept & kept, ~kept & kept) == 1.0
    scores = np.array([0.9, 0.8, 0.2, 0.1], np.float32)
    found, threshold = best_f1(scores, np.array([True, True, False, False]))
    assert found == 1.0
    assert 0.19 < threshold < 0.81


def test_an_interval_is_wilsons() -> None:
    found = share(np.array([True] * 9 + [False]))
    assert (found.value, found.low, found.high) == pytest.approx((0.9, 0.5958, 0.9821), abs=1e-4)


def test_a_bootstrap_of_equal_passages_has_no_width() -> None:
    kept, wanted = np.array([True, True, False]), np.array([True, False, False])
    found = bootstrap_f1([kept] * 20, [wanted] * 20)
    assert (found.value, found.low, found.high) == pytest.approx((2 / 3, 2 / 3, 2 / 3))


def test_an_answer_is_looked_for_as_squad_does() -> None:
    question = squad.Question(
        "q", "c", "?", ("The Big  Bank",), (squad.normalised("The Big Bank"),)
    )
    data = squad.Squad({"c": ""}, [question])
    assert squad.held(data, {"c": "a big bank!"}).normal.tolist() == [True]
    assert squad.held(data, {"c": "big banks"}).normal.tolist() == [False]
    assert squad.held_by_question(data, {"q": "a big bank!"}).literal.tolist() == [False]


@pytest.mark.parametrize("method", [at_random, by_rules, by_scores, by_choice])
def test_every_method_is_judged_at_the_same_share_of_words(method: type[object]) -> None:
    text = Text.of(TEXT, np.linspace(0, 1, len(LABELS)).tolist())
    assert sum(method(text, 0.7)) == 9  # type: ignore[call-arg, call-overload]


def test_whole_sentences_are_within_the_share_too() -> None:
    text = Text.of("One is here. The disk is full now. Two is there.", [0.5] * 11)
    assert text.shown(by_sentences(text, 0.5, "which disk is full")) == "The disk is full now."


def test_steps_of_the_recipe_use_only_what_earlier_ones_leave(tmp_path: Path) -> None:
    fit, average = steps(Path("data"), tmp_path, 1)
    assert fit.result == tmp_path / "epoch-4.safetensors"
    used = [a for a in average.arguments if a.endswith(".safetensors")]
    assert used == [str(tmp_path / f"epoch-{i}.safetensors") for i in (2, 3, 4)] + [
        str(average.result)
    ]


def test_a_quick_run_has_the_same_steps_with_fewer_passages(tmp_path: Path) -> None:
    whole, quick = (steps(Path("data"), tmp_path, 1, quick=quick) for quick in (False, True))
    assert [step.result for step in quick] == [step.result for step in whole]
    assert quick[0].arguments == (*whole[0].arguments, "--passages", "48")
    assert quick[1:] == whole[1:]


def test_a_quick_run_never_takes_the_place_of_what_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = ["--fp16", str(recipe.WEIGHTS)]
    monkeypatch.setattr(
        "sys.argv", ["recipe", "--data", ".", "--out", str(tmp_path), *shipped, "--quick"]
    )
    with pytest.raises(SystemExit):
        recipe.main()
    assert "must not take the place" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
