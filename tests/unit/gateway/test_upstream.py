"""Behind the client's face a turn's edits name no elisions; all else arrives as the compressor gave it."""

from __future__ import annotations

import pytest

from furler.backends.base import COMPRESS, COMPRESS_CONVERSATION
from furler.v1 import compression_pb2 as compression
from furler.v1 import compressor_service_pb2 as compressor
from furler.v1 import conversation_pb2 as conversation
from furler_gateway.upstream import BriefBackend
from support.fake_backend import FakeBackend, in_turn

pytestmark = pytest.mark.anyio


def view(*markers: str) -> compression.View:
    elisions = [compression.Elision(marker=marker) for marker in markers]
    return compression.View(ref="r", compressors=["json_rows"], elisions=elisions)


def turn(*markers: str) -> compressor.CompressConversationResponse:
    edits = [
        conversation.Edit(offset=at, replacement=b'"x"', view=view(*markers)) for at in range(2)
    ]
    return compressor.CompressConversationResponse(edits=edits, recipe="recipe")


async def test_a_turns_edits_are_whole_but_for_their_elisions() -> None:
    brief = BriefBackend(FakeBackend({"CompressConversation": in_turn(turn("L1", "L3-9"))}))
    asked = compressor.CompressConversationRequest()
    assert await brief.unary(COMPRESS_CONVERSATION, asked, 1.0) == turn()


async def test_a_views_elisions_stay() -> None:
    given = compressor.CompressResponse(view=view("L1", "L3-9"))
    brief = BriefBackend(FakeBackend({"Compress": in_turn(given)}))
    got = await brief.unary(COMPRESS, compressor.CompressRequest(), 1.0)
    assert [elision.marker for elision in got.view.elisions] == ["L1", "L3-9"]
