"""A word that no telemetry may repeat goes through every RPC, in every field that takes text."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from furler.v1 import compressor_service_pb2 as compressor
from furler.v1 import content_pb2 as content
from furler.v1 import content_service_pb2 as contents
from furler.v1 import conversation_pb2 as conversation
from furler.v1 import shared_context_service_pb2 as shared
from furler_compressor.rpc.methods import METHODS, Method
from support.gateway import fetch, running_gateway
from support.inputs import service_log
from support.otlp import Receiver, otlp_receiver
from support.service import Service, running_service

CANARY = "zanzibarquokka"
TEXT = (service_log(300) + f"2026-11-20 FATAL {CANARY} {CANARY}@corp.example\n").encode()
TURN = json.dumps(
    {
        "model": "m",
        "messages": [
            {"role": "user", "content": f"where is {CANARY}?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "c1",
                        "type": "function",
                        "function": {"name": CANARY, "arguments": "{}"},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": TEXT.decode()},
        ],
    }
).encode()
_CALL_SECONDS = 5.0


@dataclass(frozen=True)
class Seen:
    """Everything that left the two processes beside their answers."""

    receiver: Receiver
    scraped: bytes
    logs: bytes
    answered: set[str]


def item() -> content.Content:
    hints = content.Hints(
        query=CANARY, filename=f"/srv/{CANARY}.log", tool_name=CANARY, agent=CANARY
    )
    return content.Content(inline=TEXT, hints=hints)


def valid(ref: str) -> dict[str, Message]:
    """Return a request that succeeds for each RPC whose fields cannot all be the canary."""
    found = content.Selector(match=content.Match(pattern=CANARY))
    return {
        "Compress": compressor.CompressRequest(space=CANARY, content=item()),
        "BatchCompress": compressor.BatchCompressRequest(space=CANARY, contents=[item()] * 2),
        "StreamCompress": compressor.StreamCompressRequest(
            header=compressor.StreamCompressHeader(space=CANARY)
        ),
        "Explain": compressor.ExplainRequest(space=CANARY, content=item()),
        "CompressConversation": compressor.CompressConversationRequest(
            space=CANARY,
            conversation=CANARY,
            dialect=conversation.DIALECT_OPENAI_CHAT,
            body=TURN,
        ),
        "Retrieve": contents.RetrieveRequest(space=CANARY, ref=ref, selector=found),
        "BatchRetrieve": contents.BatchRetrieveRequest(
            requests=[contents.RetrieveRequest(space=CANARY, ref=ref, selector=found)]
        ),
        "ReadContent": contents.ReadContentRequest(space=CANARY, ref=ref),
        "PutEntry": shared.PutEntryRequest(space=CANARY, key=CANARY, content=item()),
        "FindMissing": contents.FindMissingRequest(
            space=CANARY, digests=[content.Digest(sha256=hashlib.sha256(TEXT).digest())]
        ),
        "ListEntries": shared.ListEntriesRequest(space=CANARY, prefix=CANARY),
        "WatchEntries": shared.WatchEntriesRequest(space=CANARY),
    }


def filled(message: Message) -> Message:
    """Set the canary in every field, of every message within, that takes text or bytes."""
    for field in message.DESCRIPTOR.fields:
        kind = field.message_type
        if kind is not None:
            if (
                kind.file.package != "furler.v1"
                or kind.GetOptions().map_entry
                or field.containing_oneof
            ):
                continue
            inner = getattr(message, field.name)
            filled(inner.add() if field.is_repeated else inner)
            if not field.is_repeated:
                inner.SetInParent()
        elif field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
            value = CANARY if field.type == FieldDescriptor.TYPE_STRING else CANARY.encode()
            if field.is_repeated:
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)
    return message


def messages(method: Method, first: Message) -> Iterator[Message]:
    yield first
    if method.name == "StreamCompress":
        yield compressor.StreamCompressRequest(chunk=TEXT)


def call(service: Service, path: str, request: Message) -> bool:
    """Make one call of any shape; whether it succeeded."""
    method = METHODS[path]
    streams = (method.client_streams, method.server_streams)
    make: Callable[..., object] = {
        (False, False): service.channel.unary_unary,
        (False, True): service.channel.unary_stream,
        (True, True): service.channel.stream_stream,
    }[streams]
    stub = make(path, type(request).SerializeToString, method.response.FromString)
    sent = messages(method, request) if method.client_streams else request
    try:
        # A watch has no end of its own: its first answers, then the deadline.
        answer = stub(sent, timeout=1.0 if method.name == "WatchEntries" else _CALL_SECONDS)  # type: ignore[operator]
        for _ in answer if method.server_streams else ():
            pass
    except grpc.RpcError as error:
        return method.name == "WatchEntries" and error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    return True


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    log: Path = tmp_path_factory.mktemp("telemetry") / "log"
    answered: set[str] = set()
    with (
        otlp_receiver() as receiver,
        log.open("w") as stderr,
        running_service(
            stderr=stderr, otlp_endpoint=receiver.endpoint, metrics_listen="127.0.0.1:0"
        ) as service,
        running_gateway(service.address, otlp_endpoint=receiver.endpoint) as gateway,
    ):
        first = compressor.CompressRequest(space=CANARY, content=item())
        ref = service.compressor.Compress(first, timeout=30).view.ref
        assert ref
        wanted = valid(ref)
        for path, method in METHODS.items():
            if call(service, path, wanted.get(method.name) or filled(method.request())):
                answered.add(method.name)
            # What the service refuses is where errors are made, and their texts.
            call(service, path, filled(method.request()))
        gateway.post("/v1/compress", {"messages": json.loads(TURN)["messages"]})
        gateway.post(f"/{CANARY}?q={CANARY}", {CANARY: CANARY}, authorization=f"Bearer {CANARY}")
        gateway.post("/furler.v1.CompressorService/Compress", {"space": CANARY, CANARY: 1})
        gateway.get(f"/v1/retrieve/{ref}", x_furler_space=CANARY)
        scraped = b"".join(
            fetch(f"http://{address}/metrics", "GET", None, {}).body
            for address in (service.metrics, gateway.operate)
        )
        assert (gateway.stop(), service.stop()) == (0, 0)
        logs = log.read_bytes() + gateway.log.read_bytes()
        yield Seen(receiver, scraped, logs, answered)


def test_every_rpc_was_answered_with_the_word_in_it(seen: Seen) -> None:
    assert {method.name for method in METHODS.values()} - seen.answered == set()


def test_no_span_and_no_metric_that_is_sent_has_it(seen: Seen) -> None:
    assert len(seen.receiver.spans()) > len(METHODS)
    assert re.findall(CANARY.encode(), seen.receiver.everything(), re.IGNORECASE) == []


def test_no_metric_that_is_scraped_has_it(seen: Seen) -> None:
    assert b"rpc_server_call_duration_seconds_bucket" in seen.scraped
    assert re.findall(CANARY.encode(), seen.scraped, re.IGNORECASE) == []


def test_no_line_of_a_log_has_it(seen: Seen) -> None:
    assert b'"route"' in seen.logs
    assert re.findall(CANARY.encode(), seen.logs, re.IGNORECASE) == []
