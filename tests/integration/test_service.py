"""The compressor as its clients meet it: a real process, real sockets."""

from __future__ import annotations

import hashlib
import itertools
import os
import signal
import threading
from collections.abc import Iterator

import grpc
import psutil
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from furler.v1 import (
    compression_pb2,
    compressor_service_pb2,
    content_pb2,
    content_service_pb2,
    info_service_pb2,
)
from support.inputs import orders, service_log
from support.service import Service, running_service
from support.waiting import eventually, runs

LOG = service_log(800)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service() as running:
        yield running


def details(error: grpc.RpcError) -> tuple[error_details_pb2.ErrorInfo, status_pb2.Status]:
    assert isinstance(error, grpc.Call)
    (packed,) = (v for k, v in error.trailing_metadata() if k == "grpc-status-details-bin")
    status = status_pb2.Status.FromString(packed)
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return info, status


def test_a_view_is_shorter_and_its_original_comes_back_exactly(service: Service) -> None:
    view = service.compress(LOG)
    assert view.tokens_after.tokens < view.tokens_before.tokens / 5
    assert "FATAL db pool exhausted" in view.text
    assert service.retrieve(view.ref).data.decode() == LOG
    assert view.original.sha256 == hashlib.sha256(LOG.encode()).digest()


def test_every_elision_of_a_view_resolves_to_the_originals_bytes(service: Service) -> None:
    view = service.compress(LOG)
    lines = LOG.splitlines(keepends=True)
    assert len(view.elisions) > 0
    for elision in view.elisions:
        wanted = elision.selector.lines
        expected = "".join(lines[wanted.first - 1 : wanted.last])
        assert service.retrieve(view.ref, elision.selector).data.decode() == expected


def test_two_services_give_the_same_bytes(service: Service) -> None:
    with running_service() as other:
        for text in (LOG, orders(200)):
            here, there = service.compress(text), other.compress(text)
            assert (here.text, here.ref, here.recipe) == (there.text, there.ref, there.recipe)
            assert list(here.elisions) == list(there.elisions)


def test_a_repeat_is_answered_from_the_cache_with_the_same_text(service: Service) -> None:
    text = orders(150)
    first, second = service.compress(text), service.compress(text)
    assert (first.cached, second.cached) == (False, True)
    assert (first.text, first.ref, first.recipe) == (second.text, second.ref, second.recipe)
    assert list(first.elisions) == list(second.elisions)


@pytest.mark.parametrize(
    ("content", "reason", "message"),
    [
        (b"fine so far \xff", "CONTENT_NOT_TEXT", "content: not UTF-8 text at byte 12"),
    ],
)
def test_bad_content_names_what_is_wrong(
    service: Service, content: bytes, reason: str, message: str
) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        service.compress(content)
    info, status = details(raised.value)
    assert (info.reason, info.domain) == (f"ERROR_REASON_{reason}", "furler.dev")
    assert status.message == message


def test_a_content_over_the_limit_is_refused_with_both_sizes() -> None:
    with running_service(max_content_bytes="1000") as small:
        with pytest.raises(grpc.RpcError) as raised:
            small.compress("x" * 1001)
        info, _ = details(raised.value)
        assert info.reason == "ERROR_REASON_CONTENT_TOO_LARGE"
        assert dict(info.metadata) == {"limit_bytes": "1000", "size_bytes": "1001"}


def test_an_unknown_tokenizer_is_a_violation_of_its_field(service: Service) -> None:
    request = compressor_service_pb2.CompressRequest(
        content=content_pb2.Content(inline=b"x"), policy=compression_pb2.Policy(tokenizer="p50k")
    )
    with pytest.raises(grpc.RpcError) as raised:
        service.compressor.Compress(request)
    _, status = details(raised.value)
    bad = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(bad)
    assert bad.field_violations[0].field == "policy.tokenizer"


