"""What is stored sealed opens with its key, in its place, whole, or not at all."""

from __future__ import annotations

import base64
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.places import record_of
from furler_compressor.adapters.keyring import Keyring, KeyringError, MasterKey, load_keyring
from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.adapters.open_store import StoreOptions, decorate
from furler_compressor.adapters.sqlite_store import SqliteStore
from furler_compressor.adapters.wrap.sealed import SealedStore
from furler_compressor.app.errors import ContentCorruptError, StoreRefusedError
from furler_compressor.app.ports import Record, Scope, Store, StoredView

pytestmark = pytest.mark.anyio

HOUR = 3600.0
SCOPE = Scope("tenant", "space")
LOG = record_of(b"ERROR password is hunter2\n" * 40)
VIEW = StoredView("recipe", b"40 lines: ERROR password is hunter2")
OLD, NEW = MasterKey("2025", b"o" * 32), MasterKey("2026", b"n" * 32)
ONLY_OLD, ROTATED, ONLY_NEW = Keyring((OLD,)), Keyring((NEW, OLD)), Keyring((NEW,))


class Probe(MemoryStore):
    """Shows what lies in it, and lets it be changed."""

    def data(self, scope: Scope = SCOPE, ref: str = LOG.ref) -> bytes:
        return self._spaces[scope].entries[ref].record.data

    def view(self, recipe: str = VIEW.recipe) -> bytes:
        return self._spaces[SCOPE].entries[LOG.ref].views[recipe]

    def put(self, data: bytes | None = None, view: bytes | None = None) -> None:
        entry = self._spaces[SCOPE].entries[LOG.ref]
        if data is not None:
            entry.record = replace(entry.record, data=data)
        if view is not None:
            entry.views[VIEW.recipe] = view


async def fetched(store: Store, scope: Scope = SCOPE, ref: str = LOG.ref) -> Record:
    held = await store.fetch(scope, ref)
    assert held is not None
    return held.record


async def test_nothing_of_a_content_is_readable_in_the_store() -> None:
    probe = Probe()
    store = SealedStore(probe, ONLY_OLD)
    await store.commit(SCOPE, LOG, VIEW, HOUR)
    for stored in (probe.data(), probe.view()):
        assert b"hunter2" not in stored
        assert b"ERROR" not in stored
    assert await fetched(store) == LOG
    assert await store.recall(SCOPE, LOG.ref, "recipe", HOUR) == VIEW.data


async def test_the_same_content_is_never_the_same_bytes() -> None:
    seen: set[bytes] = set()
    for _ in range(20):
        probe = Probe()
        await SealedStore(probe, ONLY_OLD).commit(SCOPE, LOG, VIEW, HOUR)
        seen |= {probe.data(), probe.view()}
    assert len(seen) == 40


async def test_old_keys_open_and_a_new_commit_seals_with_the_newest(tmp_path: Path) -> None:
    for inner in (MemoryStore(), SqliteStore(tmp_path / "store")):
        await SealedStore(inner, ONLY_OLD).commit(SCOPE, LOG, VIEW, HOUR)
        rotated = SealedStore(inner, ROTATED)
        assert await fetched(rotated) == LOG
        assert await rotated.recall(SCOPE, LOG.ref, "recipe", HOUR) == VIEW.data
        await rotated.commit(SCOPE, LOG, VIEW, HOUR)
        after = SealedStore(inner, ONLY_NEW)
        assert await fetched(after) == LOG
        assert await after.recall(SCOPE, LOG.ref, "recipe", HOUR) == VIEW.data
        await inner.close()


async def test_a_redis_original_is_sealed_anew_too(valkey_server: str, scope: Scope) -> None:
    from furler_compressor.adapters.redis_store import RedisStore  # noqa: PLC0415

    inner = RedisStore(valkey_server)
    await SealedStore(inner, ONLY_OLD).commit(scope, LOG, VIEW, HOUR)
    await SealedStore(inner, ROTATED).commit(scope, LOG, VIEW, HOUR)
    assert await fetched(SealedStore(inner, ONLY_NEW), scope) == LOG
    await inner.close()


@pytest.fixture
def scope() -> Scope:
    return Scope("sealed-tenant", "space")


async def test_a_missing_key_is_no_damage_and_deletes_nothing() -> None:
    probe = Probe()
    await decorate(probe, StoreOptions(keyring=ONLY_NEW)).commit(SCOPE, LOG, VIEW, HOUR)
    behind = decorate(probe, StoreOptions(keyring=ONLY_OLD))
    assert await behind.recall(SCOPE, LOG.ref, "recipe", HOUR) is None
    with pytest.raises(StoreRefusedError, match="a key that is not here"):
        await behind.fetch(SCOPE, LOG.ref)
    ahead = decorate(probe, StoreOptions(keyring=ROTATED))
    assert await fetched(ahead) == LOG


