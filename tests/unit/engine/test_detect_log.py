"""Which printed output is which: logs, tests, builds, diagnostics, traces, and what only looks alike."""

import pytest

from furler_engine.detect import detect
from furler_engine.types import Kind, Source

LINES = [
    (Kind.LOG, "Nov 20 03:{n:02d}:55 web-1 cron[{n}]: (root) CMD (/usr/lib/sa1)"),
    (Kind.LOG, "2026-11-20T07:57:{n:02d}.123Z INFO served request {n}"),
    (Kind.LOG, "03-17 16:13:{n:02d}.811  1702  2395 D WindowManager: token {n}"),
    (Kind.LOG, "api.log.1.2026-11-20_13:53:08 2026-11-20 00:00:{n:02d}.008 2574 INFO nova.api GET {n}"),
    (Kind.LOG, "[10.30 16:49:{n:02d}] chrome.exe - proxy.example.org:5070 close, {n} bytes sent"),
    (Kind.LOG, '127.0.0.1 - - [20/Nov/2026 07:57:{n:02d}] "GET /a/{n}.js HTTP/1.1" 200 -'),
    (Kind.LOG, "1131566461 2026.11.09 dn228 Nov 9 12:01:{n:02d} crond[{n}]: session closed"),
    (Kind.TEST_OUTPUT, "tests/test_a.py::test_{n} PASSED      [ {n}%]"),
    (Kind.TEST_OUTPUT, "test table::case_{n} ... ok"),
    (Kind.TEST_OUTPUT, "--- PASS: TestCase{n} (0.00s)"),
    (Kind.TEST_OUTPUT, "  ✓ adds {n} (3 ms)"),
    (Kind.BUILD_OUTPUT, "Unpacking lib{n} (1.{n}-2) ..."),
    (Kind.BUILD_OUTPUT, "[{n}/100] Compiling module_{n} v0.1.{n}"),
    (Kind.BUILD_OUTPUT, "   Compiling serde_{n} v1.0.{n}"),
    (Kind.DIAGNOSTICS, "src/a.ts({n},7): error TS2339: Property 'p' does not exist."),
    (Kind.DIAGNOSTICS, "src/a.c:{n}:5: warning: unused variable 'v' [-Wunused-variable]"),
    (Kind.DIAGNOSTICS, "src/a.py:{n}:1: E302 expected 2 blank lines"),
    (Kind.DIAGNOSTICS, "[api/v1/a.proto:{n}:1] The line length is 91"),
    (Kind.STACK_TRACE, "\tat com.acme.shop.Order{n}.place(Order.java:{n})"),
    (Kind.SEARCH_RESULTS, "src/app/a.py:{n}:    raise ValueError('error')"),
    (Kind.SEARCH_RESULTS, "src/app/a.py:{n}:warnings = []"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "line"), LINES)
def test_the_kind_is_read_from_the_lines(kind: Kind, line: str) -> None:
    assert detect(Source("\n".join(line.format(n=n) for n in range(10, 50)))) is kind


def test_a_compiler_that_quotes_source_is_still_a_compiler() -> None:
    message = "jx/Map.java:{n}: error: cannot find symbol\n    implements Map<K,V> {{\n               ^\n  symbol: class Map\n"
    assert detect(Source("".join(message.format(n=n) for n in range(30)))) is Kind.DIAGNOSTICS


def test_colours_do_not_hide_a_log() -> None:
    lines = "\n".join(f"\x1b[32m2026-11-20 07:57:{n}\x1b[0m INFO step {n}" for n in range(10, 50))
    assert detect(Source(lines)) is Kind.LOG


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("src/tv.py:{n}: [C0103, Show.__init__] Invalid name", Kind.DIAGNOSTICS),
        ("roles/a/main.yml:{n}: [EANSIBLE0002] Trailing whitespace", Kind.DIAGNOSTICS),
        ("[    0.{n:06d}] ACPI: RSDT 0x0000000007FE18DC 000030", Kind.LOG),
        ("[{n}, 2, 3],", Kind.JSON),
    ],
)
def test_brackets_are_read_by_what_stands_behind_them(line: str, kind: Kind) -> None:
    text = "\n".join(line.format(n=n) for n in range(1, 30))
    assert detect(Source(f"[{text[:-1]}]" if kind is Kind.JSON else text)) is kind
