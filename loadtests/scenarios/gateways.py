"""Gateways are replaced under load, as a rollout has it: no call fails, and no stream is cut."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from loadtests.arrivals import Traffic, closed_loop
from loadtests.contents import KB, Contents, turn
from loadtests.fleet import fleet
from loadtests.measure import DEGRADED, LATE, OK, REFUSED, Call, Phase
from loadtests.scenario import Parameters, Result, common_facts
from loadtests.scenarios.rollout import while_it_changes
from support.fake_provider import Got, Says, running_provider, stream
from support.gateway import Gateway, running_gateway
from support.ports import free_port
from support.recorded import anthropic_stream, said

_NAME: Final = "furler-gateway"
_PLACES: Final = tuple(f"127.0.0.{2 + index}" for index in range(4))
"""Where gateways may be: as pods, they have one port, and each an address of its own."""
_STREAM: Final = anthropic_stream([said("It was the pool, and nothing else. " * 40)])
_PIECE_BYTES: Final = 1024
_PAUSE_SECONDS: Final = 0.05
"""Between two pieces: a stream takes about a second, so that every gateway goes with some open."""
_ASKED: Final = json.dumps(
    {"model": "claude", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "why?"}]}
).encode()  # fmt: skip
_JSON: Final = {"Content-Type": "application/json"}


@dataclass(slots=True)
class _Gateways(AbstractResolver):
    """Gateways behind one name, as behind a Service: a new connection goes to one that is ready, and stays."""

    compressor: str
    provider: str
    port: int = field(default_factory=lambda: free_port(_PLACES))
    ready: list[str] = field(default_factory=list)
    _running: dict[str, tuple[Gateway, ExitStack]] = field(default_factory=dict)
    _chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - no secret

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the place of one that is ready."""
        place = self._chance.choice(self.ready)
        return [
            ResolveResult(
                hostname=host, host=place, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
            )
        ]  # fmt: skip

    async def close(self) -> None:
        """End all that still run."""
        for place in list(self._running):
            await self.stop(place)

    async def start(self, place: str) -> None:
        """Start a gateway and let it be found."""
        self._running[place] = await asyncio.to_thread(self._started, place)
        self.ready.append(place)

    def _started(self, place: str) -> tuple[Gateway, ExitStack]:
        stack = ExitStack()
        made = running_gateway(
            self.compressor,
            listen=f"{place}:{self.port}",
            upstreams=f"anthropic={self.provider}",
            allowed_hosts=_NAME,
            log_requests="false",
        )
        return stack.enter_context(made), stack

    async def stop(self, place: str) -> int:
        """End a gateway by SIGTERM; its exit status."""
        made, stack = self._running.pop(place)
        status = await asyncio.to_thread(made.stop)
        await asyncio.to_thread(stack.close)
        return status

    async def replace(self, old: str, new: str, pause: float) -> int:
        """Start one, let none find the other any more, then end that; its exit status."""
        await self.start(new)
        await asyncio.sleep(pause)
        self.ready.remove(old)
        await asyncio.sleep(pause)  # as preStop waits until all nodes know
        return await self.stop(old)


async def gateway_restart(parameters: Parameters) -> Result:
    """Every gateway is replaced, while agents call and replies of a provider stream through it."""
    contents = Contents(((3 * KB, 8),))
    statuses: list[int] = []
    with fleet(parameters.count("replicas")) as running, running_provider() as provider:
        provider.brain = _speaks
        gateways = _Gateways(running.target, provider.url)
        for place in _PLACES[:2]:
            await gateways.start(place)

        async def steps() -> None:
            for old, new in zip(_PLACES[:2], _PLACES[2:], strict=True):
                statuses.append(await gateways.replace(old, new, parameters["pause"]))

        connector = aiohttp.TCPConnector(limit=0, resolver=gateways, use_dns_cache=False)
        patience = aiohttp.ClientTimeout(total=parameters["deadline"])
        async with aiohttp.ClientSession(
            f"http://{_NAME}:{gateways.port}", connector=connector, timeout=patience
        ) as session:

            async def compress(name: str, number: int) -> str:
                body = (
                    turn(hash((name, number)), 1, contents)[:-1] + b', "config": {"mode": "ccr"}}'
                )
                return await _sent(session, "/v1/compress", body)

            await asyncio.gather(*(compress("warm", n) for n in range(8)))
            peak = await closed_loop(
                "peak", lambda n: compress("peak", n), parameters.count("clients"), parameters["peak_seconds"]
            )  # fmt: skip
            done = asyncio.Event()
            talking = asyncio.create_task(
                _until(
                    done,
                    lambda _: _sent(session, "/v1/messages", _ASKED),
                    parameters.count("streams"),
                )
            )
            still, changing, after = await while_it_changes(parameters, compress, steps, peak)
            done.set()
            streams = await talking
        left = len(gateways.ready)
        await gateways.close()
    phases = [peak, still, changing, after, streams]
    facts = common_facts(after, peak)
    facts["failed"] = float(sum(phase.failed for phase in phases))
    facts["not_served_share"] = 1 - changing.count(OK) / max(1, len(changing.calls))
    facts["p99_ratio"] = changing.ms(0.99) / max(0.001, still.ms(0.99))
    facts["whole_streams"] = float(streams.count(OK))
    facts["unclean_ends"] = float(sum(status != 0 for status in statuses))
    facts["gateways_left"] = float(left)
    return Result(phases, facts)


def _speaks(_: Got) -> Says:
    return stream(_STREAM, step=_PIECE_BYTES, pause_seconds=_PAUSE_SECONDS)


async def _sent(session: aiohttp.ClientSession, path: str, body: bytes) -> str:
    """Send a request once; how it went. A streamed reply must be there to the last byte."""
    try:
        async with session.post(path, data=body, headers=_JSON) as answer:
            reply = await answer.read()
    except TimeoutError:
        return LATE
    except (aiohttp.ClientError, ConnectionError) as error:
        return type(error).__name__
    if answer.status != 200:
        return REFUSED if answer.status == 429 else f"HTTP {answer.status}"
    if answer.content_type == "text/event-stream":
        return OK if reply == _STREAM else "cut"
    return DEGRADED if b'"compression_skipped":true' in reply else OK


async def _until(done: asyncio.Event, traffic: Traffic, clients: int) -> Phase:
    """Let so many clients call, each again as soon as it is answered, until it is enough."""
    loop = asyncio.get_running_loop()
    phase = Phase("streams", 0.0)
    start = loop.time()

    async def client() -> None:
        while not done.is_set():
            due = loop.time() - start
            outcome = await traffic(len(phase.calls))
            phase.calls.append(Call(due, loop.time() - start - due, outcome))

    await asyncio.gather(*(client() for _ in range(clients)))
    phase.seconds = loop.time() - start
    return phase
