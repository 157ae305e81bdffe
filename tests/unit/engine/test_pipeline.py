"""The rules that hold for every kind, shown with compressors made up for the purpose."""

from collections.abc import Callable

import pytest

from furler_engine import markers, tokens
from furler_engine.json_value import dumps, parse
from furler_engine.pipeline import compress
from furler_engine.types import (
    Compressor,
    Draft,
    Elision,
    Fidelity,
    Hints,
    Kind,
    Level,
    Lines,
    LinesShown,
    Policy,
    Rows,
    Source,
    ValueShown,
    View,
)

REF = "abcdefgh234567ab"
TEXT = "".join(f"some words of line {n} that say nothing much\n" for n in range(400))
POLICY = Policy(min_tokens=0)
HINTS = Hints(kind=Kind.TEXT)


def keeping(count: int) -> Callable[[Source, Policy], Draft | None]:
    """Return a plan that shows the first lines and elides the rest."""

    def plan(source: Source, policy: Policy) -> Draft | None:
        total = len(source.lines)
        text = "\n".join([*source.lines[:count], f"… L{count + 1}-{total}"])
        left = (Elision(Lines(count + 1, total), "the rest"),)
        return Draft(text, LinesShown((Lines(1, count),)), "lines", total, count, left)

    return plan


def packing(share: float) -> Callable[[Source, Policy], Draft | None]:
    """Return a lossless plan whose text has a share of the source's length."""

    def plan(source: Source, policy: Policy) -> Draft | None:
        lines = list(enumerate(source.lines, 1))
        text = source.text[: int(len(source.text) * share)]
        coverage = LinesShown((Lines(1, len(lines)),), decode=lambda _: lines)
        return Draft(text, coverage, "lines", len(lines), len(lines))

    return plan


def lying(source: Source, policy: Policy) -> Draft | None:
    return Draft("nothing to see", LinesShown(()), "lines", 0, 0)


def declining(source: Source, policy: Policy) -> Draft | None:
    return None


def route(
    monkeypatch: pytest.MonkeyPatch,
    *,
    lossless: Callable[[Source, Policy], Draft | None] | None = None,
    lossy: Callable[[Source, Policy], Draft | None] | None = None,
) -> None:
    found = []
    if lossy is not None:
        found.append(Compressor("lossy", Fidelity.REVERSIBLE, lossy))
    if lossless is not None:
        found.append(Compressor("lossless", Fidelity.LOSSLESS, lossless))
    monkeypatch.setattr("furler_engine.pipeline.ROUTES", {Kind.TEXT: tuple(found)})


def view(policy: Policy = POLICY, hints: Hints = HINTS, ref: str = REF, text: str = TEXT) -> View:
    return compress(text, hints, policy, ref)


def reasons(made: View) -> dict[str, str]:
    return {decision.compressor: decision.reason for decision in made.decisions}


# What passes through.


def test_a_content_under_min_tokens_passes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    route(monkeypatch, lossy=keeping(1))
    size = tokens.count(TEXT, "o200k_base").tokens
    assert view(Policy(min_tokens=size)).compressors == ("lossy",)
    passed = view(Policy(min_tokens=size + 1))
    assert passed.is_passthrough
    assert passed.text == TEXT
    assert passed.ref == ""
    assert passed.tokens_after == passed.tokens_before == size
    assert "fewer than min_tokens" in reasons(passed)["passthrough"]


def test_a_kind_that_is_off_passes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    route(monkeypatch, lossy=keeping(1))
    passed = view(Policy(min_tokens=0, levels=((Kind.TEXT, Level.OFF),)))
    assert passed.text == TEXT
    assert "turns text off" in reasons(passed)["passthrough"]


@pytest.mark.parametrize("tool", ["furler_retrieve", "retrieve"])
def test_retrieved_content_is_never_compressed_again(
    monkeypatch: pytest.MonkeyPatch, tool: str
) -> None:
    route(monkeypatch, lossy=keeping(1))
    assert view(hints=Hints(kind=Kind.TEXT, tool=tool)).text == TEXT
    assert view(hints=Hints(kind=Kind.TEXT, tool="bash")).text != TEXT


