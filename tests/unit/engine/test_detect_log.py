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
    (Kind.LOG, "1:M 14 Mar 2026 09:00:{n:02d}.123 * {n} changes in 300 seconds. Saving..."),
    (Kind.LOG, '[14/Mar/2026 09:00:{n:02d}] "GET /a/{n} HTTP/1.1" 200 12'),
    (Kind.LOG, "[{n}.123s][info][gc] GC({n}) Pause Young (Normal) 25M->3M(1024M) 1.2ms"),
    (Kind.LOG, "17734788{n}123 I/app({n}): bind"),
    (Kind.LOG, "17734788{n}: New connection from 10.0.0.{n}:1883."),
    (Kind.LOG, "ts=2026-03-14T09:00:{n:02d}.001Z caller=head.go:812 level=info msg=done n={n}"),
    (Kind.LOG, 'caller=db.go:{n} level=info component=tsdb msg="block {n} written"'),
    (Kind.LOG, "INFO  [Flush:{n}] 2026-03-14 09:00:{n:02d},123 Task.java:252 - Compacted {n}"),
    (Kind.LOG, "I, [2026-03-14T09:00:{n:02d} #{n}]  INFO -- : Completed 200 OK in {n}ms"),
    (Kind.LOG, "info: Microsoft.Hosting[{n}]\n      Request finished {n}"),
    (Kind.LOG, "type=SYSCALL msg=audit(1773478800.{n}:{n}): arch=c000003e success=yes pid={n}"),
    (Kind.LOG, "build\tRun tests\t2026-03-14T09:00:{n:02d}.1234567Z collecting {n} items"),
    (Kind.LOG, "billing-1  | GET /orders 200 {n}ms"),
    (Kind.SEARCH_RESULTS, "src/app/a.py:{n}:9:        return x"),
    (Kind.SEARCH_RESULTS, "{n}:  timeout: 30"),
    (Kind.LISTING, "2026-03-14 09:00:{n:02d}  123{n} backups/a/{n}.tar.gz"),
    (Kind.LISTING, "  68663{n}      4 -rw-r--r--   1 root     root         40{n} Nov 20 16:07 src/a{n}.py"),
    (Kind.LISTING, "M\tsrc/app/a{n}.py"),
    (Kind.LISTING, "{n}\t3\tsrc/app/a{n}.py"),
    (Kind.LISTING, "apt-get{n}"),
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


RECORD = """\
2026-03-14 09:00:{n}.001 UTC [77] app@shop LOG:  duration: {n}.5 ms  statement: SELECT o.id
\tFROM orders o
\tJOIN users u ON u.id = o.user_id
"""
SLOW = """\
# Time: 2026-03-14T09:00:{n}.531207Z
# User@Host: app[app] @  [10.0.0.{n}]  Id: 8
# Query_time: 6.0{n}  Lock_time: 0.0 Rows_sent: 4  Rows_examined: 8
SET timestamp=17734788{n};
SELECT * FROM orders WHERE id = {n};
"""


@pytest.mark.parametrize("record", [RECORD, SLOW])
def test_records_of_several_lines_are_a_log_whatever_their_lines_hold(record: str) -> None:
    assert detect(Source("".join(record.format(n=n) for n in range(10, 40)))) is Kind.LOG


def test_a_log_within_a_fence_does_not_make_a_page_of_it() -> None:
    log = "".join(f"12:00:{n} INFO tick\n" for n in range(10, 40))
    text = (
        f"# Incident\n\nWhat happened:\n\n```\n{log}```\n\n```json\n" + '  "a": 1,\n' * 40 + "```\n"
    )
    assert detect(Source(text)) is Kind.MARKDOWN