async def test_another_key_under_the_same_name_does_not_pass_for_it() -> None:
    probe = Probe()
    await SealedStore(probe, ONLY_OLD).commit(SCOPE, LOG, VIEW, HOUR)
    impostor = SealedStore(probe, Keyring((MasterKey("2025", b"x" * 32),)))
    with pytest.raises(StoreRefusedError):
        await impostor.fetch(SCOPE, LOG.ref)
    assert await impostor.recall(SCOPE, LOG.ref, "recipe", HOUR) is None


@given(st.data())
@settings(max_examples=60)
def test_a_changed_byte_is_damage_never_other_bytes(data: st.DataObject) -> None:
    import asyncio  # noqa: PLC0415

    async def attempt() -> None:
        probe = Probe()
        store = SealedStore(probe, ONLY_OLD, only=True)
        await store.commit(SCOPE, LOG, VIEW, HOUR)
        sealed, view = bytearray(probe.data()), bytearray(probe.view())
        for stored in (sealed, view):
            at = data.draw(st.integers(0, len(stored) - 1))
            stored[at] ^= data.draw(st.integers(1, 255))
        cut = data.draw(st.integers(0, 40))
        probe.put(bytes(sealed[: len(sealed) - cut]), bytes(view[: len(view) - cut]))
        with pytest.raises((ContentCorruptError, StoreRefusedError)):
            await store.fetch(SCOPE, LOG.ref)
        assert await store.recall(SCOPE, LOG.ref, "recipe", HOUR) is None

    asyncio.run(attempt())


async def test_a_record_that_was_moved_does_not_open() -> None:
    probe = Probe()
    store = SealedStore(probe, ONLY_OLD)
    other = replace(record_of(b"another"), ref="another")
    elsewhere = Scope("tenant", "elsewhere")
    for scope, record in ((SCOPE, LOG), (SCOPE, other), (elsewhere, LOG)):
        await store.commit(scope, record, replace(VIEW, recipe="r2"), HOUR)
    await store.commit(SCOPE, LOG, VIEW, HOUR)
    for moved in (probe.data(SCOPE, "another"), probe.data(elsewhere)):
        probe.put(moved)
        with pytest.raises(ContentCorruptError):
            await store.fetch(SCOPE, LOG.ref)
    probe.put(view=probe.view("r2"))
    assert await store.recall(SCOPE, LOG.ref, "recipe", HOUR) is None


async def test_sealing_can_be_switched_on_while_originals_are_held() -> None:
    probe = Probe()
    await decorate(probe, StoreOptions()).commit(SCOPE, LOG, VIEW, HOUR)
    switched = decorate(probe, StoreOptions(keyring=ONLY_NEW))
    assert await fetched(switched) == LOG
    assert await switched.recall(SCOPE, LOG.ref, "recipe", HOUR) is None
    strict = SealedStore(probe, ONLY_NEW, only=True)
    with pytest.raises(ContentCorruptError):
        await strict.fetch(SCOPE, LOG.ref)
    await switched.commit(SCOPE, LOG, VIEW, HOUR)
    assert (await fetched(strict)).sha256 == LOG.sha256
    assert await switched.recall(SCOPE, LOG.ref, "recipe", HOUR) == VIEW.data


# The keyring's file


def line(key: MasterKey) -> str:
    return f"{key.name}:{base64.b64encode(key.secret).decode()}"


def test_a_keyring_is_lines_or_json_newest_first(tmp_path: Path) -> None:
    lines, file = tmp_path / "lines", tmp_path / "json"
    lines.write_text(f"# rotated in May\n{line(NEW)}\n\n  {line(OLD)}  # until June\n")
    pairs = ", ".join(f'"{k}": "{v}"' for k, v in (line(key).split(":") for key in (NEW, OLD)))
    file.write_text("{" + pairs + "}")
    assert load_keyring(lines) == load_keyring(file) == ROTATED


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no key"),
        ("# nothing\n", "holds no key"),
        ("no colon", "line 1 of the keyring is no NAME:KEY"),
        ("short:c2hvcnQ=", "key 'short' of the keyring is not base64 of 32 bytes"),
        ("bad:%%%", "key 'bad' of the keyring is not base64 of 32 bytes"),
        ("{", "not valid JSON"),
        (f"{line(OLD)}\n{line(OLD)}", "twice"),
    ],
)
def test_a_keyring_that_cannot_be_used_says_why_and_repeats_no_key(
    text: str, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "keyring"
    file.write_text(text)
    with pytest.raises(KeyringError, match=says) as raised:
        load_keyring(file)
    assert base64.b64encode(OLD.secret).decode() not in str(raised.value)
    logging.getLogger(__name__).debug("%r", OLD)
    assert "oooo" not in repr(ROTATED)
