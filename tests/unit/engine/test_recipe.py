from dataclasses import fields, replace

import pytest

from furler_engine.recipe import ENGINE_VERSION, recipe
from furler_engine.types import Fidelity, Hints, Kind, Level, Policy

CHANGES = {
    "fidelity": Fidelity.LOSSLESS,
    "target_tokens": 9,
    "min_tokens": 9,
    "tokenizer": "cl100k_base",
    "disabled": frozenset({"log"}),
    "levels": ((Kind.LOG, Level.TIGHT),),
    "tools": (("bash", Level.TIGHT),),
    "model": "kompress/1",
}
WITH_A_MODEL = {"keep": 0.5}
CHANGES_NOTHING = {"retention_seconds", "allow_model"}
"""What a policy keeps a view for, and whether ``model`` is filled in."""


def test_a_recipe_carries_the_engines_version() -> None:
    assert recipe(Policy(), Hints()).startswith(f"{ENGINE_VERSION}/")


def test_every_field_that_may_change_a_byte_changes_the_recipe() -> None:
    assert {field.name for field in fields(Policy)} == {*CHANGES, *WITH_A_MODEL, *CHANGES_NOTHING}
    changed = [replace(Policy(), **{name: value}) for name, value in CHANGES.items()]  # type: ignore[arg-type]
    recipes = {recipe(policy, Hints()) for policy in (Policy(), *changed)}
    assert len(recipes) == 1 + len(CHANGES)


def test_what_only_a_model_heeds_is_in_the_recipe_only_with_one() -> None:
    with_model = Policy(model="kompress/1")
    for name, value in WITH_A_MODEL.items():
        assert recipe(replace(Policy(), **{name: value}), Hints()) == recipe(Policy(), Hints())  # type: ignore[arg-type]
        assert recipe(replace(with_model, **{name: value}), Hints()) != recipe(with_model, Hints())  # type: ignore[arg-type]
    assert recipe(Policy(model="kompress/2"), Hints()) != recipe(with_model, Hints())


@pytest.mark.parametrize("name", [field.name for field in fields(Hints)])
def test_every_hint_changes_the_recipe(name: str) -> None:
    hints = Hints(kind=Kind.LOG) if name == "kind" else replace(Hints(), **{name: "x"})  # type: ignore[arg-type]
    assert recipe(Policy(), hints) != recipe(Policy(), Hints())


def test_retention_is_no_part_of_the_recipe() -> None:
    assert recipe(Policy(retention_seconds=9), Hints()) == recipe(Policy(), Hints())


def test_the_order_of_sets_and_levels_is_no_part_of_the_recipe() -> None:
    one = Policy(
        disabled=frozenset({"a", "b", "c"}),
        levels=((Kind.LOG, Level.OFF), (Kind.CODE, Level.TIGHT)),
    )
    two = Policy(
        disabled=frozenset({"c", "b", "a"}),
        levels=((Kind.CODE, Level.TIGHT), (Kind.LOG, Level.OFF)),
    )
    assert recipe(one, Hints()) == recipe(two, Hints())


def test_of_two_levels_for_a_kind_the_last_is_in_force_and_in_the_recipe() -> None:
    off_last = Policy(levels=((Kind.LOG, Level.TIGHT), (Kind.LOG, Level.OFF)))
    tight_last = Policy(levels=((Kind.LOG, Level.OFF), (Kind.LOG, Level.TIGHT)))
    assert off_last.level(Kind.LOG) is Level.OFF
    assert recipe(off_last, Hints()) != recipe(tight_last, Hints())
    assert recipe(off_last, Hints()) == recipe(Policy(levels=((Kind.LOG, Level.OFF),)), Hints())
