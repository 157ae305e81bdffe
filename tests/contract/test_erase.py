"""An erased tenant is gone from the store to the last byte, and nobody else is touched."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import redis

from furler_compressor.adapters.erase import erase, key_patterns
from furler_compressor.adapters.open_entries import open_entries
from furler_compressor.adapters.open_store import open_store
from furler_compressor.adapters.redis_url import RedisAccess
from furler_compressor.app.entries_port import Bounds, Write
from furler_compressor.app.ports import Pin, Record, Scope, StoredView, Tally
from furler_compressor.main import main

pytestmark = pytest.mark.anyio

TENANT = "acme"
# Names that begin alike, that patterns could mistake, and that quoting could confuse.
OTHERS = ("acme2", "acm", "acme/default", "ACME", "acm?", "*", "acme%2Fdefault", "é")
SPACES = ("default", "a/b", "*")
SECRET = b"quokka-in-the-content"
AN_HOUR = 3600.0


def record(text: bytes) -> Record:
    digest = hashlib.sha256(text).digest()
    return Record(ref=digest.hex()[:16], sha256=digest, size=len(text), data=text)


async def fill(url: str, tenant: str) -> None:
    """Write one of everything, in several spaces."""
    store, entries = open_store(url), open_entries(url)
    for space in SPACES:
        scope = Scope(tenant, space)
        # Bytes that do not compress: what is looked for afterwards stands in the file as it is.
        kept = record(SECRET + hashlib.sha256(f"{tenant} {space}".encode()).digest())
        await store.commit(scope, kept, StoredView("r", b"{}"), AN_HOUR)
        await store.pin(scope, "talk", {"b/0/x": Pin(kept.ref, b"{}")}, AN_HOUR)
        await store.add(scope, Tally("log", views=1))
        await entries.put(scope, write(f"key of {tenant}", kept))
    await store.close()
    await entries.close()


def write(key: str, kept: Record) -> Write:
    return Write(
        key=key,
        body=b"{}",
        sha256=kept.sha256,
        size=kept.size,
        author="",
        sketch=b"",
        retention=AN_HOUR,
        bounds=Bounds(100, 10**9),
    )


async def held(url: str, tenant: str) -> int:
    """Return how much there is of a tenant, of all that was written."""
    store, entries = open_store(url), open_entries(url)
    count = 0
    for space in SPACES:
        scope = Scope(tenant, space)
        kept = record(SECRET + hashlib.sha256(f"{tenant} {space}".encode()).digest())
        count += await store.fetch(scope, kept.ref) is not None
        count += len(await store.pins(scope, "talk", AN_HOUR))
        count += len(await store.totals(scope))
        count += len((await entries.page(scope, "", "", 10)).entries)
    await store.close()
    await entries.close()
    return count


def files_of(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.iterdir())


ALL = 4 * len(SPACES)


@pytest.fixture(params=["sqlite", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "store")
    found: str = request.getfixturevalue("valkey_server")
    with redis.Redis.from_url(found) as client:
        client.flushall()
    return found


async def test_an_erased_tenant_is_gone_and_nobody_else(url: str) -> None:
    for tenant in (TENANT, *OTHERS):
        await fill(url, tenant)
    assert await held(url, TENANT) == ALL
    assert await erase(url, TENANT, RedisAccess()) > 0
    assert await held(url, TENANT) == 0
    assert {tenant: await held(url, tenant) for tenant in OTHERS} == dict.fromkeys(OTHERS, ALL)
    assert await erase(url, TENANT, RedisAccess()) == 0


async def test_no_key_of_an_erased_tenant_is_left_in_redis(valkey_server: str) -> None:
    with redis.Redis.from_url(valkey_server) as client:
        client.flushall()
        await fill(valkey_server, TENANT)
        assert client.dbsize() > 0
        await erase(valkey_server, TENANT, RedisAccess())
        assert client.keys("*") == []


async def test_no_byte_of_an_erased_tenant_is_left_in_the_files(tmp_path: Path) -> None:
    url = str(tmp_path)
    await fill(url, TENANT)
    kept = files_of(tmp_path)
    assert f"key of {TENANT}".encode() in kept
    assert SECRET in kept
    assert await erase(url, TENANT, RedisAccess()) > 0
    left = files_of(tmp_path)
    assert f"key of {TENANT}".encode() not in left
    assert SECRET not in left


def test_a_pattern_has_only_its_own_stars() -> None:
    assert key_patterns("a*b?[c]") == ("furler:{a%2Ab%3F%5Bc%5D}:*", "furler:{a%2Ab%3F%5Bc%5D/*")


async def test_a_store_in_memory_has_nothing_to_erase() -> None:
    with pytest.raises(ValueError, match="memory"):
        await erase("memory:", TENANT, RedisAccess())


def test_the_command_says_how_much_is_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["erase", "--tenant", "nobody", "--store", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "erased 0 records of the tenant\n"
    assert main(["erase", "--tenant", "nobody", "--store", "memory:"]) == 2
    assert main(["erase", "--tenant", "nobody", "--store", "redis://127.0.0.1:1/0"]) == 1
