"""A real compressor process on a free loopback port, and a client's channel to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import grpc

from furler.v1 import (
    compression_pb2,
    compressor_service_pb2,
    compressor_service_pb2_grpc,
    content_pb2,
    content_service_pb2,
    content_service_pb2_grpc,
    info_service_pb2_grpc,
    shared_context_service_pb2_grpc,
)

TESTS = str(Path(__file__).parent.parent)
MESSAGE_BYTES = 80 * 1024 * 1024


@dataclass(frozen=True)
class Service:
    """A running service: its process, its address, stubs on one channel."""

    process: subprocess.Popen[str]
    address: str
    channel: grpc.Channel
    metrics: str = ""
    """Where its metrics are scraped, if settings ask for it."""

    @property
    def compressor(self) -> compressor_service_pb2_grpc.CompressorServiceStub:
        return compressor_service_pb2_grpc.CompressorServiceStub(self.channel)

    @property
    def contents(self) -> content_service_pb2_grpc.ContentServiceStub:
        return content_service_pb2_grpc.ContentServiceStub(self.channel)

    @property
    def shared(self) -> shared_context_service_pb2_grpc.SharedContextServiceStub:
        return shared_context_service_pb2_grpc.SharedContextServiceStub(self.channel)

    @property
    def info(self) -> info_service_pb2_grpc.InfoServiceStub:
        return info_service_pb2_grpc.InfoServiceStub(self.channel)

    def compress(
        self,
        text: str | bytes,
        *,
        timeout: float = 60,
        policy: compression_pb2.Policy | None = None,
    ) -> compression_pb2.View:
        data = text.encode() if isinstance(text, str) else text
        request = compressor_service_pb2.CompressRequest(
            content=content_pb2.Content(inline=data), policy=policy
        )
        return self.compressor.Compress(request, timeout=timeout).view

    def retrieve(
        self, ref: str, selector: content_pb2.Selector | None = None
    ) -> content_service_pb2.RetrieveResponse:
        request = content_service_pb2.RetrieveRequest(ref=ref, selector=selector)
        return self.contents.Retrieve(request, timeout=60)

    def stop(self) -> int:
        """Ask the process to end, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


@contextmanager
def running_service(
    store: str = "memory:",
    module: str = "furler_compressor.main",
    stderr: TextIO | None = None,
    **settings: str,
) -> Iterator[Service]:
    """Start a compressor; settings are FURLER_* variables without the prefix, in lower case."""
    variables = {f"FURLER_{name.upper()}": value for name, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", module, "--store", store],
        env={
            **os.environ,
            "FURLER_LISTEN": "127.0.0.1:0",
            "PYTHONPATH": os.pathsep.join((TESTS, os.environ.get("PYTHONPATH", ""))),
            **variables,
        },
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
    try:
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert "is ready on" in ready, "the service did not start"
        address, _, metrics = (
            ready.strip().rpartition("ready on ")[2].partition(", metrics on port ")
        )
        limits = [
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.max_send_message_length", MESSAGE_BYTES),
        ]
        with grpc.insecure_channel(address, options=limits) as channel:
            yield Service(process, address, channel, f"127.0.0.1:{metrics}" if metrics else "")
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
