"""AsyncFurler: what it asks a backend, and what it makes of the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import pytest
from google.protobuf.message import Message

from furler import (
    AsyncFurler,
    ContentCorruptError,
    ContentNotTextError,
    Digest,
    FieldInvalidError,
    FurlerError,
    Item,
    ServerError,
    UnavailableError,
    View,
)
from furler.v1 import compression_pb2, compressor_service_pb2, content_pb2, content_service_pb2
from furler.v1.error_reason_pb2 import ERROR_REASON_CONTENT_TOO_LARGE, ItemError
from furler.v1.info_service_pb2 import GetCapabilitiesResponse
from support.fake_backend import FakeBackend, Outcome, in_turn

_T = TypeVar("_T")
REF = "mfzwi3lborqxg5bo"


def run(work: Coroutine[object, object, _T]) -> _T:
    return asyncio.run(work)


def _echo_batch(message: Message) -> Outcome:
    """Give each content back as its view; one that begins with ``bad`` fails."""
    assert isinstance(message, compressor_service_pb2.BatchCompressRequest)
    response = compressor_service_pb2.BatchCompressResponse()
    for each in message.contents:
        text = each.inline.decode()
        if text.startswith("bad"):
            response.results.add(
                error=ItemError(code=3, reason=ERROR_REASON_CONTENT_TOO_LARGE, message=text)
            )
        else:
            response.results.add(view=compression_pb2.View(text=text))
    return response


def test_compress_sends_the_content_with_all_hints() -> None:
    fake = FakeBackend()
    furler = AsyncFurler(fake, agent="planner")
    run(
        furler.compress(
            "grün",
            kind="log",
            query="why",
            tool="bash",
            filename="a.log",
            policy={"target_tokens": 9},
            space="team",
        )
    )
    expected = compressor_service_pb2.CompressRequest(
        space="team",
        content=content_pb2.Content(
            inline="grün".encode(),
            hints=content_pb2.Hints(
                kind=content_pb2.CONTENT_KIND_LOG,
                query="why",
                tool_name="bash",
                filename="a.log",
                agent="planner",
            ),
        ),
        policy=compression_pb2.Policy(target_tokens=9),
    )
    assert fake.calls == [("Compress", expected)]


def test_large_content_goes_in_chunks_and_its_view_comes_in_chunks() -> None:
    view = "ein größerer Text".encode()
    answers: list[Outcome] = [
        compressor_service_pb2.StreamCompressResponse(chunk=view[:7]),  # cuts the ö
        compressor_service_pb2.StreamCompressResponse(chunk=view[7:]),
        compressor_service_pb2.StreamCompressResponse(summary=compression_pb2.View(ref=REF)),
    ]
    fake = FakeBackend({"StreamCompress": in_turn(answers)}, stream_above=1000)
    content = "line\n" * 100_000
    got = run(AsyncFurler(fake).compress(content, space="team"))
    sent = [
        request
        for request in fake.requests("StreamCompress")
        if isinstance(request, compressor_service_pb2.StreamCompressRequest)
    ]
    assert got.text.encode() == view
    assert got.ref == REF
    assert [request.WhichOneof("part") for request in sent] == ["header", "chunk", "chunk"]
    assert b"".join(request.chunk for request in sent) == content.encode()
    assert sent[0].header.space == "team"
    assert sent[0].header.expected.sha256.hex() == Digest.of(content).sha256


def test_a_stream_without_a_summary_is_an_error_not_a_view() -> None:
    answers: list[Outcome] = [compressor_service_pb2.StreamCompressResponse(chunk=b"x")]
    fake = FakeBackend({"StreamCompress": in_turn(answers)}, stream_above=1)
    with pytest.raises(ServerError):
        run(AsyncFurler(fake).compress("xx"))


def test_a_wrong_call_is_refused_before_anything_is_sent() -> None:
    fake = FakeBackend()
    furler = AsyncFurler(fake)
    with pytest.raises(ContentNotTextError):
        run(furler.compress(b"\xff"))
    with pytest.raises(FieldInvalidError, match=r"kind: 'loog' is not one of json, .*'log'"):
        run(furler.compress("x", kind="loog"))
    with pytest.raises(FieldInvalidError, match="ref: is empty"):
        run(furler.retrieve(""))
    with pytest.raises(FieldInvalidError, match="max_tokens: want 1 or more"):
        run(furler.retrieve(REF, max_tokens=0))
    assert fake.calls == []


def test_many_contents_succeed_and_fail_alone_in_order() -> None:
    fake = FakeBackend(
        {
            "GetCapabilities": in_turn(GetCapabilitiesResponse(max_batch_items=2)),
            "BatchCompress": _echo_batch,
        },
    )
    contents: list[str | bytes | Item] = ["a", b"\xff", Item("b", kind="log"), "bad", "c", "d"]
    outcomes = run(AsyncFurler(fake).compress_many(contents))
    described = [each.text if isinstance(each, View) else each.reason for each in outcomes]
    assert described == ["a", "CONTENT_NOT_TEXT", "b", "CONTENT_TOO_LARGE", "c", "d"]
    assert len(fake.requests("BatchCompress")) == 3
    first = fake.requests("BatchCompress")[0]
    assert isinstance(first, compressor_service_pb2.BatchCompressRequest)
    assert first.contents[1].hints.kind == content_pb2.CONTENT_KIND_LOG


def test_a_batch_stays_below_the_size_of_a_message() -> None:
    fake = FakeBackend(
        {
            "GetCapabilities": in_turn(GetCapabilitiesResponse(max_batch_items=100)),
            "BatchCompress": _echo_batch,
            "StreamCompress": in_turn(UnavailableError("gone")),
        },
        stream_above=10,
    )
    contents = ["a" * 6, "b" * 4, "c", "large" * 3, "d" * 10]
    outcomes = run(AsyncFurler(fake).compress_many(contents))
    sizes = [
        [len(each.inline) for each in request.contents]
        for request in fake.requests("BatchCompress")
        if isinstance(request, compressor_service_pb2.BatchCompressRequest)
    ]
    assert sizes == [[6, 4], [1], [10]]
    assert [isinstance(each, FurlerError) for each in outcomes] == [False] * 3 + [True, False]


def test_no_contents_need_no_call() -> None:
    fake = FakeBackend()
    assert run(AsyncFurler(fake).compress_many([])) == []
    assert fake.calls == []


def test_a_batch_with_too_few_results_is_an_error() -> None:
    fake = FakeBackend(
        {"GetCapabilities": in_turn(GetCapabilitiesResponse(max_batch_items=5))},
    )
    with pytest.raises(ServerError):
        run(AsyncFurler(fake).compress_many(["a", "b"]))


def test_retrieve_asks_for_one_part_and_page() -> None:
    fake = FakeBackend()
    run(AsyncFurler(fake).retrieve(REF, lines="3-9", max_tokens=50, page="p2", space="team"))
    expected = content_service_pb2.RetrieveRequest(
        space="team",
        ref=REF,
        selector=content_pb2.Selector(lines=content_pb2.LineRange(first=3, last=9)),
        max_tokens=50,
        page_token="p2",  # noqa: S106 - a page, not a secret
    )
    assert fake.calls == [("Retrieve", expected)]


async def _read_all(furler: AsyncFurler, offset: int = 0) -> bytes:
    return b"".join([chunk async for chunk in furler.read(REF, offset=offset)])


def _chunks(whole: bytes, *parts: bytes) -> list[Outcome]:
    """Return the messages of a download; the first carries the digest."""
    digest = content_pb2.Digest(sha256=bytes.fromhex(Digest.of(whole).sha256))
    messages: list[Outcome] = []
    for part in parts:
        original = digest if not messages else None
        messages.append(content_service_pb2.ReadContentResponse(chunk=part, original=original))
    return messages


def test_a_download_that_breaks_goes_on_where_it_broke() -> None:
    broken = [*_chunks(b"abcdef", b"ab"), UnavailableError("gone")]
    rest = _chunks(b"abcdef", b"cd", b"ef")
    fake = FakeBackend({"ReadContent": in_turn(broken, rest)})
    assert run(_read_all(AsyncFurler(fake))) == b"abcdef"
    offsets = [
        request.offset
        for request in fake.requests("ReadContent")
        if isinstance(request, content_service_pb2.ReadContentRequest)
    ]
    assert offsets == [0, 2]


def test_a_download_that_gets_no_further_is_given_up() -> None:
    broken = [*_chunks(b"abcdef", b"ab"), UnavailableError("gone")]
    fake = FakeBackend({"ReadContent": in_turn(broken, UnavailableError("still gone"))})
    with pytest.raises(UnavailableError, match="still gone"):
        run(_read_all(AsyncFurler(fake)))


def test_downloaded_bytes_that_are_not_the_original_are_an_error() -> None:
    fake = FakeBackend({"ReadContent": in_turn(_chunks(b"abcdef", b"abc", b"xyz"))})
    with pytest.raises(ContentCorruptError):
        run(_read_all(AsyncFurler(fake)))


def test_a_download_from_the_middle_is_not_held_against_the_whole_digest() -> None:
    fake = FakeBackend({"ReadContent": in_turn(_chunks(b"abcdef", b"def"))})
    assert run(_read_all(AsyncFurler(fake), offset=3)) == b"def"


def test_digests_are_looked_for_in_batches() -> None:
    def all_missing(message: Message) -> Outcome:
        assert isinstance(message, content_service_pb2.FindMissingRequest)
        assert message.retention.seconds == 60
        return content_service_pb2.FindMissingResponse(missing=message.digests)

    fake = FakeBackend(
        {
            "GetCapabilities": in_turn(GetCapabilitiesResponse(max_batch_items=2)),
            "FindMissing": all_missing,
        }
    )
    digests = [Digest.of(str(n)) for n in range(5)]
    assert run(AsyncFurler(fake).find_missing(digests, retention=60)) == digests
    assert len(fake.requests("FindMissing")) == 3


def test_a_digest_that_is_none_is_refused() -> None:
    furler = AsyncFurler(
        FakeBackend({"GetCapabilities": in_turn(GetCapabilitiesResponse(max_batch_items=2))})
    )
    with pytest.raises(FieldInvalidError):
        run(furler.find_missing([Digest("not hexadecimal", 3)]))


def test_the_context_manager_opens_and_closes() -> None:
    fake = FakeBackend()

    async def use() -> None:
        async with AsyncFurler(fake) as furler:
            await furler.delete(REF)

    run(use())
    assert (fake.opened, fake.closed) == (1, 1)
    assert fake.calls == [
        ("DeleteContent", content_service_pb2.DeleteContentRequest(space="default", ref=REF))
    ]
