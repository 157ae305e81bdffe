"""The service under load: real processes on loopback, what they spend, and how they come and go."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TextIO

import psutil
import redis

import servers
from support.gateway import Gateway, running_gateway
from support.ports import free_ports
from support.service import Service, running_service

COMPRESSOR, SERVING, ENGINE, STORE, GATEWAY = (
    *("compressor", "serving", "engine", "store", "gateway"),
)
"""Parts of the service; a compressor is a serving process and its engine processes."""


@dataclass(slots=True)
class Fleet:
    """Compressors around one Valkey, perhaps behind a gateway.

    ``ports`` are those of all replicas there may be: a client's list of addresses names them all,
    as a headless service would over time; some may not be running.
    """

    store: servers.Valkey
    ports: list[int]
    log: TextIO
    settings: dict[str, str]
    gateway: Gateway | None = None
    _running: dict[int, tuple[Service, ExitStack]] = field(default_factory=dict)
    _spent: dict[str, float] = field(default_factory=lambda: {SERVING: 0.0, ENGINE: 0.0})

    @property
    def target(self) -> str:
        """What gRPC resolves to every replica that may be there."""
        return "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in self.ports)

    @property
    def running(self) -> list[int]:
        """Indices of the replicas that run."""
        return sorted(self._running)

    def service(self, index: int) -> Service:
        """Return a running replica."""
        return self._running[index][0]

    def start(self, index: int) -> None:
        """Start a replica, and return when it is ready."""
        stack = ExitStack()
        listen = f"127.0.0.1:{self.ports[index]}"
        service = stack.enter_context(
            running_service(self.store.url, stderr=self.log, **{"listen": listen, **self.settings})
        )
        self._running[index] = (service, stack)

    def stop(self, index: int) -> int:
        """End a replica as a rollout does (SIGTERM), wait until it has drained; its exit status."""
        service, stack = self._running.pop(index)
        for part, seconds in _cpu_of_replica(service.process.pid).items():
            self._spent[part] += seconds
        status = service.stop()
        stack.close()
        return status

    async def start_aside(self, index: int) -> None:
        """Start a replica while the caller's event loop goes on."""
        await asyncio.to_thread(self.start, index)

    async def stop_aside(self, index: int) -> int:
        """Stop a replica while the caller's event loop goes on."""
        return await asyncio.to_thread(self.stop, index)

    def cpu(self) -> dict[str, float]:
        """Return the seconds of processor time that each part has spent so far."""
        spent = {**self._spent, STORE: _cpu(self.store.pid)}
        for service, _ in self._running.values():
            for part, seconds in _cpu_of_replica(service.process.pid).items():
                spent[part] += seconds
        if self.gateway is not None:
            spent[GATEWAY] = _cpu(self.gateway.process.pid)
        return spent

    def resident(self) -> dict[str, int]:
        """Return the resident bytes of each part, its children included."""
        held = {
            f"{COMPRESSOR} {index}": _resident(service.process.pid)
            for index, (service, _) in sorted(self._running.items())
        }
        if self.gateway is not None:
            held[GATEWAY] = _resident(self.gateway.process.pid)
        return held

    def descriptors(self) -> dict[str, int]:
        """Return the open files and connections of each part."""
        opened = {
            f"{COMPRESSOR} {index}": psutil.Process(service.process.pid).num_fds()
            for index, (service, _) in sorted(self._running.items())
        }
        if self.gateway is not None:
            opened[GATEWAY] = psutil.Process(self.gateway.process.pid).num_fds()
        return opened

    def stored(self) -> int:
        """Return the bytes of data that the store holds in memory."""
        with redis.Redis.from_url(self.store.url) as client:
            return int(client.info("memory")["used_memory_dataset"])

    def close(self) -> None:
        """End all replicas."""
        for index in self.running:
            _, stack = self._running.pop(index)
            stack.close()


@contextmanager
def fleet(
    replicas: int, *, most: int = 0, gateway: bool = False, **settings: str
) -> Iterator[Fleet]:
    """Run a fleet for the time of the body.

    Args:
        replicas: Compressors at the beginning.
        most: Compressors there may be at a time; ``replicas`` if more.
        gateway: Whether a gateway stands in front, too.
        settings: FURLER_* variables of the compressors, without the prefix, in lower case. The model is
            off unless they say otherwise: it takes seconds to load, and most contents do not ask it.
    """
    settings = {"model": "none", **settings}
    with (
        tempfile.TemporaryFile("w", prefix="furler-load-") as log,
        servers.valkey("--maxmemory-policy", "noeviction") as store,
        ExitStack() as stack,
    ):
        running = Fleet(store, free_ports(max(replicas, most)), log, settings)
        stack.callback(running.close)
        with ThreadPoolExecutor(replicas) as starting:
            list(starting.map(running.start, range(replicas)))
        if gateway:
            made = running_gateway(running.target, log_requests="false", drain_seconds="5")
            running.gateway = stack.enter_context(made)
        yield running


def _tree(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    return []


def _cpu(pid: int) -> float:
    """Return the seconds a process and its children ran, ended ones included."""
    total = 0.0
    for process in _tree(pid):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def _cpu_of_replica(pid: int) -> dict[str, float]:
    """Return what a compressor spent serving, and in its engine processes."""
    own = 0.0
    with suppress(psutil.NoSuchProcess):
        times = psutil.Process(pid).cpu_times()
        own = times.user + times.system
    return {SERVING: own, ENGINE: max(0.0, _cpu(pid) - own)}


def _resident(pid: int) -> int:
    total = 0
    for process in _tree(pid):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total


def machine() -> dict[str, str]:
    """Return what the figures were taken on."""
    model = ""
    with suppress(OSError):
        done = subprocess.run(["lscpu"], capture_output=True, text=True, check=False)  # noqa: S607
        lines = (line.partition(":") for line in done.stdout.splitlines())
        model = next((value.strip() for key, _, value in lines if key == "Model name"), "")
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    cores = len(os.sched_getaffinity(0))
    return {"processor": model or "unknown", "cores": str(cores), "load average": load}
