"""Any sequence of writes, deletions and pauses leaves every backend as a dict would be.

And its log of changes, replayed from any position, leads from what was then to what is now.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.entries_places import EntriesPlace, history, open_place, with_request, write_of
from furler_compressor.app.entries_port import Change, Removal
from furler_compressor.app.errors import (
    EntryNotFoundError,
    FieldInvalidError,
    RevisionMismatchError,
)
from furler_compressor.app.ports import Scope

KEYS = st.sampled_from(["a", "a/b", "b", "é"])
TEXTS = st.sampled_from(["one", "two"])
# No sum of 30 pauses equals a sum of retentions, so nothing expires in the very moment of a look.
RETENTIONS = st.sampled_from([7.0, 101.0, 15001.0])


@dataclass(frozen=True)
class Step:
    """One call. ``condition``: none, a right if_revision, a wrong one. ``request``: "" or its id."""

    method: str
    key: str
    text: str
    retention: float
    condition: str
    request: str


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["put", "put", "put", "delete", "pass"]),
        KEYS,
        TEXTS,
        RETENTIONS,
        st.sampled_from(["none", "none", "right", "wrong"]),
        st.sampled_from(["", "", "r1", "r2"]),
    ),
    max_size=25,
)
LASTING = STEPS.map(
    lambda steps: [replace(s, retention=3600.0) for s in steps if s.method != "pass"]
)


@dataclass
class Model:
    """What a dict knows: (revision, text, expiry) by key, and each request's outcome."""

    held: dict[str, tuple[int, str, float]] = field(default_factory=dict)
    requests: dict[str, tuple[tuple[str | int | None, ...], int]] = field(default_factory=dict)
    snapshots: dict[int, dict[str, str]] = field(default_factory=lambda: {0: {}})

    def texts(self) -> dict[str, str]:
        return {key: text for key, (_, text, _) in self.held.items()}

    def expire(self, now: float) -> None:
        self.held = {key: each for key, each in self.held.items() if each[2] > now}


async def apply(place: EntriesPlace, scope: Scope, model: Model, step: Step) -> None:
    """Do a step on both, and compare what comes of it."""
    now = place.now()
    model.expire(now)
    at = model.held.get(step.key, (0, "", 0.0))[0]
    condition = {"none": None, "right": at, "wrong": at + 1}[step.condition]
    identity = (step.method, step.key, step.text if step.method == "put" else None, condition)
    known = model.requests.get(step.request)
    removal = Removal(step.key, condition, step.request)
    write = replace(
        with_request(write_of(step.key, step.text, step.retention), step.request),
        if_revision=condition,
    )
    expected: type[Exception] | None = None
    if known and known[0] != identity:
        expected = FieldInvalidError
    elif not known and step.method == "delete" and not at:
        expected = EntryNotFoundError
    elif not known and step.condition == "wrong":
        expected = RevisionMismatchError
    try:
        if step.method == "put":
            revision = (await place.entries.put(scope, write)).entry.revision
        else:
            revision = await place.entries.delete(scope, removal)
    except (FieldInvalidError, EntryNotFoundError, RevisionMismatchError) as error:
        assert type(error) is expected  # noqa: PT017 - which one depends on the step
        return
    assert expected is None
    if known:
        assert revision == known[1]
        return
    assert revision > max(model.snapshots)
    if step.method == "put":
        model.held[step.key] = (revision, step.text, now + step.retention)
    else:
        del model.held[step.key]
    if step.request:
        model.requests[step.request] = (identity, revision)
    model.snapshots[revision] = model.texts()


def replayed(state: dict[str, str], changes: list[Change]) -> dict[str, str]:
    state = dict(state)
    for change in changes:
        if change.entry is None:
            # A tombstone is of something that was there: never a second one.
            del state[change.key]
        else:
            state[change.key] = change.entry.body.decode()
    return state


async def compare(place: EntriesPlace, scope: Scope, steps: list[Step]) -> None:
    model = Model()
    for step in steps:
        if step.method == "pass":
            assert place.clock is not None
            place.clock.now += 2 * step.retention
        else:
            await apply(place, scope, model, step)
    model.expire(place.now())
    whole = await history(place.entries, scope, 0)
    page = await place.entries.page(scope, "", "", 100)
    assert {entry.key: entry.body.decode() for entry in page.entries} == model.texts()
    assert [entry.revision for entry in page.entries] == [
        model.held[entry.key][0] for entry in page.entries
    ]
    for key in ("a", "a/b", "b", "é"):
        found = (await place.entries.get(scope, key)).entry
        assert (found.revision if found else None) == model.held.get(key, (None,))[0]
    revisions = [change.revision for change in whole]
    assert revisions == sorted(set(revisions))
    for position in range(len(whole) + 1):
        before = replayed({}, whole[:position])
        after = revisions[position - 1] if position else 0
        rest = await history(place.entries, scope, after, 3)
        assert rest == whole[position:]
        assert replayed(before, rest) == model.texts()


async def run(backend: str, directory: Path, url: str, scope: Scope, steps: list[Step]) -> None:
    place = open_place(backend, directory, lambda: url)
    try:
        await compare(place, scope, steps)
    finally:
        await place.entries.close()


@pytest.mark.parametrize("backend", ["memory", "sqlite"])
@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_a_backend_is_a_dict_with_a_log_while_time_passes(backend: str, steps: list[Step]) -> None:
    directory = Path(tempfile.mkdtemp())
    try:
        asyncio.run(run(backend, directory, "", Scope("tenant", "space"), steps))
    finally:
        shutil.rmtree(directory)


@pytest.fixture
def tenants() -> list[str]:
    """Grows by one name per example: a server outlives them all."""
    return ["model"]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=LASTING)
def test_redis_is_a_dict_with_a_log(
    steps: list[Step], valkey_server: str, tenants: list[str]
) -> None:
    tenants.append(f"model-{len(tenants)}-{id(tenants)}")
    scope = Scope(tenants[-1], "space")
    asyncio.run(run("redis", Path("unused"), valkey_server, scope, steps))
