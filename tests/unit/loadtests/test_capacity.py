"""The capacity page is what the figures give, and its arithmetic is right."""

from __future__ import annotations

import importlib.util
import json
import sys
import tomllib
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@cache
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "generate_capacity", ROOT / "tools/generate_capacity.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["generate_capacity"] = module  # its dataclasses look there
    spec.loader.exec_module(module)
    return module


def assumed(**changes: dict[str, object]) -> dict[str, dict[str, object]]:
    found = tomllib.loads((ROOT / "loadtests/capacity.toml").read_text())
    for table, values in changes.items():
        found[table] |= values
    return found


def scenario(ok: int, cpu: dict[str, float], stored: float = 0.0) -> dict[str, object]:
    phase = {"ok": ok, "cpu_seconds": cpu}
    return {"phases": [phase], "facts": {"store_bytes_per_call": stored}}


FIGURES = {
    "machine": {"processor": "p"},
    "form": "full",
    "scenarios": {
        "conversations": scenario(1000, {"serving": 1.0, "engine": 5.0, "store": 0.1}, 2000.0),
        "retrievals": scenario(100, {"serving": 0.2, "engine": 0.2, "store": 0.02}),
        "gateway": scenario(100, {"serving": 0.2, "engine": 0.5, "store": 0.01, "gateway": 0.1}),
        "prose": scenario(100, {"serving": 1.0, "engine": 2.0, "store": 0.0}),
        "overload": {"phases": [], "facts": {}},
    },
}


def test_the_page_is_what_the_load_run_gives() -> None:
    results = json.loads((ROOT / "loadtests/results.json").read_text())
    assert (ROOT / "docs/capacity.md").read_text() == tool().page(results, assumed())


def test_a_call_costs_what_its_phases_spent() -> None:
    cost = tool().costs(FIGURES)["conversations"]
    assert (cost.serving, cost.engine, cost.store, cost.stored_bytes) == (1.0, 5.0, 0.1, 2000.0)
    assert "overload" not in tool().costs(FIGURES)


def test_replicas_cover_the_work_and_are_never_alone() -> None:
    given = assumed(agents={"retrievals_per_turn": 0.0, "turns_per_second": 1.0})
    measured = tool().costs(FIGURES)
    # 6 ms a turn, 3 cores of which 60 % are planned with: 300 turns per second and replica.
    assert [tool().needs(n, measured, given).replicas for n in (1, 300, 1200)] == [2, 2, 4]


def test_the_core_that_serves_can_be_what_counts() -> None:
    given = assumed(
        agents={"retrievals_per_turn": 0.0, "turns_per_second": 1.0}, replica={"cores": 100}
    )
    # 1 ms a turn on one core, 60 % planned with: 600 turns per second and replica.
    assert tool().needs(6000, tool().costs(FIGURES), given).replicas == 10


def test_memory_is_for_the_hours_that_agents_work_within_the_retention() -> None:
    given = assumed(
        agents={"turns_per_second": 1.0, "hours_per_day": 8},
        redis={"overhead": 1.0, "retention_hours": [24, 2, 48]},
    )
    memory = tool().needs(1000, tool().costs(FIGURES), given).redis_memory_gb
    per_hour = 1000 * 2000 * 3600 / 1e9
    assert memory == pytest.approx({24: 8 * per_hour, 2: 2 * per_hour, 48: 16 * per_hour})


def test_what_runs_out_first_stands_first() -> None:
    found = tool().bottlenecks(tool().costs(FIGURES), assumed())
    assert [b.agents for b in found] == sorted(b.agents for b in found)
    cores = next(b for b in found if "cores of one replica" in b.what and "model" not in b.what)
    given = assumed()
    served = cores.agents * float(str(given["agents"]["turns_per_second"]))
    # At that many agents one replica's planned share of its cores is what turns cost.
    turn = tool().turn_cost(tool().costs(FIGURES), given)
    assert served * (turn.serving + turn.engine) / 1000 == pytest.approx(3 * 0.6)