@pytest.mark.parametrize("ref", ["aaaaaaaaaaaaaaaa", "", "not a reference", "a" * 10_000])
def test_a_reference_that_was_never_made_is_not_found(service: Service, ref: str) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        service.retrieve(ref)
    info, status = details(raised.value)
    assert info.reason == "ERROR_REASON_CONTENT_NOT_FOUND"
    assert status.message == "content not found: expired, deleted, or never stored here"


def test_a_batch_fails_item_by_item(service: Service) -> None:
    request = compressor_service_pb2.BatchCompressRequest(
        contents=[
            content_pb2.Content(inline=LOG.encode()),
            content_pb2.Content(inline=b"\xff"),
            content_pb2.Content(),
        ]
    )
    results = service.compressor.BatchCompress(request).results
    assert [r.WhichOneof("outcome") for r in results] == ["view", "error", "error"]
    assert results[1].error.message == "content: not UTF-8 text at byte 0"
    assert results[2].error.metadata["field"] == "content.source"


def test_a_streamed_content_gives_the_same_view(service: Service) -> None:
    data = LOG.encode()
    digest = content_pb2.Digest(sha256=hashlib.sha256(data).digest(), size_bytes=len(data))
    header = compressor_service_pb2.StreamCompressHeader(expected=digest)
    parts = [compressor_service_pb2.StreamCompressRequest(header=header)] + [
        compressor_service_pb2.StreamCompressRequest(chunk=data[at : at + 1000])
        for at in range(0, len(data), 1000)
    ]
    answers = list(service.compressor.StreamCompress(iter(parts)))
    text = b"".join(a.chunk for a in answers[:-1])
    assert text.decode() == service.compress(LOG).text
    assert answers[-1].summary.ref == service.compress(LOG).ref
    assert answers[-1].summary.text == ""


def test_a_stream_with_another_digest_is_refused(service: Service) -> None:
    header = compressor_service_pb2.StreamCompressHeader(
        expected=content_pb2.Digest(sha256=b"\0" * 32, size_bytes=1)
    )
    parts = [
        compressor_service_pb2.StreamCompressRequest(header=header),
        compressor_service_pb2.StreamCompressRequest(chunk=b"x"),
    ]
    with pytest.raises(grpc.RpcError) as raised:
        list(service.compressor.StreamCompress(iter(parts)))
    info, _ = details(raised.value)
    assert info.reason == "ERROR_REASON_DIGEST_MISMATCH"


def test_a_broken_download_goes_on_at_its_offset(service: Service) -> None:
    ref = service.compress(LOG).ref
    request = content_service_pb2.ReadContentRequest(ref=ref, offset=12_345)
    answers = list(service.contents.ReadContent(request))
    assert b"".join(a.chunk for a in answers) == LOG.encode()[12_345:]
    assert answers[0].original.size_bytes == len(LOG.encode())


def test_a_deleted_original_is_gone_with_its_views(service: Service) -> None:
    text = service_log(700)
    view = service.compress(text)
    digest = content_pb2.Digest(sha256=hashlib.sha256(text.encode()).digest())
    missing = content_service_pb2.FindMissingRequest(digests=[digest])
    assert len(service.contents.FindMissing(missing).missing) == 0
    service.contents.DeleteContent(content_service_pb2.DeleteContentRequest(ref=view.ref))
    assert list(service.contents.FindMissing(missing).missing) == [digest]
    with pytest.raises(grpc.RpcError):
        service.retrieve(view.ref)
    assert service.compress(text).cached is False


def test_a_stored_content_need_not_be_sent_again(service: Service) -> None:
    text = service_log(650)
    service.compress(text)
    digest = content_pb2.Digest(sha256=hashlib.sha256(text.encode()).digest())
    request = compressor_service_pb2.CompressRequest(content=content_pb2.Content(stored=digest))
    assert service.compressor.Compress(request).view.cached is True


def test_explain_says_what_was_considered_and_stores_nothing(service: Service) -> None:
    text = service_log(640)
    request = compressor_service_pb2.ExplainRequest(
        content=content_pb2.Content(inline=text.encode())
    )
    answer = service.compressor.Explain(request)
    assert [d.compressor for d in answer.decisions if d.applied] == list(answer.view.compressors)
    with pytest.raises(grpc.RpcError):
        service.retrieve(answer.view.ref)


