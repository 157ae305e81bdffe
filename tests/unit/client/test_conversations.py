"""compress_conversation in the client: the same embedded and connected, mistakes named."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from furler import AsyncFurler, Compaction, FieldInvalidError, Furler
from support import talk
from support.inputs import orders, service_log

STEPS = [
    talk.bash("curl orders", orders(120)),
    talk.read("a.py", talk.source(120)),
    talk.bash("journalctl", service_log(300)),
    talk.read("a.py", talk.source(120)),
]
BODY = talk.body(STEPS)


@pytest.fixture(scope="module")
def furler() -> Iterator[Furler]:
    with Furler.embedded("memory:") as client:
        yield client


def test_a_request_comes_back_shorter_and_whole(furler: Furler) -> None:
    done = furler.compress_conversation(BODY, "openai_chat")
    assert len(done.edits) == 3
    assert done.tokens_after < done.tokens_before / 3
    assert 0.6 < done.saved < 1
    assert done.degraded is None
    before, after = json.loads(BODY), json.loads(done.body)
    edited = {edit.pointer: edit.view.text for edit in done.edits}
    for index, (old, new) in enumerate(zip(before["messages"], after["messages"], strict=True)):
        assert new["content"] == edited.get(f"/messages/{index}/content", old["content"])
    assert done.frozen_bytes == len(BODY) - 2


def test_every_edit_can_be_retrieved(furler: Furler) -> None:
    originals = {step.result for step in STEPS}
    for edit in furler.compress_conversation(BODY, "openai_chat").edits:
        assert furler.retrieve(edit.view.ref).text in originals
        part = furler.retrieve(edit.view.ref, marker=edit.view.elisions[0].marker)
        assert part.data


def test_a_pointer_to_earlier_text_gives_the_lines_it_stands_for(furler: Furler) -> None:
    edit = furler.compress_conversation(BODY, "openai_chat").edits[-1]
    assert edit.view.compressors == ("reread",)
    part = furler.retrieve(edit.view.ref, marker=edit.view.elisions[0].marker)
    assert part.text == STEPS[3].result


def test_a_named_conversation_keeps_its_views(furler: Furler) -> None:
    shorter = talk.body(STEPS[:2])
    first = furler.compress_conversation(shorter, "openai_chat", conversation="c1")
    second = furler.compress_conversation(
        BODY, "openai_chat", conversation="c1", policy={"fidelity": "lossless"}, query="other"
    )
    cut = len(shorter) - 2 - (len(shorter) - len(first.body))
    assert second.body[:cut] == first.body[:cut]


def test_a_plan_for_an_epoch_comes_with_its_sum(furler: Furler) -> None:
    wish = Compaction(keep_last=1, expected_reads=50)
    done = furler.compress_conversation(BODY, "openai_chat", compaction=wish)
    assert done.compaction is not None
    assert [r.reason for r in done.compaction.retired] == ["asked again in message 10"]
    assert not done.compaction.applied
    same = furler.compress_conversation(
        BODY, "openai_chat", compaction={"keep_last": 1, "expected_reads": 50}
    )
    assert same.compaction == done.compaction


def test_volatile_text_is_reported(furler: Furler) -> None:
    body = talk.body(STEPS, system="It is 2026-03-14T09:26:53Z.")
    done = furler.compress_conversation(body, "openai_chat")
    assert [(v.pointer, v.form, v.start, v.end) for v in done.volatile] == [
        ("/messages/0/content", "timestamp", 6, 26)
    ]
    moved = furler.compress_conversation(body, "openai_chat", relocate_volatile=True)
    assert json.loads(moved.body)["messages"][0]["content"] == "It is <timestamp 1>."


@pytest.mark.parametrize(
    ("dialect", "compaction", "field"),
    [
        ("openai-chat", None, "dialect"),
        ("openai_chat", {"mode": "now"}, "compaction.mode"),
        ("openai_chat", {"reads": 3}, "compaction.reads"),
        ("openai_chat", {"alive": "x"}, "compaction.alive"),
        ("openai_chat", {"keep_last": 2**40}, "compaction.keep_last"),
        ("openai_chat", {"alive": 2}, "compaction.alive"),
        ("openai_chat", {"mode": "apply"}, "compaction.apply"),
        ("anthropic_messages", None, "body"),
    ],
)
def test_a_mistake_is_named(
    furler: Furler, dialect: str, compaction: dict[str, object] | None, field: str
) -> None:
    body = b'{"messages": 3}' if field == "body" else BODY
    with pytest.raises(FieldInvalidError) as caught:
        furler.compress_conversation(body, dialect, compaction=compaction)
    assert caught.value.metadata["field"] == field


def test_text_is_no_body(furler: Furler) -> None:
    with pytest.raises(FieldInvalidError):
        furler.compress_conversation("{}", "openai_chat")  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_the_asynchronous_client_gives_the_same(furler: Furler) -> None:
    async with AsyncFurler.embedded("memory:") as client:
        done = await client.compress_conversation(BODY, "openai_chat")
    assert done.body == furler.compress_conversation(BODY, "openai_chat").body
