"""What is remembered of pins is right, bounded, and forgotten in time."""

from __future__ import annotations

from furler_compressor.app.pin_memory import PinMemory
from furler_compressor.app.ports import Scope

HERE, THERE = Scope("acme", "red"), Scope("globex", "red")
PINS = {"a": b"1", "b": b"2"}


def test_pins_are_remembered_until_their_time_and_for_their_scope_only() -> None:
    memory = PinMemory()
    memory.remember(HERE, "c1", PINS, now=0.0, until=100.0)
    assert memory.recall(HERE, "c1", now=99.0) == PINS
    assert memory.recall(HERE, "c1", now=100.0) is None
    assert memory.recall(THERE, "c1", now=99.0) is None
    assert memory.recall(HERE, "c2", now=99.0) is None


def test_a_later_turn_takes_the_place_of_an_earlier_one() -> None:
    memory = PinMemory()
    memory.remember(HERE, "c1", PINS, now=0.0, until=100.0)
    memory.remember(HERE, "c1", {**PINS, "c": b"3"}, now=0.0, until=200.0)
    assert memory.recall(HERE, "c1", now=150.0) == {**PINS, "c": b"3"}


def test_the_conversation_remembered_longest_ago_goes_first_when_memory_is_full() -> None:
    memory = PinMemory(max_bytes=10)
    for name in ("c1", "c2", "c1", "c3"):
        memory.remember(HERE, name, PINS, now=0.0, until=100.0)
    held = [name for name in ("c1", "c2", "c3") if memory.recall(HERE, name, now=0.0)]
    assert held == ["c1", "c3"]
    memory.remember(HERE, "large", {"a": b"0" * 100}, now=0.0, until=100.0)
    assert memory.recall(HERE, "large", now=0.0) is None


def test_what_is_over_is_let_go_and_not_only_hidden() -> None:
    memory = PinMemory()
    for name, until in (("c1", 100.0), ("c2", 110.0), ("c3", 300.0), ("c4", 120.0)):
        memory.remember(HERE, name, PINS, now=0.0, until=until)
    memory.remember(HERE, "c5", PINS, now=120.0, until=300.0)
    held = [name for name in ("c1", "c2", "c3", "c4", "c5") if memory.recall(HERE, name, now=0.0)]
    # One of a short time waits for an older one of a long time.
    assert held == ["c3", "c4", "c5"]
    memory.remember(HERE, "c6", PINS, now=300.0, until=900.0)
    assert memory.recall(HERE, "c5", now=0.0) is None


def test_an_erasure_in_a_scope_forgets_that_scope() -> None:
    memory = PinMemory()
    memory.remember(HERE, "c1", PINS, now=0.0, until=100.0)
    memory.remember(THERE, "c1", PINS, now=0.0, until=100.0)
    memory.forget(HERE)
    assert memory.recall(HERE, "c1", now=0.0) is None
    assert memory.recall(THERE, "c1", now=0.0) == PINS
