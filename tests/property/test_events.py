"""Server-sent events: whatever the stream, the view gives every line back."""

import json

from hypothesis import given
from hypothesis import strategies as st

from furler_engine.compressors import events
from furler_engine.coverage import check
from furler_engine.types import Policy, Source

TEXTS = st.sampled_from(
    ["", "a", " b|", "|¦│‖⁞", '"', "\\", "é\n", "12", "‹", "values split by |: x"]
)
VALUES = st.one_of(TEXTS, st.integers(-3, 9), st.booleans(), st.none(), st.floats(0, 1))
DATA = st.builds(
    lambda a, b: json.dumps({"a": a, "b:": {"c": b}}, ensure_ascii=False), VALUES, VALUES
)
FIELDS = st.one_of(
    DATA.map("data: {}".format), DATA.map("data: {}".format), st.integers(0, 9).map("id: {}".format),
    st.sampled_from(["event: x", ": 5", "data: [DONE]", 'data: {"a": "', "data: 7 of 9", "noise"]),
)  # fmt: skip
EVENT = st.lists(FIELDS, min_size=1, max_size=3).map(lambda lines: [*lines, ""])
RUNS = st.lists(st.tuples(DATA, st.integers(3, 9)), max_size=3).map(
    lambda runs: [line for data, n in runs for _ in range(n) for line in (f"data: {data}", "")]
)
STREAMS = st.lists(st.one_of(EVENT, EVENT, RUNS, st.just([""])), max_size=15)


@given(STREAMS, st.sampled_from(["\n", "\n", "\r\n"]), st.booleans())
def test_a_stream_is_read_back(parts: list[list[str]], end: str, close: bool) -> None:  # noqa: FBT001
    lines = [
        "data: 1",
        "",
        "data: 2",
        "",
        "data: 3",
        "",
        *(line for part in parts for line in part),
    ]
    source = Source(end.join(filter(None, lines) if close else lines))
    draft = events.plan(source, Policy())
    if draft is not None:
        check(source, draft)