def test_one_space_does_not_see_another(service: Service) -> None:
    ref = service.compress(service_log(630)).ref
    request = content_service_pb2.RetrieveRequest(space="elsewhere", ref=ref)
    with pytest.raises(grpc.RpcError) as raised:
        service.contents.Retrieve(request)
    assert details(raised.value)[0].reason == "ERROR_REASON_CONTENT_NOT_FOUND"


def test_stats_add_up(service: Service) -> None:
    request = compressor_service_pb2.CompressRequest(
        space="counted", content=content_pb2.Content(inline=LOG.encode())
    )
    first = service.compressor.Compress(request).view
    service.compressor.Compress(request)

    def counted() -> info_service_pb2.GetStatsResponse | None:
        stats = service.info.GetStats(info_service_pb2.GetStatsRequest(space="counted"))
        return stats if stats.kinds and stats.kinds[0].views == 2 else None

    stats = eventually(counted, "both views are counted")
    (row,) = stats.kinds
    assert (row.kind, row.cached, row.degraded) == (content_pb2.CONTENT_KIND_LOG, 1, 0)
    assert row.tokens_before == 2 * first.tokens_before.tokens
    assert row.tokens_after == 2 * first.tokens_after.tokens
    assert (stats.originals, stats.stored_bytes) == (1, len(LOG.encode()))


def test_capabilities_name_limits_and_compressors(service: Service) -> None:
    got = service.info.GetCapabilities(info_service_pb2.GetCapabilitiesRequest())
    assert got.max_content_bytes == 64 * 1024 * 1024
    assert {"cl100k_base", "o200k_base"} == set(got.tokenizers)
    assert "log" in got.compressors


def test_health_reflection_and_channelz_answer(service: Service) -> None:
    health = health_pb2_grpc.HealthStub(service.channel)
    for name in ("", "furler.v1.CompressorService"):
        answer = health.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    reflection = reflection_pb2_grpc.ServerReflectionStub(service.channel)
    listing = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = reflection.ServerReflectionInfo(iter([listing]))
    names = {s.name for s in answer.list_services_response.service}
    assert {"furler.v1.CompressorService", "furler.v1.ContentService"} <= names
    channelz = channelz_pb2_grpc.ChannelzStub(service.channel)
    servers = channelz.GetServers(channelz_pb2.GetServersRequest(start_server_id=0)).server
    assert sum(s.data.calls_succeeded for s in servers) > 0


def test_health_answers_while_a_large_log_is_compressed(service: Service) -> None:
    health = health_pb2_grpc.HealthStub(service.channel)
    pending = service.compressor.Compress.future(
        compressor_service_pb2.CompressRequest(
            content=content_pb2.Content(inline=service_log(90_000).encode())
        )
    )
    answered = 0
    while not pending.done():
        answer = health.Check(health_pb2.HealthCheckRequest(), timeout=1)
        answered += answer.status == health_pb2.HealthCheckResponse.SERVING
    assert pending.result().view.tokens_after.tokens > 0
    assert answered >= 5


def test_a_full_queue_is_refused_with_a_time_to_come_back() -> None:
    with running_service(engine_queue="0", engine_processes="1") as busy:
        large = compressor_service_pb2.CompressRequest(
            content=content_pb2.Content(inline=service_log(200_000).encode())
        )
        pending = busy.compressor.Compress.future(large)
        attempts = itertools.count()

        def refused() -> grpc.RpcError | None:
            nonlocal pending
            if pending.done():  # an attempt had the engine when it came
                pending = busy.compressor.Compress.future(large)
            try:
                busy.compress(f"ERROR attempt {next(attempts)}\n" * 300)  # never a cache hit
            except grpc.RpcError as error:
                return error
            return None

        error = eventually(refused, "the only engine is busy")
        info, status = details(error)
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert info.reason == "ERROR_REASON_OVERLOADED"
        retry = error_details_pb2.RetryInfo()
        assert status.details[1].Unpack(retry)
        assert retry.retry_delay.ToTimedelta().total_seconds() > 0
        pending.cancel()  # type: ignore[no-untyped-call]


