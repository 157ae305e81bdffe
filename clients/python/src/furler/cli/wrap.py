"""``furler wrap -- COMMAND``: an agent whose requests go through the gateway, by its environment alone.

What lives here: finding or starting the servers, the variables, the agent's process. Nothing is
written to any configuration, and when the agent ends, what was started for it ends.
"""

from __future__ import annotations

import importlib.util
import os
import select
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import IO, Final

import click

from furler.cli.output import remark, warn
from furler.cli.up import DEFAULT_GATEWAY, DEFAULT_LISTEN, check_free
from furler.errors import FieldInvalidError, NotInstalledError, UnavailableError

START_SECONDS: Final = 60.0
"""What a server may take to be ready; on a busy machine imports alone take some."""
_PROBE_SECONDS: Final = 2.0
_END_SECONDS: Final = 30.0
"""More than servers take to drain."""
_LOG_BYTES: Final = 2000
"""Of a server's log, shown when it does not start."""
NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""Exit codes as shells have them."""
_PASSED_ON: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_BASES: Final[Mapping[str, str]] = {
    "ANTHROPIC_BASE_URL": "",
    "OPENAI_BASE_URL": "/v1",
    "OPENAI_API_BASE": "/v1",
}
"""Variables by which clients find their provider, and what the address ends in."""
_UPSTREAMS: Final[Mapping[str, str]] = {
    "anthropic": "ANTHROPIC_BASE_URL",
    "openai": "OPENAI_BASE_URL",
}
_PROXIES: Final = frozenset({"http_proxy", "all_proxy"})
"""Variables that name a proxy for http."""
_NO_PROXY: Final = ("no_proxy", "NO_PROXY")
"""Variables that name hosts which are reached without a proxy; clients look at one or the other."""
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Asks without a proxy: the gateway is on this machine, or near it."""
_DEFAULT_UPSTREAMS: Final[Mapping[str, str]] = {
    "anthropic": "https://api.anthropic.com",
    "openai": "https://api.openai.com",
}


