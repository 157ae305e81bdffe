"""A real gateway process on free loopback ports, in front of a compressor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path


@dataclass(frozen=True)
class Reply:
    """What the gateway answered."""

    status: int
    headers: Message[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        value: dict[str, object] = json.loads(self.body)
        return value


@dataclass(frozen=True)
class Gateway:
    """A running gateway: its process, its two addresses, what it logged."""

    process: subprocess.Popen[str]
    address: str
    operate: str
    log: Path

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def post(self, path: str, body: object, **headers: str) -> Reply:
        """POST a JSON value, or bytes as they are; header names have _ for -."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, data, **headers)

    def get(self, path: str, **headers: str) -> Reply:
        return self.request("GET", path, None, **headers)

    def request(self, method: str, path: str, data: bytes | None, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if data is not None:
            named.setdefault("content-type", "application/json")
        return fetch(f"http://{self.address}{path}", method, data, named)

    def probe(self, path: str) -> Reply:
        """GET a path of the operate port."""
        return fetch(f"http://{self.operate}{path}", "GET", None, {})

    def logged(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def stop(self) -> int:
        """Ask the process to end, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


def fetch(url: str, method: str, data: bytes | None, headers: Mapping[str, str]) -> Reply:
    request = urllib.request.Request(url, data, dict(headers), method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return Reply(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, error.headers, error.read())


@contextmanager
def running_gateway(compressor: str, **settings: str) -> Iterator[Gateway]:
    """Start a gateway; settings are FURLER_GATEWAY_* variables without the prefix, in lower case."""
    variables = {f"FURLER_GATEWAY_{name.upper()}": value for name, value in settings.items()}
    with tempfile.NamedTemporaryFile(prefix="furler-gateway-", suffix=".log") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "furler_gateway.main"],
            env={
                **os.environ,
                "FURLER_GATEWAY_LISTEN": "127.0.0.1:0",
                "FURLER_GATEWAY_OPERATE_LISTEN": "127.0.0.1:0",
                "FURLER_GATEWAY_COMPRESSOR": compressor,
                **variables,
            },
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert "is ready on" in ready, (
                f"the gateway did not start: {Path(log.name).read_text()}"
            )
            address, operate = ready.split("is ready on ")[1].split(", operations on port ")
            yield Gateway(process, address, f"127.0.0.1:{operate.strip()}", Path(log.name))
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
