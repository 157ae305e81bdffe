"""A store's URL names a store, or is refused with a sentence that helps and repeats no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.places import record_of
from furler_compressor.adapters.open_store import StoreOptions, StoreUrlError, open_store
from furler_compressor.adapters.sqlite_file import FILE_NAME
from furler_compressor.app.errors import StoreRefusedError
from furler_compressor.app.ports import Scope

SCOPE = Scope("tenant", "space")
LOG = record_of(b"ERROR disk full\n" * 40)


@pytest.mark.anyio
@pytest.mark.parametrize("form", ["{}", "sqlite:{}", "sqlite://{}", "SQLite:{}"])
async def test_a_directory_is_a_sqlite_store(form: str, tmp_path: Path) -> None:
    directory = tmp_path / "sto re"
    store = open_store(form.format(directory))
    assert not directory.exists()
    await store.commit(SCOPE, LOG, None, 60.0)
    await store.close()
    assert (directory / FILE_NAME).is_file()


@pytest.mark.anyio
async def test_memory_is_a_store_bounded_by_its_options() -> None:
    store = open_store("memory:", StoreOptions(max_bytes=10))
    with pytest.raises(StoreRefusedError, match="full"):
        await store.commit(SCOPE, LOG, None, 60.0)
    await store.close()


@pytest.mark.parametrize(
    "url",
    [
        "redis://host",
        "redis://user:p%23ss@host:6380/3",
        "REDIS://[::1]:6379/0",
        "rediss://host/0?ssl_ca_certs=/etc/ca.pem",
        "unix:///run/redis.sock?db=2",
        "unix://user:pass@/run/redis.sock",
        "redis+sentinel://a:26379,b,[::1]:26380/originals/2",
        "rediss+sentinel://user:p%40ss@a/originals",
        "redis+cluster://a:7000,b:7001",
        "REDISS+CLUSTER://user:pass@a/0",
    ],
)
def test_a_redis_url_connects_only_when_used(url: str) -> None:
    open_store(url)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("sqlite:", "names no directory"),
        ("sqlite:///", "names no directory"),
        ("postgres://s3cret@host/db", "no store has the scheme 'postgres'"),
        ("redis:", "needs a host"),
        ("redis:///0", "needs a host"),
        ("redis://:s3cret@host/zero", "ends with the database's number"),
        ("redis://host/0/1", "ends with the database's number"),
        ("redis://host:s3cret/0", "port or host that is none"),
        ("redis://host:99999/0", "port or host that is none"),
        ("redis://host/0?decode_responses=True", "unknown option"),
        ("redis://host/?db=one", "db that is no number"),
        ("redis://:s3#cret@host/0", "port or host that is none|write %23"),
        ("unix://run/redis.sock", "three slashes"),
        ("unix://", "three slashes"),
        ("redis+sentinel://a:26379", "names the service"),
        ("redis+sentinel://a/originals/x", "names the service"),
        ("redis+sentinel:a/originals", "lacks its slashes"),
        ("redis+sentinel://:s3cret@a:x/originals", "host 1 of the store's URL is none"),
        ("redis+sentinel://:s3cret@/originals", "host 1 of the store's URL is none"),
        ("redis+cluster://a,,b", "host 2 of the store's URL is none"),
        ("redis+cluster://:s3cret@a:99999", "host 1 of the store's URL is none"),
        ("redis+cluster://a/1", "one database only"),
        ("redis+cluster://:s3?cret@a", "takes no options"),
        ("redis+cluster://a?db=1", "takes no options"),
        ("redis+magic://a", "no store has the scheme"),
    ],
)
def test_a_url_that_names_no_store_is_refused_with_a_reason(url: str, says: str) -> None:
    with pytest.raises(StoreUrlError, match=says) as caught:
        open_store(url)
    assert "s3cret" not in str(caught.value)


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUrlError, match="needs a directory"):
        open_store(str(tmp_path / "file"))
