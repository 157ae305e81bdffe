"""The command line: run scenarios, print tables, judge limits, write JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from loadtests.fleet import machine
from loadtests.report import Json, as_json, judge, table
from loadtests.scenario import Settings, load_settings
from loadtests.scenarios import SCENARIOS

_NOT_BY_DEFAULT = frozenset({"soak"})
"""Runs when it is asked for by name, or in the short form."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is asked for. Returns 1 if a limit was broken, 2 for a wrong command."""
    parser = argparse.ArgumentParser(prog="python -m loadtests", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="which; all but soak")
    parser.add_argument("--list", action="store_true", help="name the scenarios and end")
    parser.add_argument("--short", action="store_true", help="a few seconds each")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=NUMBER")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    arguments = parser.parse_args(argv)
    settings = load_settings()
    if arguments.list:
        print("\n".join(f"{name:14} {settings[name].about}" for name in SCENARIOS))
        return 0
    default = [name for name in SCENARIOS if arguments.short or name not in _NOT_BY_DEFAULT]
    chosen = arguments.scenarios or default
    if unknown := set(chosen) - set(SCENARIOS):
        parser.error(f"no scenario {', '.join(sorted(unknown))}; --list names them")
    try:
        given = {name: float(value) for name, _, value in (s.partition("=") for s in arguments.set)}
    except ValueError:
        parser.error("--set: want NAME=NUMBER")
    return _run([settings[name] for name in chosen], given, arguments.json, short=arguments.short)


def _run(
    chosen: Sequence[Settings], given: dict[str, float], file: Path | None, *, short: bool
) -> int:
    figures: dict[str, Json] = {}
    broken: list[str] = []
    on = machine()
    print(", ".join(f"{key}: {value}" for key, value in on.items()))
    for settings in chosen:
        print(f"\n{settings.name}: {settings.about}")
        start = time.monotonic()
        parameters = settings.parameters(short=short, given=given)
        result = asyncio.run(SCENARIOS[settings.name](parameters))
        if result.skipped:
            print(f"  skipped: {result.skipped}")
            continue
        judged = judge(settings, result, short=short)
        print(table(result.phases))
        print("\n".join(map(str, judged)), f"\n  {time.monotonic() - start:.0f} s", flush=True)
        broken += [f"{settings.name}: {j.limit.fact}" for j in judged if j.kept is False]
        figures[settings.name] = as_json(settings, parameters, result, judged)
    if file is not None:
        form = "short" if short else "full"
        run: dict[str, Json] = {"machine": dict(on), "form": form, "scenarios": figures}
        file.write_text(json.dumps(run, indent=1) + "\n")
    print(f"\n{'BROKEN: ' + '; '.join(broken) if broken else 'all limits were kept'}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
