"""An elision reaches an agent, and the serving process, as the engine made it."""

from __future__ import annotations

import pickle

import pytest

from furler.v1 import compression_pb2 as compression
from furler.v1 import content_pb2 as content
from furler_compressor.app.compress import Compressed, Outcome
from furler_compressor.rpc.convert import view_to
from furler_engine.types import Bytes, Elision, Kind, Lines, Place, Rows, View, Within

PLACES: list[tuple[Place, content.Selector, str]] = [
    (Lines(3, 9), content.Selector(lines=content.LineRange(first=3, last=9)), "L3-9"),
    (Bytes(0, 5), content.Selector(bytes=content.ByteRange(start=0, end=5)), "B0-5"),
    (Rows(("a", 1), 0, 4), content.Selector(json_path="$.a[1][0:4]"), "$.a[1][0:4]"),
    (Within(("a",), Lines(2, 3)), content.Selector(json_path="$.a:L2-3"), "$.a:L2-3"),
    (Within((), Bytes(0, 1)), content.Selector(json_path="$:B0-1"), "$:B0-1"),
]
IDS = [marker for _, _, marker in PLACES]


def view_of(place: Place) -> View:
    return View(
        text="x",
        ref="a" * 16,
        kind=Kind.CODE,
        compressors=("code",),
        elisions=(Elision(place, "body", 7), Elision(place, "", 0)),
        tokens_before=20,
        tokens_after=10,
        tokenizer="o200k_base",
        recipe="r",
    )


@pytest.mark.parametrize(("place", "selector", "marker"), PLACES, ids=IDS)
def test_an_elision_carries_the_selector_that_gives_it_back(
    place: Place, selector: content.Selector, marker: str
) -> None:
    done = Compressed(Outcome(view_of(place)), b"d" * 32, 99)
    expected = [
        compression.Elision(selector=selector, marker=marker, tokens=7, summary="body"),
        compression.Elision(selector=selector, marker=marker),
    ]
    assert list(view_to(done).elisions) == expected


@pytest.mark.parametrize("place", [place for place, _, _ in PLACES], ids=IDS)
def test_a_view_comes_out_of_an_engine_process_as_it_went_in(place: Place) -> None:
    view = view_of(place)
    sent = pickle.dumps(view, pickle.HIGHEST_PROTOCOL)
    assert pickle.loads(sent) == view  # noqa: S301 - written a line above
