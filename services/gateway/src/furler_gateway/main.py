"""The gateway's process: settings in, a server, a graceful end."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Sequence

import uvloop
from pydantic import ValidationError

from furler.errors import FurlerError
from furler_gateway import telemetry
from furler_gateway.config import Settings, address, unknown_settings
from furler_gateway.server import Gateway, check

_LOG = logging.getLogger("furler.gateway")
_PARENT_CHECK_SECONDS = 1.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the gateway until SIGTERM or SIGINT. Returns the exit status."""
    telemetry.configure_logs()
    arguments = _arguments(argv)
    try:
        settings = _settings(arguments)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            _LOG.error("configuration: %s: %s", ".".join(map(str, problem["loc"])), problem["msg"])
        return 2
    # As the compressor does: a slip of the pen fails a check; a start only tells of it.
    unknown = unknown_settings()
    for name in unknown:
        _LOG.log(logging.ERROR if arguments.check else logging.WARNING, "unknown setting: %s", name)
    if arguments.check and unknown:
        return 2
    if arguments.check:
        try:
            check(settings)
        except (OSError, ValueError, FurlerError) as error:
            _LOG.error("configuration: %s", error)
            return 2
        print("configuration is valid")  # noqa: T201 - what --check is for
        return 0
    try:
        uvloop.run(_serve(settings, arguments.parent))
    except (OSError, ValueError, FurlerError) as error:  # ValueError: a policy file
        _LOG.error("cannot start: %s", error)
        return 1
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="furler-gateway",
        description="Furler's HTTP edge. Settings come from FURLER_GATEWAY_* variables.",
    )
    parser.add_argument("--listen", help="address, such as 127.0.0.1:8787")
    parser.add_argument("--operate-listen", help="address of /livez, /readyz, /metrics, /dashboard")
    parser.add_argument("--compressor", help="the compressor's address, such as 127.0.0.1:50051")
    parser.add_argument(
        "--parent", type=int, help="end when this parent process has, however it does"
    )
    parser.add_argument("--check", action="store_true", help="check the configuration and exit")
    return parser.parse_args(argv)


def _settings(arguments: argparse.Namespace) -> Settings:
    names = ("listen", "operate_listen", "compressor")
    given = {name: getattr(arguments, name) for name in names}
    return Settings(**{name: value for name, value in given.items() if value is not None})


async def _serve(settings: Settings, parent: int | None) -> None:
    """Serve until told to stop, then drain."""
    if settings.otlp_endpoint:
        telemetry.configure_traces(settings.otlp_endpoint, settings.trace_share)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    gateway = await Gateway.start(settings)
    # What is here now stays: the collector need not look at half a million objects again and again.
    gc.collect()
    gc.freeze()
    host = address(settings.listen)[0]
    operate = f", operations on port {gateway.operate_port}" if gateway.operate_port else ""
    print(f"furler-gateway is ready on {host}:{gateway.port}{operate}", flush=True)  # noqa: T201
    watch = None if parent is None else asyncio.create_task(_stop_without(parent, stop))
    await stop.wait()
    if watch is not None:
        watch.cancel()
    await gateway.stop()
    telemetry.shutdown()


async def _stop_without(parent: int, stop: asyncio.Event) -> None:
    """Stop when a parent is gone that was killed: it could not stop us itself."""
    while os.getppid() == parent:  # noqa: ASYNC110 - a parent's end sets no event
        await asyncio.sleep(_PARENT_CHECK_SECONDS)
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