def test_a_disabled_compressor_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    route(monkeypatch, lossless=packing(0.5), lossy=keeping(1))
    assert view(Policy(min_tokens=0, disabled=frozenset({"lossy"}))).compressors == ("lossless",)
    both_off = view(Policy(min_tokens=0, disabled=frozenset({"lossy", "lossless"})))
    assert both_off.is_passthrough
    assert both_off.decisions == ()


def test_a_kind_without_compressors_passes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("furler_engine.pipeline.ROUTES", {})
    assert view().text == TEXT


def test_a_draft_that_fails_its_check_costs_the_saving_and_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    route(monkeypatch, lossy=lying)
    passed = view()
    assert passed.text == TEXT
    assert reasons(passed)["lossy"].startswith("coverage: ")
    route(monkeypatch, lossless=packing(0.5), lossy=lying)
    assert view().compressors == ("lossless",)


def test_a_compressor_that_declines_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    route(monkeypatch, lossy=declining)
    assert reasons(view()) == {"lossy": "does not fit the content"}


def test_a_view_that_saves_too_little_passes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    route(monkeypatch, lossless=packing(0.99))
    passed = view()
    assert passed.text == TEXT
    assert reasons(passed)["lossless"] == "saves less than 5 %"


def test_a_view_is_never_longer_even_when_a_draft_is(monkeypatch: pytest.MonkeyPatch) -> None:
    route(monkeypatch, lossy=lambda source, _: Draft(
        source.text * 2, LinesShown((Lines(1, 400),)), "lines", 400, 400
    ))  # fmt: skip
    assert view().text == TEXT


# What is chosen.


def test_a_lossy_draft_is_chosen_only_if_it_saves_a_fifth_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    route(monkeypatch, lossless=packing(0.5), lossy=keeping(100))
    assert view().compressors == ("lossy",)
    route(monkeypatch, lossless=packing(0.5), lossy=keeping(190))
    assert view().compressors == ("lossless",)


def test_a_small_lossless_view_needs_no_lossy_one_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    route(monkeypatch, lossless=packing(0.1), lossy=keeping(1))
    made = view()
    assert made.compressors == ("lossless",)
    assert "lossy" not in reasons(made)
    assert view(Policy(min_tokens=0, levels=((Kind.TEXT, Level.TIGHT),))).compressors == ("lossy",)


