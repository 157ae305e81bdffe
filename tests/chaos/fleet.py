"""Three compressors and one store, on loopback, to be killed, paused and restarted."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import redis

import servers
from support.service import Service, running_service

KEYS = {"acme": "acme's key", "globex": "globex's key"}
"""The API key of each tenant."""


@dataclass(frozen=True, slots=True)
class Place:
    """A tenant's space; as text, what a history calls a space."""

    tenant: str
    space: str

    @property
    def credential(self) -> tuple[tuple[str, str]]:
        """The metadata of the tenant's calls."""
        return (("authorization", f"Bearer {KEYS[self.tenant]}"),)

    def __str__(self) -> str:
        return f"{self.tenant}/{self.space}"


@dataclass
class Fleet:
    """The replicas' processes and the store's."""

    url: str
    module: str
    keys: Path
    replicas: list[Service] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add_replica(self, url: str = "") -> None:
        """Start one more replica, perhaps with a way to the store of its own."""
        replica = self._stack.enter_context(
            running_service(url or self.url, module=self.module, api_keys=str(self.keys))
        )
        with self._lock:
            self.replicas.append(replica)

    def any_replica(self, rng: random.Random) -> Service:
        """Return a replica that a client might be sent to."""
        with self._lock:
            return rng.choice(self.replicas)

    def kill_replica(self, rng: random.Random) -> None:
        """End a replica at once, and start another."""
        with self._lock:
            victim = self.replicas.pop(rng.randrange(len(self.replicas)))
        victim.process.kill()
        self.add_replica()

    def pause_replica(self, rng: random.Random, seconds: float) -> None:
        """Stop a replica for a while; its calls hang."""
        victim = self.any_replica(rng)
        with suppress(ProcessLookupError):
            os.kill(victim.process.pid, signal.SIGSTOP)
            time.sleep(seconds)
            os.kill(victim.process.pid, signal.SIGCONT)


@dataclass
class Disturber:
    """The store of a fleet, to be paused, filled and killed."""

    store: servers.Valkey

    def pause(self, seconds: float) -> None:
        """Stop the store for a while; connections stay open and nothing is answered."""
        self.store.pause()
        time.sleep(seconds)
        self.store.resume()

    def fill(self, seconds: float) -> None:
        """Let the store have no memory left for a while: it refuses writes and evicts nothing."""
        with redis.Redis.from_url(self.store.url) as client:
            client.config_set("maxmemory", "1mb")
            time.sleep(seconds)
            client.config_set("maxmemory", "0")

    def restart(self) -> None:
        """Kill the store and start it again; what it acknowledged is in its log."""
        self.store.kill()
        self.store.start()


@contextmanager
def durable_store() -> Iterator[servers.Valkey]:
    """Run a store that writes its log before it answers."""
    with servers.valkey("--appendonly", "yes", "--appendfsync", "always") as store:
        yield store


@contextmanager
def fleet(url: str, replicas: int = 3, module: str = "furler_compressor.main") -> Iterator[Fleet]:
    """Run replicas around a store."""
    with TemporaryDirectory(prefix="furler-") as directory:
        running = Fleet(url, module, Path(directory) / "keys.toml")
        running.keys.write_text(
            "".join(
                f'[[keys]]\nid = "{tenant}"\ntenant = "{tenant}"\nroles = ["erase"]\n'
                f'sha256 = "{hashlib.sha256(key.encode()).hexdigest()}"\n'
                for tenant, key in KEYS.items()
            )
        )
        with running._stack:
            for _ in range(replicas):
                running.add_replica()
            yield running
