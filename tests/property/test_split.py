"""Mixed content of any shape: what a view leaves out comes back by its printed selector."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from furler_engine.markers import format_place
from furler_engine.pipeline import compress
from furler_engine.select import select
from furler_engine.types import Bytes, Hints, JsonPath, Lines, Policy, Within

LINES = st.sampled_from([
    "2026-11-20 10:00:01 INFO worker started", '2026-11-20 10:00:02 ERROR "disk" full \\ é 漢', "", "# Head", "plain words here",
    "src/a.py:12:    return 1", "<p>text</p>", "\t- tab", "$ ls", "```", "\r", "a\x0bb", "… L3-4", "😀 smile",
])  # fmt: skip
TEXTS = st.lists(LINES, min_size=3, max_size=12).map(lambda lines: "\n".join(lines * 25))


@given(one=TEXTS, two=TEXTS, ascii_only=st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_a_text_in_a_string_leaves_out_comes_back(
    *, one: str, two: str, ascii_only: bool
) -> None:
    value = {"code": 1, "out": [one, {"a.b": two}]}
    text = json.dumps(value, ensure_ascii=ascii_only)
    view = compress(text, Hints(), Policy(), "a" * 16)
    assert not any("coverage" in decision.reason for decision in view.decisions)
    data = text.encode()
    for elision in view.elisions:
        if not isinstance(elision.place, Within):
            continue
        string = one if elision.place.path == ("out", 0) else two
        raw = "".join(
            data[a:b].decode() for a, b in select(text, JsonPath(format_place(elision.place)))
        )
        match elision.place.place:
            case Lines(first, last):
                wanted = "\n".join(string.split("\n")[first - 1 : last])
            case Bytes(start, end):
                wanted = string.encode()[start:end].decode()
        assert json.loads(f'"{raw}"') in (wanted, f"{wanted}\n")


@given(TEXTS, TEXTS)
@settings(max_examples=40, deadline=None)
def test_transcripts_and_fences_are_proved(one: str, two: str) -> None:
    for text in (
        f"$ cat one\n{one}\n$ cat two\n{two}\n",
        f"# Notes\n\n```\n{one}\n```\n\n```json\n{two}\n```\n",
    ):
        view = compress(text, Hints(), Policy(), "a" * 16)
        assert not any("coverage" in decision.reason for decision in view.decisions)