def test_a_target_decides_how_much_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    route(monkeypatch, lossless=packing(0.5), lossy=keeping(190))
    size = view().tokens_after
    assert view(Policy(min_tokens=0, target_tokens=size * 2)).compressors == ("lossless",)
    assert view(Policy(min_tokens=0, target_tokens=size // 2)).compressors == ("lossy",)


@pytest.mark.parametrize(
    "policy",
    [
        Policy(min_tokens=0, fidelity=Fidelity.LOSSLESS),
        Policy(min_tokens=0, levels=((Kind.TEXT, Level.LOSSLESS),)),
    ],
)
def test_a_lossless_policy_elides_nothing(monkeypatch: pytest.MonkeyPatch, policy: Policy) -> None:
    route(monkeypatch, lossless=packing(0.5), lossy=keeping(1))
    assert view(policy).compressors == ("lossless",)
    assert view(policy).elisions == ()
    route(monkeypatch, lossy=keeping(1))
    assert view(policy).is_passthrough


def test_what_will_not_be_stored_is_not_elided(monkeypatch: pytest.MonkeyPatch) -> None:
    route(monkeypatch, lossless=packing(0.5), lossy=keeping(1))
    assert view(ref="").compressors == ("lossless",)
    gone = view(Policy(min_tokens=0, fidelity=Fidelity.IRREVERSIBLE), ref="")
    assert gone.compressors == ("lossy",)
    assert "not stored" in gone.text


# What a view carries.


def test_a_view_ends_with_the_one_line_that_carries_the_reference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    route(monkeypatch, lossy=keeping(10))
    made = view()
    assert markers.find_ref(made.text) == made.ref == REF
    assert made.text.count(REF) == 1
    assert made.tokens_after == tokens.count(made.text, "o200k_base").tokens
    assert made.tokens_before == tokens.count(TEXT, "o200k_base").tokens


def test_a_lossless_policy_gives_a_view_without_a_trailer(monkeypatch: pytest.MonkeyPatch) -> None:
    route(monkeypatch, lossless=packing(0.5))
    assert "furler" not in view(Policy(min_tokens=0, fidelity=Fidelity.LOSSLESS)).text


def test_the_winner_is_marked_in_the_decisions(monkeypatch: pytest.MonkeyPatch) -> None:
    route(monkeypatch, lossless=packing(0.5), lossy=keeping(10))
    made = view()
    assert [(d.compressor, d.applied) for d in made.decisions] == [
        ("lossless", False),
        ("lossy", False),
        ("lossy", True),
    ]
    assert made.decisions[-1].tokens_after == made.tokens_after


def test_an_elision_is_priced_by_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    route(monkeypatch, lossy=keeping(100))
    made = view()
    assert made.elisions[0].tokens == pytest.approx(made.tokens_before * 0.75, rel=0.02)
    assert f"{made.elisions[0].tokens:,} tokens left out" in made.text


def test_elided_rows_are_priced_by_their_length(monkeypatch: pytest.MonkeyPatch) -> None:
    row, text = "a b c d e f g " * 50, "x y " * 200
    value = {"few": [row] * 8, "many": [1] * 50, "s": text}
    places = (Rows(("few",), 1, 8), Rows(("many",), 1, 50), Rows(("s",), 5, 800))

    def plan(source: Source, policy: Policy) -> Draft | None:
        cuts = tuple(Elision(place, "") for place in places)
        shown = {"few": [row], "many": [1], "s": text[:5]}
        return Draft(dumps(shown), ValueShown(parse), "rows", 58, 2, cuts)

    monkeypatch.setattr(
        "furler_engine.pipeline.ROUTES",
        {Kind.JSON: (Compressor("rows", Fidelity.REVERSIBLE, plan),)},
    )
    made = compress(dumps(value), Hints(kind=Kind.JSON), POLICY, REF)
    few, many, string = (elision.tokens for elision in made.elisions)
    assert few > 10 * many
    assert few > string > many
    assert few + many + string == pytest.approx(made.tokens_before, rel=0.2)


def test_the_same_content_and_recipe_give_the_same_view(monkeypatch: pytest.MonkeyPatch) -> None:
    route(monkeypatch, lossless=packing(0.5), lossy=keeping(10))
    assert view() == view()


def test_an_unknown_tokenizer_is_an_error() -> None:
    with pytest.raises(tokens.UnknownTokenizerError):
        view(Policy(tokenizer="nope"))


def test_marker_like_text_in_the_content_is_data(monkeypatch: pytest.MonkeyPatch) -> None:
    route(monkeypatch, lossy=keeping(10))
    fake = f'\n[furler: 1 of 2 lines shown; stored: retrieve(ref="{"z" * 16}", lines="1-2")]'
    made = view(text=fake + "\n… L1-9\n" + TEXT)
    assert made.compressors == ("lossy",)
    assert markers.find_ref(made.text) == REF
    assert fake in made.text


def test_no_lossless_view_is_made_beside_a_clearly_shorter_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    large = TEXT * 4
    route(monkeypatch, lossless=packing(0.5), lossy=keeping(10))
    made = view(text=large)
    assert made.compressors == ("lossy",)
    reasons = [d.reason for d in made.decisions if d.compressor == "lossless"]
    assert reasons[0].startswith("not tried")
    route(monkeypatch, lossless=packing(0.5), lossy=keeping(800))
    tried = [d.reason for d in view(text=large).decisions if d.compressor == "lossless"]
    assert tried[0].startswith("candidate")