# What stands behind the command is the command's own.
@click.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "--gateway",
    default=DEFAULT_GATEWAY,
    show_default=True,
    metavar="HOST:PORT",
    help="The gateway: used if it runs, else started.",
)
@click.option(
    "--listen",
    default=DEFAULT_LISTEN,
    show_default=True,
    metavar="HOST:PORT",
    help="Where a compressor is started, if need be.",
)
@click.option("--data", metavar="DIR", help="Where it keeps originals, as `furler up` takes it.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def wrap(gateway: str, listen: str, data: str | None, command: tuple[str, ...]) -> None:
    """Run COMMAND, an agent, with its requests to providers going through the gateway.

    Only its environment says so: ANTHROPIC_BASE_URL and OPENAI_BASE_URL, and NO_PROXY if there is a
    proxy. Its input, output, signals and exit code are its own: furler wrap -- claude;
    furler wrap -- python agent.py.
    """
    with ExitStack() as stack:
        address = gateway
        if is_gateway(gateway):
            _warn_of_other_upstreams(os.environ)
        else:
            address = stack.enter_context(_started(gateway, listen, data))
        remark(f"furler: requests of {command[0]} go through http://{address}")
        code = _run(command, environment(os.environ, address))
    raise click.exceptions.Exit(code)


def environment(given: Mapping[str, str], address: str) -> dict[str, str]:
    """Return an agent's environment: as given, but for where its providers are.

    If it names a proxy, the gateway's host is one that is reached without.
    """
    changed = {name: f"http://{address}{end}" for name, end in _BASES.items()}
    if any(name.lower() in _PROXIES and value for name, value in given.items()):
        host = address.rpartition(":")[0].strip("[]")
        hosts = next((given[name] for name in _NO_PROXY if given.get(name)), "")
        if hosts != "*":  # which is all of them, and only if it stands alone
            changed |= dict.fromkeys(_NO_PROXY, f"{hosts},{host}" if hosts else host)
    return {**given, **changed}


def upstreams(given: Mapping[str, str]) -> str:
    """Return where a gateway of our own passes requests on to: where they would have gone."""
    found = dict(_DEFAULT_UPSTREAMS)
    for name, variable in _UPSTREAMS.items():
        if given.get(variable):
            found[name] = given[variable].rstrip("/").removesuffix("/v1")
    return ",".join(f"{name}={url}" for name, url in found.items())


def is_gateway(address: str) -> bool:
    """Return whether a gateway answers at an address. Raises FieldInvalidError if something else does."""
    request = urllib.request.Request(f"http://{address}/docs", method="HEAD")
    try:
        with _DIRECT.open(request, timeout=_PROBE_SECONDS) as answer:
            server = str(answer.headers.get("Server", ""))
    except urllib.error.HTTPError as error:
        with error:
            server = str(error.headers.get("Server", ""))
    except (OSError, ValueError):
        return False
    if server != "furler-gateway":
        raise FieldInvalidError(
            f"--gateway: what answers at {address} is no gateway of Furler's; try another address",
            metadata={"field": "gateway"},
        )
    return True


@contextmanager
def _started(gateway: str, listen: str, data: str | None) -> Iterator[str]:
    """Start a gateway, and a compressor if none listens, for the time of the body. Yields its address."""
    for module, name in (("furler_gateway", "gateway"), ("furler_compressor", "compressor")):
        if importlib.util.find_spec(module) is None:
            raise NotInstalledError(f"the {name} is not installed: pip install {module}")
    check_free(gateway, "gateway")
    with ExitStack() as stack:
        compressor = listen
        if _is_free(listen):
            arguments = ["--listen", listen, *(["--store", data] if data else [])]
            compressor = stack.enter_context(_server("furler_compressor.main", arguments, {}))
        settings = {"FURLER_GATEWAY_UPSTREAMS": upstreams(os.environ)}
        if not _is_free("127.0.0.1:8788"):
            settings["FURLER_GATEWAY_OPERATE_LISTEN"] = "127.0.0.1:0"
        arguments = ["--listen", gateway, "--compressor", compressor]
        yield stack.enter_context(_server("furler_gateway.main", arguments, settings))


def _is_free(address: str) -> bool:
    try:
        check_free(address)
    except FieldInvalidError as error:
        if "is in use" not in error.message:
            raise
        return False
    return True


@contextmanager
def _server(module: str, arguments: Sequence[str], settings: Mapping[str, str]) -> Iterator[str]:
    """Run a server of ours for the time of the body. Yields the address that it says it listens on.

    Raises UnavailableError with the end of its log, if it does not start.
    """
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", module, *arguments, "--parent", str(os.getpid())],
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            # The agent gets the terminal's Ctrl-C; the servers end when the agent has.
            start_new_session=True,
        )
        try:
            yield _ready(process, module, log)
        finally:
            process.terminate()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _ready(process: subprocess.Popen[bytes], module: str, log: IO[bytes]) -> str:
    """Return the address in the line that a server prints when it is ready."""
    output = process.stdout
    assert output is not None  # noqa: S101 - it was asked for
    readable, _, _ = select.select([output], [], [], START_SECONDS)
    line = output.readline().decode(errors="replace") if readable else ""
    if " is ready on " in line:
        return line.split(" is ready on ")[1].split(",")[0].strip()
    log.seek(0)
    told = log.read()[-_LOG_BYTES:].decode(errors="replace").strip()
    name = module.partition(".")[0].replace("_", "-")
    raise UnavailableError(f"{name} did not start: {told or 'it said nothing'}")


def _run(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run the agent with our input and output; pass signals on. Returns its exit code."""
    started: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if started:
            started[0].send_signal(number)
        else:
            early.append(number)

    # A terminal sends its Ctrl-C to the agent by itself: twice would be another word.
    interrupt = _leave if sys.stdin is not None and sys.stdin.isatty() else pass_on
    handlers = dict.fromkeys(_PASSED_ON, pass_on) | {signal.SIGINT: interrupt}
    # The agent ignores what we are told to ignore (nohup): that it inherits. All others are passed on
    # before it is there, as it may be quick to say that it is.
    ignored = {number for number in handlers if signal.getsignal(number) is signal.SIG_IGN}
    before = {
        number: signal.signal(number, handlers[number]) for number in handlers.keys() - ignored
    }
    try:
        process = subprocess.Popen(command, env=dict(variables))  # noqa: S603 - what the caller asked for
        started.append(process)
        before |= {number: signal.signal(number, handlers[number]) for number in ignored}
        for number in early:
            process.send_signal(number)
        code = process.wait()
    except FileNotFoundError:
        warn(f"{command[0]}: command not found")
        return NOT_FOUND
    except OSError as error:
        warn(f"{command[0]}: {error.strerror}")
        return NOT_EXECUTABLE
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Do nothing about a signal."""


def _warn_of_other_upstreams(given: Mapping[str, str]) -> None:
    for variable in _UPSTREAMS.values():
        if given.get(variable):
            warn(f"{variable} is set, but the gateway that runs decides where requests go")
