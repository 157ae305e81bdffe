"""Test runs: results as counts, failures to the letter."""

import pytest

from furler_engine.compressors import test_output
from furler_engine.coverage import check
from furler_engine.types import Draft, Policy, Source

FAILURE = """\
=================================== FAILURES ===================================
___________________________________ test_{n} ___________________________________

    def test_{n}():
        table = build()
>       assert table.look_up({n}) == "value"

test_a.py:{n}: in test_{n}
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _

    def look_up(self, key):
        row = self.rows[key]
>       return row.value
E       AttributeError: 'NoneType' object has no attribute 'value' ({n})

table.py:31: AttributeError
"""
PASSES = "".join(f"test_a.py::test_{n} PASSED                    [{n:3d}%]\n" for n in range(60))
RUN = (
    "============================= test session starts ==============================\n"
    + PASSES
    + "test_a.py::test_70 FAILED                    [ 99%]\n"
    + "".join(FAILURE.format(n=n) for n in (70, 71, 72))
    + "=========================== short test summary info ============================\n"
    "FAILED test_a.py::test_70 - AttributeError\n"
    "========================= 1 failed, 60 passed in 1.03s =========================\n"
)


def _draft(text: str) -> Draft:
    source = Source(text)
    draft = test_output.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    return draft


def test_results_are_counted_by_file() -> None:
    assert "  test_a.py: 60 passed, 1 failed" in _draft(RUN).text.split("\n")


@pytest.mark.parametrize("n", [70, 71, 72])
def test_what_fails_and_why_stands_to_the_letter(n: int) -> None:
    text = _draft(RUN).text
    assert f'>       assert table.look_up({n}) == "value"' in text
    assert f"E       AttributeError: 'NoneType' object has no attribute 'value' ({n})" in text
    assert f"test_a.py:{n}: " in text


def test_a_repeated_frame_points_to_where_it_stands() -> None:
    text = _draft(RUN).text
    assert text.count("def look_up(self, key):") == 1
    assert "\n  as L73-74\n" in text


def test_the_summary_stands_to_the_letter() -> None:
    lines = _draft(RUN).text.split("\n")
    assert any(line.endswith(":FAILED test_a.py::test_70 - AttributeError") for line in lines)
    assert any(
        line.endswith("1 failed, 60 passed in 1.03s =========================") for line in lines
    )


def test_a_failing_result_without_a_summary_is_shown() -> None:
    text = _draft(PASSES + "test_b.py::test_x FAILED                    [ 99%]\nend\n").text
    assert "test_b.py::test_x FAILED" in text


def test_a_run_that_passes_does_not_grow() -> None:
    assert len(_draft(PASSES + "==== 60 passed in 0.1s ====\n").text) < len(PASSES) / 5


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[gw0] [ 10%] PASSED test_a.py::test_{n} ", "test_a.py: 40 passed"),
        ("test_a.py .s.x. [ 10%]", "test_a.py: 120 passed, 40 skipped, 40 expected failure"),
        ("test_{n} (pkg.test_a.Case) ... ok", "pkg.test_a.Case: 40 passed"),
        ("test table::tests::case_{n} ... ok", "table::tests: 40 passed"),
        ("--- PASS: TestCase{n} (0.00s)", "tests: 40 passed"),
        ("    ✓ adds {n} (3 ms)", "tests: 40 passed"),
        ("[       OK ] Table.Case{n} (0 ms)", "Table: 40 passed"),
        ("ok {n} - adds", "tests: 40 passed"),
        ("com.acme.TableTest > case{n}() PASSED", "com.acme.TableTest: 40 passed"),
    ],
)
def test_results_of_every_runner_are_read(line: str, said: str) -> None:
    text = "".join(line.format(n=n) + "\n" for n in range(40)) + "end\n"
    assert f"  {said}" in _draft(text).text.split("\n")


def test_a_unittest_failure_block_stands_to_the_letter() -> None:
    block = (
        "======================================================================\n"
        "FAIL: test_sum (pkg.test_a.Case)\n"
        "----------------------------------------------------------------------\n"
        "Traceback (most recent call last):\n"
        '  File "/srv/pkg/test_a.py", line 9, in test_sum\n'
        "    self.assertEqual(add(1, 1), 3)\n"
        "AssertionError: 2 != 3\n\n"
        "----------------------------------------------------------------------\n"
        "Ran 41 tests in 0.004s\n\nFAILED (failures=1)\n"
    )
    passed = "".join(f"test_{n} (pkg.test_a.Case) ... ok\n" for n in range(40))
    text = _draft(passed + "test_sum (pkg.test_a.Case) ... FAIL\n\n" + block).text
    for line in block.splitlines():
        if line.strip("-= "):
            assert line in text


def test_source_above_a_failing_line_gives_way_where_failures_are_many() -> None:
    block = (
        "______________________ Case.test_{n} ______________________\n\n    def test_{n}(self):\n"
        "        # why {n}\n        a = {n}\n        b = a + 1\n>       assert a == b\n"
        "E       assert {n} == 1{n}\n\ntest_m.py:{n}: AssertionError\n"
    )
    failures = "".join(block.format(n=n) for n in range(20, 50))
    text = _draft(
        PASSES + "=========== FAILURES ===========\n" + failures + "=== 30 failed in 1s ===\n"
    ).text
    assert text.count(">       assert a == b") == 30
    assert text.count("        b = a + 1") == 30  # the statement just above
    assert "def test_21(self)" not in text  # the title names it
    assert "# why 21" not in text
    assert "        a = 21" not in text


def test_frames_of_libraries_in_a_failure_are_counted_and_own_ones_shown() -> None:
    library = "".join(
        f'  File "/v/lib/python3.11/site-packages/pluggy/_{n}.py", line {n}, in call\n    return f({n})\n'
        for n in range(20)
    )
    failure = (
        "=========== FAILURES ===========\n________ test_x ________\nTraceback (most recent call last):\n"
        f'{library}  File "/w/test_a.py", line 3, in test_x\n    assert f(1)\nAssertionError: f(1)\n'
        "=========== 1 failed in 1s ===========\n"
    )
    text = _draft(PASSES + failure).text
    first = len(PASSES.splitlines()) + 4
    assert f"\n  L{first}-{first + 39}: 20 library frames\n" in text
    assert '  File "/w/test_a.py", line 3, in test_x\n    assert f(1)\nAssertionError: f(1)' in text
    assert "pluggy" not in text