def raw_compress(service: Service, *messages: bytes) -> grpc.RpcError:
    """Call Compress with messages as they are, and return the error."""
    call = service.channel.stream_unary(
        "/furler.v1.CompressorService/Compress",
        request_serializer=None,
        response_deserializer=None,
    )
    with pytest.raises(grpc.RpcError) as raised:
        call(iter(messages), timeout=30)
    return raised.value


def test_a_message_that_is_missing_or_malformed_is_the_callers_mistake(service: Service) -> None:
    for messages in ((), (b"\xff\xff\xff",)):
        error = raw_compress(service, *messages)
        info, _ = details(error)
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert dict(info.metadata) == {"field": "request"}


def test_a_call_that_is_refused_at_the_door_is_not_even_read() -> None:
    with running_service(max_calls="1", engine_processes="1") as busy:
        large = compressor_service_pb2.CompressRequest(
            content=content_pb2.Content(inline=service_log(100_000).encode())
        )
        pending = busy.compressor.Compress.future(large)

        def refused() -> grpc.RpcError | None:
            nonlocal pending
            if pending.done():  # the other call had the place when it came
                pending = busy.compressor.Compress.future(large)
            # Who reads it finds that it is no message at all.
            error = raw_compress(busy, b"\xff\xff\xff")
            return error if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED else None

        info, _ = details(eventually(refused, "the only place is taken"))
        assert info.reason == "ERROR_REASON_OVERLOADED"
        pending.cancel()  # type: ignore[no-untyped-call]


def test_a_call_in_flight_survives_the_drain() -> None:
    with running_service() as ending:
        pending = ending.compressor.Compress.future(
            compressor_service_pb2.CompressRequest(
                content=content_pb2.Content(inline=service_log(60_000).encode())
            )
        )
        health = health_pb2_grpc.HealthStub(ending.channel)
        eventually(lambda: health.Check(health_pb2.HealthCheckRequest()), "the call is under way")
        status: list[int] = []
        stopper = threading.Thread(target=lambda: status.append(ending.stop()))
        stopper.start()
        assert pending.result().view.tokens_after.tokens > 0
        stopper.join()
        assert status == [0]


def test_a_service_that_is_killed_leaves_no_process_behind() -> None:
    with running_service() as killed:
        parent = psutil.Process(killed.process.pid)
        under = parent.children(recursive=True)
        assert len(under) == 3  # the nursery, and two engine processes
        engines = [process for process in under if process.ppid() != parent.pid]
        for process in engines:
            process.suspend()  # as one in a long job, it does not see that its service is gone
        killed.process.kill()

        def gone() -> bool:
            return not any(runs(process) for process in under)

        eventually(gone, "no process is left")


def test_workers_share_one_port_and_a_killed_one_is_replaced() -> None:
    with running_service(workers="2") as fleet:
        parent = psutil.Process(fleet.process.pid)

        def workers() -> list[psutil.Process] | None:
            try:
                found = [c for c in parent.children() if "spawn_main" in " ".join(c.cmdline())]
            except psutil.ZombieProcess:
                return None
            return found if len(found) == 2 else None

        first = eventually(workers, "two workers run")
        assert fleet.compress(LOG).ref
        os.kill(first[0].pid, signal.SIGKILL)
        eventually(
            lambda: (w := workers()) is not None and {p.pid for p in w} != {p.pid for p in first},
            "the killed worker is replaced",
        )

        def answers() -> bool:
            try:
                return bool(fleet.compress(LOG, timeout=10).ref)
            except grpc.RpcError:
                return False

        assert eventually(answers, "the fleet answers again")
        assert fleet.stop() == 0
