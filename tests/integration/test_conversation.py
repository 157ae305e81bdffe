"""CompressConversation through a real server and in this process: the same bytes, whatever happens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from furler import FieldInvalidError, Furler
from furler_engine.dialects.block import Dialect
from support import talk, traces
from support.service import running_service

BODY = talk.body(traces.MADE)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_service() as service:
        yield service.address


@pytest.fixture
def modes(server: str, tmp_path: Path) -> Iterator[tuple[Furler, Furler]]:
    with Furler.connect(server) as connected, Furler.embedded(str(tmp_path)) as embedded:
        yield connected, embedded


@pytest.mark.parametrize("dialect", list(Dialect))
def test_both_modes_give_the_same_bytes(modes: tuple[Furler, Furler], dialect: Dialect) -> None:
    body = talk.body(traces.MADE, dialect)
    name = f"c {dialect}"
    connected, embedded = (
        furler.compress_conversation(body, str(dialect), conversation=name) for furler in modes
    )
    assert connected.body == embedded.body
    assert connected.edits == embedded.edits
    assert connected.saved > 0.5
    json.loads(connected.body)
    again = modes[0].compress_conversation(body, str(dialect), conversation=name)
    assert again.body == connected.body


def test_every_original_comes_back_from_the_server(modes: tuple[Furler, Furler]) -> None:
    done = modes[0].compress_conversation(BODY, "openai_chat")
    messages = json.loads(BODY)["messages"]
    for edit in done.edits:
        original = messages[int(edit.pointer.split("/")[2])]["content"]
        assert modes[0].retrieve(edit.view.ref).text == original


def test_a_mistake_is_the_same_mistake(modes: tuple[Furler, Furler]) -> None:
    for furler in modes:
        with pytest.raises(FieldInvalidError, match="the body has no messages"):
            furler.compress_conversation(b"{}", "openai_chat")


def test_a_large_conversation_goes_through(modes: tuple[Furler, Furler]) -> None:
    steps = [talk.bash(f"cat {n}", talk.source(4000, seed=n)) for n in range(40)]
    body = talk.body(steps)
    assert len(body) > 5_000_000
    done = modes[0].compress_conversation(body, "openai_chat")
    assert done.degraded is None
    assert len(json.loads(done.body)["messages"]) == len(json.loads(body)["messages"])
