"""Three replicas and a store that are killed, paused and filled under load: no wrong answer, ever."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable

import grpc

import redis_fleets
from chaos.door import door
from chaos.fleet import Disturber, Fleet, Place, durable_store, fleet
from chaos.history import Compressed, Deleted, History, Put, Retrieved, Watched, violations
from furler.v1 import (
    compression_pb2,
    compressor_service_pb2,
    content_pb2,
    content_service_pb2,
    shared_context_service_pb2,
)
from support.inputs import service_log

CLIENTS = 6
SECONDS = 12.0
PLACES = tuple(Place(*names) for names in (("acme", "red"), ("acme", "blue"), ("globex", "red")))
CONTENTS = tuple(service_log(120 + 7 * n) for n in range(12))
CALL_SECONDS = 3.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.2, 1.5


class Client:
    """One agent: compresses, retrieves what it or others were given, deletes now and then."""

    def __init__(self, fleet: Fleet, history: History, refs: list[str], seed: int) -> None:
        self._fleet = fleet
        self._history = history
        self._refs = refs
        self._rng = random.Random(seed)  # noqa: S311 - repeatable, not secret

    def run(self, end: float) -> None:
        while time.monotonic() < end:
            place = self._rng.choice(PLACES)
            acts = (self.compress, self.retrieve, self.delete, self.put)
            act = self._rng.choices(acts, (5, 8, 1, 4))[0]
            try:
                act(place)
            except (grpc.RpcError, ValueError):
                # Not available is an answer a service that is being killed may give; ValueError is
                # what gRPC raises for a channel that the killer closed.
                self._rng.random()

    def compress(self, place: Place) -> None:
        content = self._rng.choice(CONTENTS)
        request = compressor_service_pb2.CompressRequest(
            space=place.space, content=content_pb2.Content(inline=content.encode())
        )
        replica = self._fleet.any_replica(self._rng)
        invoked = time.monotonic()
        view = replica.compressor.Compress(
            request, timeout=CALL_SECONDS, metadata=place.credential
        ).view
        degraded = compression_pb2.DegradedReason.Name(view.degraded)
        self._history.add(
            Compressed(
                invoked, time.monotonic(), str(place), content, view.text, view.ref, degraded
            )
        )
        if view.ref:
            self._refs.append(view.ref)

    def retrieve(self, place: Place) -> None:
        if not self._refs:
            return
        ref = self._rng.choice(self._refs)
        request = content_service_pb2.RetrieveRequest(space=place.space, ref=ref)
        replica = self._fleet.any_replica(self._rng)
        invoked = time.monotonic()
        data: str | None = None
        try:
            data = replica.contents.Retrieve(
                request, timeout=CALL_SECONDS, metadata=place.credential
            ).data.decode()
        except grpc.RpcError as error:
            if not isinstance(error, grpc.Call) or error.code() is not grpc.StatusCode.NOT_FOUND:
                raise
        self._history.add(Retrieved(invoked, time.monotonic(), str(place), ref, data))

    def delete(self, place: Place) -> None:
        if not self._refs:
            return
        ref = self._rng.choice(self._refs)
        request = content_service_pb2.DeleteContentRequest(space=place.space, ref=ref)
        replica = self._fleet.any_replica(self._rng)
        invoked, ended = time.monotonic(), math.inf
        try:
            replica.contents.DeleteContent(request, timeout=CALL_SECONDS, metadata=place.credential)
            ended = time.monotonic()
        finally:
            self._history.add(Deleted(invoked, ended, str(place), ref))

    def put(self, place: Place) -> None:
        key = f"finding-{self._rng.randrange(4)}"
        request = shared_context_service_pb2.PutEntryRequest(
            space=place.space,
            key=key,
            content=content_pb2.Content(inline=f"seen at {self._rng.random()}".encode()),
        )
        replica = self._fleet.any_replica(self._rng)
        invoked = time.monotonic()
        entry = replica.shared.PutEntry(
            request, timeout=CALL_SECONDS, metadata=place.credential
        ).entry
        self._history.add(Put(invoked, time.monotonic(), str(place), key, entry.revision))


class Watcher:
    """One agent that follows a space, across whatever breaks its stream."""

    def __init__(self, fleet: Fleet, history: History, place: Place) -> None:
        self._fleet = fleet
        self._history = history
        self._place = place
        self._rng = random.Random(str(place))  # noqa: S311 - repeatable, not secret
        self._changes: list[tuple[int, str]] = []

    def run(self, end: float) -> None:
        while time.monotonic() < end:
            self._watch(end)

    def _watch(self, end: float) -> None:
        """Watch from now on, until the end or until the place to go on at is lost."""
        invoked, self._changes = time.monotonic(), []
        after = at = self._start(end)
        while time.monotonic() < end:
            try:
                at = self._follow(at)
            except grpc.RpcError as error:
                at = self._changes[-1][0] if self._changes else at
                if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.OUT_OF_RANGE:
                    break
            except ValueError:
                at = self._changes[-1][0] if self._changes else at
        self._history.add(
            Watched(invoked, time.monotonic(), str(self._place), after, tuple(self._changes))
        )

    def _start(self, end: float) -> int:
        request = shared_context_service_pb2.PutEntryRequest(
            space=self._place.space, key="start", content=content_pb2.Content(inline=b"watching")
        )
        while time.monotonic() < end:
            try:
                replica = self._fleet.any_replica(self._rng)
                return replica.shared.PutEntry(
                    request, timeout=CALL_SECONDS, metadata=self._place.credential
                ).entry.revision
            except (grpc.RpcError, ValueError):
                continue
        return 0

    def _follow(self, after: int) -> int:
        """Follow one stream to its deadline or its end; return where to go on."""
        request = shared_context_service_pb2.WatchEntriesRequest(
            space=self._place.space, after_revision=after
        )
        replica = self._fleet.any_replica(self._rng)
        for answer in replica.shared.WatchEntries(
            request, timeout=CALL_SECONDS, metadata=self._place.credential
        ):
            for change in answer.changes:
                event = change.put if change.HasField("put") else change.deleted
                self._changes.append((event.revision, event.key))
                after = event.revision
        return after


def disturb(fleet: Fleet, store: Disturber, end: float) -> None:
    """Kill and pause replicas and the store, and fill the store, one thing after another."""
    rng = random.Random(1)  # noqa: S311 - repeatable, not secret
    acts: tuple[Callable[[], None], ...] = (
        lambda: fleet.kill_replica(rng),
        lambda: fleet.pause_replica(rng, 0.5),
        lambda: store.pause(0.5),
        lambda: store.fill(0.5),
        store.restart,
    )
    turn = 0
    while time.monotonic() < end:
        acts[turn % len(acts)]()
        turn += 1
        time.sleep(rng.uniform(_SHORTEST_PAUSE, _LONGEST_PAUSE))


def played(running: Fleet, seconds: float, *disturbances: Callable[[float], None]) -> History:
    """Let clients at a fleet for a while, with what disturbs it; return what they saw."""
    history, refs = History(), list[str]()
    end = time.monotonic() + seconds
    clients = [Client(running, history, refs, seed) for seed in range(CLIENTS)]
    watchers = [Watcher(running, history, place) for place in PLACES]
    agents: list[Client | Watcher] = [*clients, *watchers]
    works = [*(agent.run for agent in agents), *disturbances]
    threads = [threading.Thread(target=work, args=(end,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return history


def test_no_wrong_answer_while_replicas_and_the_store_are_killed_paused_and_filled() -> None:
    with durable_store() as store, fleet(store.url) as running:
        history = played(running, SECONDS, lambda end: disturb(running, Disturber(store), end))
    kinds = {type(operation) for operation in history.operations}
    assert violations(history.operations) == []
    assert kinds == {Compressed, Retrieved, Deleted, Put, Watched}
    watched = [o for o in history.operations if isinstance(o, Watched)]
    assert all(sum(len(o.changes) for o in watched if o.space == str(p)) > 10 for p in PLACES)
    assert sum(isinstance(o, Retrieved) and o.data is not None for o in history.operations) > 50


def test_a_failover_may_lose_the_newest_and_nothing_is_ever_wrong() -> None:
    killed: list[float] = []
    with redis_fleets.watched() as stores, fleet(stores.url) as running:

        def fail_over(end: float) -> None:
            time.sleep((end - time.monotonic()) / 4)
            stores.primary.kill()
            killed.append(time.monotonic())

        history = played(running, SECONDS, fail_over)
    assert violations(history.operations, lost_before=killed[0]) == []
    after = [o for o in history.operations if isinstance(o, Retrieved) and o.invoked > killed[0]]
    assert sum(o.data is not None for o in after) > 10


def test_a_replica_cut_off_from_the_store_gives_no_wrong_answer() -> None:
    with (
        durable_store() as store,
        door(store.directory / "socket") as way,
        fleet(store.url, replicas=2) as running,
    ):
        running.add_replica(way.url)

        def cut_off(end: float) -> None:
            while time.monotonic() < end:
                way.shut()
                time.sleep(_LONGEST_PAUSE)
                way.heal()
                time.sleep(_LONGEST_PAUSE)

        history = played(running, SECONDS, cut_off)
    assert violations(history.operations) == []
    degraded = [o for o in history.operations if isinstance(o, Compressed) and not o.ref]
    assert len(degraded) > 0
    assert all(o.text == o.content for o in degraded)


def test_the_checker_notices_when_references_are_revealed_before_they_are_stored() -> None:
    with durable_store() as store, fleet(store.url, 2, "support.revealing") as running:
        history = played(running, 4)
    assert any("was revealed and is not found" in line for line in violations(history.operations))
