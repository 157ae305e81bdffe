"""The command line: which suites, which corpus, where the figures go."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import platformdirs

from . import (
    suite_ci_logs,
    suite_code,
    suite_conversations,
    suite_fleet,
    suite_floor,
    suite_folders,
    suite_html,
    suite_inputs,
    suite_json_api,
    suite_loghub,
    suite_prose,
    suite_retention,
    suite_service,
    suite_speed,
    suite_words,
)
from .corpus import CorpusError, open_corpus
from .furler_side import Furler
from .peer import VERSION, Peer, PeerError
from .report import Json, SuiteResult, bars_table, publish, write_json
from .setting import Setting, Suite

SUITES: dict[str, Suite] = {
    "inputs": suite_inputs.run,
    "json_api": suite_json_api.run,
    "loghub": suite_loghub.run,
    "ci_logs": suite_ci_logs.run,
    "conversations": suite_conversations.run,
    "folders": suite_folders.run,
    "code": suite_code.run,
    "html": suite_html.run,
    "qmsum": suite_prose.run_qmsum,
    "squad": suite_prose.run_squad,
    "retention": suite_retention.run,
    "words": suite_words.run,
    "speed": suite_speed.run_speed,
    "floor": suite_floor.run,
    "hostile": suite_speed.run_hostile,
    "service": suite_service.run,
    "fleet": suite_fleet.run,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suites. Returns 0; 1 if a suite was skipped or broke; 2 without a corpus."""
    arguments = _arguments(argv)
    try:
        corpus = open_corpus(arguments.corpus)
        with ExitStack() as stack:
            furler = stack.enter_context(Furler())
            peer = stack.enter_context(Peer(arguments.peer_cache)) if arguments.peer else None
            setting = Setting(
                corpus, furler, peer, arguments.quick, arguments.only, arguments.views
            )
            results = list(_run(arguments.suite, setting))
    except (CorpusError, PeerError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    bars = [bar for result in results for bar in result.bars]
    if bars:
        print(bars_table(bars), end="\n\n")
    header = _header(compared=arguments.peer)
    if arguments.json:
        write_json(arguments.json, header, results)
        print(f"figures: {arguments.json}")
    if arguments.page:
        publish(arguments.page, header, results)
        print(f"tables: {arguments.page}")
    return 0 if len(results) == len(arguments.suite) else 1


def _run(names: Sequence[str], setting: Setting) -> Iterator[SuiteResult]:
    for name in names:
        started = time.perf_counter()
        print(f"== {name}", flush=True)
        try:
            result = SUITES[name](setting)
        except CorpusError as error:
            print(f"skipped: {error}\n", flush=True)
            continue
        except Exception:  # noqa: BLE001 - a suite that breaks must not cost the others' figures
            traceback.print_exc()
            print(f"{name}: BROKEN\n", flush=True)
            continue
        for table in result.tables:
            print(table, end="\n\n")
        result = replace(result, seconds=time.perf_counter() - started)
        print(f"{name}: {result.seconds:.0f} s\n", flush=True)
        yield result


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    cache = Path(platformdirs.user_cache_dir("furler-bench", appauthor=False))
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--corpus", type=Path, help="directory of inputs (default: ../shared/corpus)"
    )
    parser.add_argument(
        "--suite",
        type=_suites,
        default=list(SUITES),
        help=f"some of {','.join(SUITES)} (default: all)",
    )
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument(
        "--page", type=Path, help="put the tables between the marks of this Markdown page"
    )
    parser.add_argument("--only", default="", help="inputs whose id contains this")
    parser.add_argument("--views", type=Path, help="write the views of inputs to this directory")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, rougher times")
    parser.add_argument(
        "--peer",
        action="store_true",
        help=f"run headroom-ai {VERSION} on the same inputs, in turns",
    )
    parser.add_argument(
        "--peer-cache", type=Path, default=cache, help=f"where its environment lies ({cache})"
    )
    return parser.parse_args(argv)


def _suites(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        raise argparse.ArgumentTypeError(f"no suite {unknown[0]!r}; have {', '.join(SUITES)}")
    return names


def _header(*, compared: bool) -> dict[str, Json]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "furler": version("furler-compressor"),
        "peer": f"headroom-ai {VERSION}" if compared else None,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "load average at the end": f"{os.getloadavg()[1]:.1f} over 5 minutes",
        "counter": "o200k_base",
    }


if __name__ == "__main__":
    sys.exit(main())
