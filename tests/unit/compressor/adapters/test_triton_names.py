"""Names become servers: all that they stand for, and the same ones as long as they are there."""

from __future__ import annotations

import asyncio

import pytest

from furler_compressor.adapters.triton_fleet import Server
from furler_compressor.adapters.triton_names import Names, addresses_of
from furler_compressor.adapters.triton_replica import Replica
from furler_compressor.adapters.triton_url import TritonAccess, TritonPlace, parse_triton_urls

pytestmark = pytest.mark.anyio


class Resolver:
    """Knows what it is told; a name that it does not know has no address."""

    def __init__(self, **names: list[str]) -> None:
        self.names = names
        self.asked: list[str] = []
        self.hangs = False

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        if self.hangs:
            await asyncio.Event().wait()
        if host not in self.names:
            raise OSError(f"no address of {host}")
        return self.names[host]


def opened(place: TritonPlace, address: str) -> Server:
    return Replica(place, "kompress", TritonAccess(), address)


async def test_a_name_is_every_server_that_it_stands_for() -> None:
    resolver = Resolver(triton=["10.0.0.7", "fd00::7"])
    names = Names(parse_triton_urls("triton:9000,10.0.0.1"), opened, resolver)
    assert list(await names.servers(1.0)) == [
        "triton:9000 (10.0.0.7)",
        "triton:9000 (fd00::7)",
        "10.0.0.1:8001",
    ]
    assert resolver.asked == ["triton"]


async def test_a_server_that_stays_is_the_same_and_others_come_and_go() -> None:
    resolver = Resolver(triton=["10.0.0.7", "10.0.0.8"])
    names = Names(parse_triton_urls("triton"), opened, resolver)
    before = await names.servers(1.0)
    resolver.names = {"triton": ["10.0.0.8", "10.0.0.9"]}
    after = await names.servers(1.0)
    assert list(after) == ["triton:8001 (10.0.0.8)", "triton:8001 (10.0.0.9)"]
    assert after["triton:8001 (10.0.0.8)"] is before["triton:8001 (10.0.0.8)"]


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_name_that_cannot_be_resolved_keeps_the_servers_it_had(*, hangs: bool) -> None:
    resolver = Resolver(triton=["10.0.0.7"])
    names = Names(parse_triton_urls("triton,other"), opened, resolver)
    before = await names.servers(1.0)
    assert list(before) == ["triton:8001 (10.0.0.7)", "other:8001"]
    resolver.names, resolver.hangs = {}, hangs
    after = await names.servers(0.01)
    assert list(after.items()) == list(before.items())


async def test_the_system_s_resolver_knows_this_machine() -> None:
    assert "127.0.0.1" in await addresses_of("localhost", 8001)
