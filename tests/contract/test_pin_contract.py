"""What every store promises of conversations: pins, run against each backend and its decorators."""

from __future__ import annotations

import asyncio

import pytest

from contract.places import Place, record_of
from furler_compressor.app.errors import StoreRefusedError, StoreUnavailableError
from furler_compressor.app.ports import Pin, Record, Scope, Store, Usage

pytestmark = pytest.mark.anyio

HOUR = 3600.0
LOG = record_of(b"ERROR disk full\n" * 40)
TABLE = record_of(b'[{"id": 1}, {"id": 2}]')
PINS = {"k1": Pin(LOG.ref, b"view of the log"), "k2": Pin("", b"as it is")}
DATA = {key: pin.data for key, pin in PINS.items()}
AWKWARD = ["", "a", "a:b", "a}", "{a", "a/b", "é", "租户", "a\0b", " a", "A", "x" * 300]


async def test_what_is_pinned_comes_back(store: Store, scope: Scope) -> None:
    assert await store.pins(scope, "c", HOUR) == {}
    assert await store.pin(scope, "c", PINS, HOUR) == DATA
    assert await store.pins(scope, "c", HOUR) == DATA


async def test_the_first_pin_of_a_key_wins(store: Store, scope: Scope) -> None:
    await store.pin(scope, "c", PINS, HOUR)
    other = {"k1": Pin(TABLE.ref, b"another view"), "k3": Pin("", b"new")}
    assert await store.pin(scope, "c", other, HOUR) == {"k1": DATA["k1"], "k3": b"new"}
    assert await store.pins(scope, "c", HOUR) == {**DATA, "k3": b"new"}


async def test_all_who_pin_at_once_get_the_same(store: Store, scope: Scope) -> None:
    mine = [{f"k{n}": Pin("", b"%d" % writer) for n in range(5)} for writer in range(8)]
    answers = await asyncio.gather(*(store.pin(scope, "c", pins, HOUR) for pins in mine))
    assert all(answer == answers[0] for answer in answers)
    assert len(set(answers[0].values())) == 1


async def test_pinning_nothing_pins_nothing(store: Store, scope: Scope) -> None:
    assert await store.pin(scope, "c", {}, HOUR) == {}
    assert await store.pins(scope, "c", HOUR) == {}


async def test_names_that_look_alike_are_apart(store: Store, scope: Scope) -> None:
    for name in AWKWARD:
        await store.pin(scope, name, {name: Pin("", name.encode())}, HOUR)
    for name in AWKWARD:
        assert await store.pins(scope, name, HOUR) == {name: name.encode()}


@pytest.mark.parametrize("data", [b"", b":", b"\0\xff:\n", bytes(range(256)) * 50])
async def test_any_bytes_are_pinned(store: Store, scope: Scope, data: bytes) -> None:
    await store.pin(scope, "c", {"k": Pin("r:e", data)}, HOUR)
    assert await store.pins(scope, "c", HOUR) == {"k": data}


async def test_pins_are_of_one_tenant_and_one_space(store: Store, scope: Scope) -> None:
    await store.pin(scope, "c", PINS, HOUR)
    for other in (Scope(scope.tenant, "other"), Scope(scope.tenant + "x", scope.space)):
        assert await store.pins(other, "c", HOUR) == {}
        assert await store.pin(other, "c", {"k1": Pin("", b"theirs")}, HOUR) == {"k1": b"theirs"}
    assert await store.pins(scope, "c", HOUR) == DATA


async def test_a_deleted_original_takes_its_pins_along(store: Store, scope: Scope) -> None:
    await store.commit(scope, LOG, None, HOUR)
    await store.pin(scope, "c", PINS, HOUR)
    await store.pin(scope, "d:é", {"k": Pin(LOG.ref, b"x"), "l": Pin(TABLE.ref, b"y")}, HOUR)
    other = Scope(scope.tenant, "other")
    await store.pin(other, "c", PINS, HOUR)
    await store.delete(scope, LOG.ref)
    assert await store.pins(scope, "c", HOUR) == {"k2": DATA["k2"]}
    assert await store.pins(scope, "d:é", HOUR) == {"l": b"y"}
    assert await store.pins(other, "c", HOUR) == DATA
    assert await store.pin(scope, "c", {"k1": Pin("", b"new")}, HOUR) == {"k1": b"new"}


async def test_pins_are_forgotten_together_after_their_retention(
    place: Place, scope: Scope
) -> None:
    store = place.store
    await store.pin(scope, "c", PINS, place.short)
    await store.pin(scope, "d", PINS, HOUR)

    async def gone() -> bool:
        # Asking extends: ask with the least there is.
        return await store.pins(scope, "c", 0.0) == {}

    await place.eventually(2 * place.short, gone)
    assert await store.pins(scope, "d", HOUR) == DATA
    assert await store.pin(scope, "c", {"k1": Pin("", b"anew")}, HOUR) == {"k1": b"anew"}
    assert await store.pins(scope, "c", HOUR) == {"k1": b"anew"}


@pytest.mark.parametrize("how", ["pins", "pin"])
async def test_using_a_conversation_extends_its_retention(
    place: Place, scope: Scope, how: str
) -> None:
    store = place.store
    await store.commit(scope, LOG, None, place.short)
    await store.pin(scope, "c", PINS, place.short)
    if how == "pins":
        await store.pins(scope, "c", HOUR)
    else:
        await store.pin(scope, "c", {"k2": PINS["k2"]}, HOUR)

    async def log_is_gone() -> bool:
        return await store.fetch(scope, LOG.ref) is None

    await place.eventually(2 * place.short, log_is_gone)
    assert await store.pins(scope, "c", HOUR) == DATA
    await store.delete(scope, LOG.ref)  # what finds an original's pins must have lived as long
    assert await store.pins(scope, "c", HOUR) == {"k2": DATA["k2"]}


async def test_originals_committed_together_are_all_there(store: Store, scope: Scope) -> None:
    await store.commit_all(scope, [LOG, TABLE, LOG], HOUR)
    await store.commit_all(scope, [], HOUR)
    assert await store.usage(scope) == Usage(2, LOG.size + TABLE.size)
    for record in (LOG, TABLE):
        held = await store.fetch(scope, record.ref)
        assert held is not None
        assert held.record == record


async def test_together_too_a_reference_with_another_digest_is_refused(
    store: Store, scope: Scope
) -> None:
    await store.commit(scope, LOG, None, HOUR)
    clash = Record(LOG.ref, TABLE.sha256, TABLE.size, TABLE.data)
    with pytest.raises(StoreRefusedError):
        await store.commit_all(scope, [TABLE, clash], HOUR)


async def test_a_closed_store_pins_nothing(store: Store, scope: Scope) -> None:
    await store.close()
    with pytest.raises(StoreUnavailableError):
        await store.pins(scope, "c", HOUR)
    with pytest.raises(StoreUnavailableError):
        await store.pin(scope, "c", PINS, HOUR)
    with pytest.raises(StoreUnavailableError):
        await store.commit_all(scope, [LOG], HOUR)
