"""What holds of any conversation: views are causal, edits are splices, pointers lead to text."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from furler_engine.causal import CAUSAL, Seen, Turn, fold
from furler_engine.dialects import read
from furler_engine.dialects.block import Dialect
from furler_engine.dialects.json_scan import encode
from furler_engine.types import Lines, Policy, Source
from support import talk
from support.inputs import orders, service_log

FILES = [talk.source(60, seed=seed) for seed in range(3)]
PARTS = [
    *FILES,
    *(talk.numbered(text) for text in FILES),
    FILES[0].replace("value_7", "other_7"),
    service_log(60),
    orders(30),
    "\n".join(["same"] * 40),
    "x" * 500,
    "",
    "\n\n\n\n\n\n\n\n",
    "é\u2028\x00\\u0041\r\n" * 30,
]
results = st.lists(st.sampled_from(PARTS), min_size=1, max_size=3).map("\n".join)
steps = st.builds(
    talk.Step,
    st.sampled_from(["bash", "read_file", "retrieve"]),
    st.dictionaries(st.sampled_from(["path", "command"]), st.sampled_from(["a.py", "b", PARTS[0]])),
    results,
    st.sampled_from(["", "Let me look.", FILES[1]]),
)
conversations = st.lists(steps, min_size=1, max_size=6)
dialects = st.sampled_from(list(Dialect))
policy = Policy(min_tokens=20)
quick = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def views(data: bytes, dialect: Dialect, turn: Turn | None = None) -> list[Seen]:
    return fold(read(data, dialect), turn or Turn(policy, lambda _: "abcdefgh234567ab"))


def spliced(data: bytes, seen: list[Seen]) -> bytes:
    out, at = [], 0
    for each in seen:
        if each.is_edited:
            out += [data[at : each.block.span.start], encode(each.view.text)]
            at = each.block.span.end
    return b"".join([*out, data[at:]])


@quick
@given(conversations, dialects)
def test_views_of_a_turn_are_a_prefix_of_those_of_the_next(
    conversation: list[talk.Step], dialect: Dialect
) -> None:
    before: list[Seen] = []
    pinned: list[Seen] = []
    for turns in range(1, len(conversation) + 1):
        data = talk.body(conversation[:turns], dialect)
        now = views(data, dialect)
        assert now[: len(before)] == before
        pins = {each.key: each.view for each in pinned}
        pinned = views(data, dialect, Turn(policy, lambda _: "abcdefgh234567ab", pins=pins))
        assert [each.view for each in pinned] == [each.view for each in now]
        before = now


@quick
@given(conversations, dialects)
def test_the_spliced_body_is_the_body_but_for_the_edits(
    conversation: list[talk.Step], dialect: Dialect
) -> None:
    data = talk.body(conversation, dialect)
    seen = views(data, dialect)
    after = read(spliced(data, seen), dialect)
    edited = {each.block.pointer: each.view.text for each in seen if each.is_edited}
    assert json.loads(after.data).keys() == json.loads(data).keys()
    for old, new in zip(read(data, dialect).blocks, after.blocks, strict=True):
        assert (old.role, old.pointer, old.call) == (new.role, new.pointer, new.call)
        text = edited.get(old.pointer, read(data, dialect).text(old))
        assert after.text(new) == text


@quick
@given(conversations, dialects)
def test_every_pointer_leads_to_lines_that_stand_in_the_forwarded_body(
    conversation: list[talk.Step], dialect: Dialect
) -> None:
    data = talk.body(conversation, dialect)
    seen = views(data, dialect)
    after = read(spliced(data, seen), dialect)
    forwarded = ""
    by_pointer = {each.block.pointer: each for each in seen}
    original = read(data, dialect)
    for block in after.blocks:
        each = by_pointer.get(block.pointer)
        if each is not None and each.view.compressors and each.view.compressors[0] in CAUSAL:
            lines = Source(original.text(each.block) or "").lines
            shown = forwarded + "\n" + (after.text(block) or "")
            if "(re-encoded there)" in each.view.text:
                # The whole of an earlier block, whose view leaves nothing out.
                text = original.text(each.block)
                same = [o for o in seen if o.key != each.key and original.text(o.block) == text]
                assert any(o.view.compressors and not o.view.elisions for o in same)
                forwarded += "\n" + (after.text(block) or "")
                continue
            for elision in each.view.elisions:
                assert isinstance(elision.place, Lines)
                for line in lines[elision.place.first - 1 : elision.place.last]:
                    assert line.lstrip(" 0123456789:\t") in shown
        forwarded += "\n" + (after.text(block) or "")
