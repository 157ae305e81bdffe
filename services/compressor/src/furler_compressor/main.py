"""The compressor's process: settings in, one worker or several on one port, a graceful end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import multiprocessing
import multiprocessing.connection
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Sequence
from multiprocessing.context import SpawnProcess

import uvloop
from pydantic import ValidationError

from furler_compressor import erase
from furler_compressor.app.engine import EngineFailedError
from furler_compressor.app.errors import StoreUnavailableError
from furler_compressor.app.ports import Store
from furler_compressor.assemble import authenticators, backend, for_service, prose_model, server_tls
from furler_compressor.config import Settings, unknown_settings
from furler_compressor.rpc.server import Server
from furler_compressor.telemetry_export import Exporting

_LOG = logging.getLogger("furler")
_SPAWN = multiprocessing.get_context("spawn")
_LOOPBACK = re.compile(r"(localhost|127\.|\[::1\]|unix:)")
_ORPHAN_CHECK_SECONDS = 1.0
_RESTART_PAUSE_SECONDS = 1.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the compressor until SIGTERM or SIGINT. Returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["erase"]:
        return erase.main(given[1:])
    arguments = _arguments(given)
    try:
        settings = _settings(arguments)
        settings.check()
        backend(settings)
        authenticators(settings)
        prose_model(settings)
        _check_tls(settings)
    except (ValidationError, OSError, ValueError) as error:
        _LOG.error("configuration: %s", error)
        return 2
    # A slip such as FURLER_MASTERKEY leaves a service unprotected, so a check fails on it. A start does
    # not: an orchestrator may add variables of its own beside a service named furler.
    unknown = unknown_settings()
    for name in unknown:
        _LOG.log(logging.ERROR if arguments.check else logging.WARNING, "unknown setting: %s", name)
    if arguments.check and unknown:
        return 2
    if arguments.check:
        print("configuration is valid")  # noqa: T201 - what --check is for
        return 0
    if settings.workers == 1:
        return _run_worker(settings, shared_port=False, parent=arguments.parent)
    return _supervise(settings, arguments.parent)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="furler-compressor",
        description="Furler's gRPC compression service. Settings come from FURLER_* variables."
        " `furler-compressor erase --help`: erase a tenant.",
    )
    parser.add_argument("--listen", help="address, such as 127.0.0.1:50051")
    parser.add_argument("--store", help="memory:, a directory for SQLite, or a redis:// URL")
    parser.add_argument("--workers", type=int, help="serving processes on the one port")
    parser.add_argument(
        "--parent", type=int, help="end when this parent process has, however it does"
    )
    parser.add_argument("--check", action="store_true", help="check the configuration and exit")
    return parser.parse_args(argv)


def _settings(arguments: argparse.Namespace) -> Settings:
    given = {name: getattr(arguments, name) for name in ("listen", "store", "workers")}
    return Settings(**{name: value for name, value in given.items() if value is not None})


def _run_worker(settings: Settings, *, shared_port: bool, parent: int | None) -> int:
    try:
        uvloop.run(_serve(settings, shared_port=shared_port, parent=parent))
    except (EngineFailedError, OSError) as error:
        _LOG.error("cannot start: %s", error)
        return 1
    return 0


async def _serve(settings: Settings, *, shared_port: bool, parent: int | None) -> None:
    """Serve until told to stop, then drain."""
    exporting = Exporting.start(
        settings.otlp_endpoint, settings.trace_share, settings.metrics_listen
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with for_service(settings) as service:
        server = Server(
            service.handlers,
            settings,
            shared_port=shared_port,
            gate=service.gate,
            tls=server_tls(settings),
        )
        await server.start()
        # What is here now stays. Without this a collection of all of it stopped every call for 48 ms,
        # every few seconds under load.
        gc.collect()
        gc.freeze()
        advising = asyncio.create_task(_advise(settings, service.store))
        host = settings.listen.rpartition(":")[0]
        measured = f", metrics on port {exporting.port}" if exporting.port else ""
        print(f"furler-compressor is ready on {host}:{server.port}{measured}", flush=True)  # noqa: T201
        watch = None if parent is None else asyncio.create_task(_stop_without(parent, stop))
        await stop.wait()
        for task in (watch, advising):
            if task is not None:
                task.cancel()
        await server.drain()
    exporting.stop()


async def _advise(settings: Settings, store: Store) -> None:
    """Log what an operator should put right. Whatever it is, the service serves."""
    loopback = _LOOPBACK.match(settings.listen) is not None
    if not settings.asks_who() and not loopback:
        _LOG.warning(
            "whoever reaches %s shares one cache: set FURLER_API_KEYS or FURLER_JWT_ISSUER",
            settings.listen,
        )
    if settings.asks_who() and not settings.tls_cert_file and not loopback:
        _LOG.warning(
            "credentials come in the clear, unless something in front of %s ends TLS:"
            " set FURLER_TLS_CERT_FILE and FURLER_TLS_KEY_FILE",
            settings.listen,
        )
    try:
        for advice in await store.ping():
            _LOG.warning("%s", advice)
    except StoreUnavailableError as error:
        _LOG.warning("nothing is shortened until the store answers: %s", error)


def _check_tls(settings: Settings) -> None:
    tls = server_tls(settings)
    if tls is not None:
        tls.credentials()


async def _stop_without(parent: int, stop: asyncio.Event) -> None:
    """Stop when the parent is gone: nobody would restart or stop this process any more."""
    while os.getppid() == parent:  # noqa: ASYNC110 - a parent's end sets no event
        await asyncio.sleep(_ORPHAN_CHECK_SECONDS)
    stop.set()


def _supervise(settings: Settings, parent: int | None) -> int:
    """Keep ``workers`` processes running on one port; pass a stop on to them."""
    settings, reserved = _reserve_port(settings)
    stopping = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    workers = [_start_worker(settings, index) for index in range(settings.workers)]
    while not stopping and parent in (None, os.getppid()):
        multiprocessing.connection.wait([w.sentinel for w in workers], timeout=0.2)
        for index, worker in enumerate(workers):
            if not worker.is_alive() and not stopping:
                _LOG.warning("worker %s ended with %s; restarting", worker.pid, worker.exitcode)
                time.sleep(_RESTART_PAUSE_SECONDS)
                workers[index] = _start_worker(settings, index)
    for worker in workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid or 0, signal.SIGTERM)
    for worker in workers:
        worker.join()
    reserved.close()
    return 0


def _start_worker(settings: Settings, index: int) -> SpawnProcess:
    if settings.metrics_listen:
        # One each: a port shared by all would give the numbers of one, never the same.
        host, _, port = settings.metrics_listen.rpartition(":")
        own = f"{host}:{int(port) + index if int(port) else 0}"
        settings = settings.model_copy(update={"metrics_listen": own})
    kwargs = {"shared_port": True, "parent": os.getpid()}
    worker = _SPAWN.Process(target=_run_worker, args=(settings,), kwargs=kwargs)
    worker.start()
    return worker


def _reserve_port(settings: Settings) -> tuple[Settings, socket.socket]:
    """Bind the port without listening, so that port 0 means the same one to every worker."""
    host, _, port = settings.listen.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    reserved = socket.socket(family, socket.SOCK_STREAM)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind((host.strip("[]"), int(port)))
    chosen = reserved.getsockname()[1]
    return settings.model_copy(update={"listen": f"{host}:{chosen}"}), reserved


if __name__ == "__main__":
    sys.exit(main())
