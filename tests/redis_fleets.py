"""Several Redis servers at once, or one with all its locks: what `servers` starts, put together.

TLS and Sentinel need Debian's redis-server on PATH; the Valkey from pip has neither.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import pytest
import redis

from furler_compressor.adapters.redis_url import RedisAccess
from servers import Valkey
from support.certificates import Authority
from support.ports import free_ports

_START_SECONDS = 30.0
_PRIMARIES = 3
USER, PASSWORD = "furler", "s3cret/#@:"
# Exactly what the service needs, as docs/threat-model.md prints it.
ACL = (
    "~furler:* resetchannels -@all +@read +@write +@scripting +@connection"
    " +time +info +script|load -script|flush -script|kill -keys"
)


def debian_redis() -> str:
    """Return redis-server's path, or skip the test."""
    path = shutil.which("redis-server")
    if path is None:
        pytest.skip("needs redis-server on PATH (Debian: apt-get install redis-server)")
    return path


@dataclass(frozen=True, slots=True)
class Cluster:
    """Three primaries that share the slots, and perhaps replicas of the last one after them."""

    nodes: list[Valkey]
    ports: list[int]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in self.ports)


@contextlib.contextmanager
def cluster(replicas: int = 0) -> Iterator[Cluster]:
    """Run a cluster for the time of the body; it is whole when the body begins."""
    members = _PRIMARIES + replicas
    free = free_ports(2 * members)
    ports, buses = free[:members], free[members:]
    nodes = [
        Valkey(
            (
                *("--port", str(port), "--cluster-port", str(bus), "--cluster-enabled", "yes"),
                *("--bind", "127.0.0.1", "--cluster-node-timeout", "2000"),
            )
        )
        for port, bus in zip(ports, buses, strict=True)
    ]
    with _started(*nodes), contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(redis.Redis(port=port, decode_responses=True)) for port in ports
        ]
        for index, client in enumerate(clients[:_PRIMARIES]):
            first, last = 16384 * index // _PRIMARIES, 16384 * (index + 1) // _PRIMARIES - 1
            client.cluster("ADDSLOTSRANGE", first, last)
        for client in clients:
            client.cluster("MEET", "127.0.0.1", ports[0], buses[0])
        whole = len(nodes)
        _wait(lambda: all(_is_whole(client, whole) for client in clients), "the cluster is whole")
        for client in clients[_PRIMARIES:]:
            client.cluster("REPLICATE", str(clients[_PRIMARIES - 1].cluster("MYID")))
            _wait(partial(_follows, client), "the replica follows")
        yield Cluster(nodes, ports)


@dataclass(frozen=True, slots=True)
class Locked:
    """One server with TLS, a client certificate asked for, and an ACL user."""

    url: str
    access: RedisAccess
    authority: Authority


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[Locked]:
    """Run a server that lets in one user, over TLS, with a certificate."""
    binary = debian_redis()
    authority = Authority(directory)
    server_pair, client_pair = authority.issue("redis"), authority.issue("furler")
    (port,) = free_ports(1)
    server = Valkey(
        (
            *("--tls-port", str(port), "--bind", "127.0.0.1"),
            *("--tls-cert-file", str(server_pair.certificate)),
            *("--tls-key-file", str(server_pair.key)),
            *("--tls-ca-cert-file", str(authority.file), "--tls-auth-clients", "yes"),
            *("--user", USER, "on", f">{PASSWORD}", *ACL.split()),
            *("--user", "default", "off"),
        ),
        binary=binary,
    )
    access = RedisAccess(
        user=USER,
        password=PASSWORD,
        ca_file=str(authority.file),
        cert_file=str(client_pair.certificate),
        key_file=str(client_pair.key),
    )
    with _started(server):
        yield Locked(f"rediss://127.0.0.1:{port}/0", access, authority)


@dataclass(frozen=True, slots=True)
class Watched:
    """A primary, its replica, and three Sentinels that watch them."""

    primary: Valkey
    replica: Valkey
    sentinels: list[int]

    @property
    def url(self) -> str:
        places = ",".join(f"127.0.0.1:{port}" for port in self.sentinels)
        return f"redis+sentinel://{places}/originals/0"


@contextlib.contextmanager
def watched() -> Iterator[Watched]:
    """Run a primary with a replica under three Sentinels, agreed on who is the primary."""
    binary = debian_redis()
    first, second, *sentinel_ports = free_ports(5)
    primary = Valkey(("--port", str(first), "--bind", "127.0.0.1"), binary=binary)
    replica = Valkey(
        (
            *("--port", str(second), "--bind", "127.0.0.1"),
            *("--replicaof", f"127.0.0.1 {first}", "--repl-diskless-sync-delay", "0"),
        ),
        binary=binary,
    )
    sentinels = [Valkey(binary=binary) for _ in sentinel_ports]
    for port, sentinel in zip(sentinel_ports, sentinels, strict=True):
        file = sentinel.directory / "sentinel.conf"
        file.write_text(
            f"port {port}\nbind 127.0.0.1\nunixsocket {sentinel.directory}/socket\n"
            f"sentinel monitor originals 127.0.0.1 {first} 2\n"
            "sentinel down-after-milliseconds originals 500\n"
            "sentinel failover-timeout originals 3000\n"
        )
        sentinel.command = (binary, str(file), "--sentinel")
    with _started(primary, replica), contextlib.ExitStack() as stack:
        one = stack.enter_context(redis.Redis(port=second, decode_responses=True))
        _wait(lambda: _follows(one), "the replica follows")
        stack.enter_context(_started(*sentinels))
        watchers = [
            stack.enter_context(redis.Redis(port=port, decode_responses=True))
            for port in sentinel_ports
        ]
        _wait(lambda: all(_is_agreed(w) for w in watchers), "the Sentinels know each other")
        yield Watched(primary, replica, sentinel_ports)


@contextlib.contextmanager
def _started(*servers: Valkey) -> Iterator[None]:
    try:
        for server in servers:
            server.start()
        yield
    finally:
        for server in servers:
            server.kill()
            shutil.rmtree(server.directory, ignore_errors=True)


def _is_whole(client: redis.Redis, nodes: int) -> bool:
    info = client.cluster("INFO")
    return (info["cluster_state"], info["cluster_known_nodes"]) == ("ok", str(nodes))


def _follows(replica: redis.Redis) -> bool:
    return replica.info("replication").get("master_link_status") == "up"


def _is_agreed(sentinel: redis.Redis) -> bool:
    state = cast("dict[str, int]", sentinel.sentinel_master("originals"))
    return int(state["num-other-sentinels"]) == 2 and int(state["num-slaves"]) == 1


def _wait(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + _START_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited in vain: {what}")
        time.sleep(0.05)
