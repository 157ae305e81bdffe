"""Test runs: results as counts, failures to the letter."""

import pytest

from furler_engine.compressors import test_output
from furler_engine.coverage import check
from furler_engine.types import Draft, Hints, Policy, Source

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


def test_few_failure_blocks_stand_whole_and_unbroken() -> None:
    lines = RUN.splitlines()
    blocks = "\n".join(lines[62:110])
    assert blocks.endswith("table.py:31: AttributeError")
    assert f"\n63-110:\n{blocks}\n" in _draft(RUN).text


def test_frames_that_stand_above_are_named_by_their_place() -> None:
    frames = "".join(
        f"app/router.py:{n}: in dispatch\n    return handler(request, **values)\n" for n in range(9)
    )
    block = "___ test_{n} ___\n>       get({n})\n{frames}E       KeyError: {n}\n"
    failures = "".join(block.format(n=n, frames=frames) for n in range(3))
    text = _draft(f"{PASSES}=== FAILURES ===\n{failures}=== 3 failed in 1s ===\n").text
    assert text.count(frames) == 1
    assert text.count("\n  as L64-81\n") == 2
    for n in range(3):
        assert f"\n>       get({n})\n" in text
        assert f"\nE       KeyError: {n}\n" in text


def test_a_line_of_the_content_that_looks_like_a_pointer_is_data() -> None:
    frames = "".join(
        f"app/router.py:{n}: in dispatch\n    return handler(request, **values)\n" for n in range(9)
    )
    block = "___ test_{n} ___\n>       get({n})\n  as L{n}-8\n{frames}E       KeyError: {n}\n"
    failures = "".join(block.format(n=n, frames=frames) for n in range(3))
    text = _draft(f"{PASSES}=== FAILURES ===\n{failures}=== 3 failed in 1s ===\n").text
    for n in range(3):
        assert f"  as L{n}-8\n" in text  # the check in _draft reads them back


def test_a_line_that_the_question_names_is_no_pointer() -> None:
    frames = "".join(
        f"app/router.py:{n}: in dispatch\n    return handler(request, **values)\n" for n in range(9)
    )
    block = "___ test_{n} ___\n>       get({n})\n{frames}    needle_{n} = frobnicate()\nE       KeyError: {n}\n"
    failures = "".join(block.format(n=n, frames=frames) for n in range(3))
    source = Source(
        f"{PASSES}=== FAILURES ===\n{failures}=== 3 failed in 1s ===\n", Hints(query="router.py:3")
    )
    draft = test_output.plan(source, Policy())
    assert draft is not None
    check(source, draft)


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
        ("test_a.py::test_{n} SUBPASSED(n={n})      [ 10%]", "test_a.py: 40 passed"),
        ("[gw1] [ 10%] SUBPASSED(n='{n}') test_a.py::test_b ", "test_a.py: 40 passed"),
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
    assert (
        block.removesuffix("Ran 41 tests in 0.004s\n\nFAILED (failures=1)\n").split("\n", 1)[1]
        in text
    )


BLOCKS = [
    (
        "=== RUN   TestSum\n    sum_test.go:9: want 3\n        got 2\n--- FAIL: TestSum (0.00s)\n    --- FAIL: TestSum/neg (0.00s)\n",
        "=== RUN   TestGen{n}\n--- PASS: TestGen{n} (0.00s)\n",
        "FAIL\nFAIL\texample.com/shop\t0.056s\n",
    ),
    (
        "---- tests::sums stdout ----\n\nthread 'tests::sums' panicked at src/lib.rs:9:5:\nassertion `left == right` failed\n  left: 2\n right: 3\n\n",
        "test tests::case_{n} ... ok\n",
        "test result: FAILED. 40 passed; 1 failed; 0 ignored; finished in 0.01s\n",
    ),
    (
        "  ● Shop › sums\n\n    expect(received).toBe(expected)\n\n    Expected: 3\n    Received: 2\n\n      at Object.toBe (a.test.js:3:9)\n",
        "    ✓ adds {n} (3 ms)\n",
        "Test Suites: 1 failed, 1 total\n",
    ),
    (
        "  1 failing\n\n  1) Shop\n       sums:\n\n      AssertionError: 2 == 3\n      + expected - actual\n\n      -2\n      +3\n",
        "    ✔ adds {n}\n",
        "",
    ),
    (
        "not ok 41 - sums\n  ---\n  error: |-\n    2 !== 3\n\n  code: 'ERR_ASSERTION'\n  ...\n",
        "# Subtest: adds {n}\nok {n} - adds {n}\n  ---\n  duration_ms: 0.{n}\n  ...\n",
        "1..41\n# tests 41\n",
    ),
    (
        "⎯⎯⎯⎯ Failed Tests 1 ⎯⎯⎯⎯\n\n FAIL  a.spec.js > Shop > sums\nAssertionError: expected 2 to be 3\n\n- Expected\n+ Received\n\n- 3\n+ 2\n",
        "   ✓ adds {n} 1ms\n",
        " Test Files  1 failed (1)\n",
    ),
    (
        "com.acme.ShopTest > sums() FAILED\n    org.opentest4j.AssertionFailedError: expected: <3> but was: <2>\n        at com.acme.ShopTest.sums(ShopTest.java:9)\n",
        "com.acme.ShopTest > case{n}() PASSED\n",
        "41 tests completed, 1 failed\n",
    ),
    (
        "[ERROR] com.acme.ShopTest.sums -- Time elapsed: 0.01 s <<< FAILURE!\norg.opentest4j.AssertionFailedError: expected: <3> but was: <2>\n\tat com.acme.ShopTest.sums(ShopTest.java:9)\n\n",
        "[INFO] Running com.acme.Case{n}\n",
        "[INFO] Results:\n",
    ),
    (
        "[ RUN      ] Table.Sums\na_test.cc:9: Failure\nExpected equality of these values:\n  2\n  3\n\n[  FAILED  ] Table.Sums (0 ms)\n",
        "[ RUN      ] Table.Case{n}\n[       OK ] Table.Case{n} (0 ms)\n",
        "[  FAILED  ] 1 test, listed below:\n",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("block", "passed", "end"), BLOCKS)
def test_a_failure_block_of_every_runner_stands_whole(block: str, passed: str, end: str) -> None:
    text = _draft("".join(passed.format(n=n) for n in range(40)) + block + end).text
    shown = "\n".join(
        line.split(":", 1)[1] if line[:1].isdigit() and ":" in line else line
        for line in text.split("\n")
    )
    assert block.rstrip("\n") in shown


def test_what_passing_tests_said_is_folded() -> None:
    passed = "".join(
        f"=== RUN   TestGen{n}\n    a_test.go:7: took {n} ms\n--- PASS: TestGen{n} (0.00s)\n"
        for n in range(40)
    )
    assert "  ×40 to L119: took 0..39 (40)" in _draft(passed + "PASS\n").text


def test_source_above_a_failing_line_gives_way_after_the_first_of_very_many_failures() -> None:
    block = (
        "______________________ Case.test_{n} ______________________\n\n    def test_{n}(self):\n"
        "        # why {n}\n        a = {n}\n        b = a + 1\n>       assert a == b\n"
        "E       assert {n} == 1{n}\n\ntest_m.py:{n}: AssertionError\n"
    )
    failures = "".join(block.format(n=n) for n in range(20, 90))
    text = _draft(
        PASSES + "=========== FAILURES ===========\n" + failures + "=== 70 failed in 1s ===\n"
    ).text
    assert text.count(">       assert a == b") == 70
    assert text.count("        b = a + 1") == 70  # the statement just above
    assert block.format(n=21) in text
    assert "def test_89(self)" not in text  # the title names it
    assert "# why 89" not in text
    assert "        a = 89" not in text
    assert "(left out: source above a failing line from L" in text


def test_forty_failures_stand_whole() -> None:
    block = (
        "______________________ Case.test_{n} ______________________\n\n    def test_{n}(self):\n"
        "        # why {n}\n        a = {n}\n        b = a + 1\n>       assert a == b\n"
        "E       assert {n} == 1{n}\n\ntest_m.py:{n}: AssertionError\n"
    )
    failures = "".join(block.format(n=n) for n in range(20, 60))
    text = _draft(
        PASSES + "=========== FAILURES ===========\n" + failures + "=== 40 failed in 1s ===\n"
    ).text
    assert failures in text


def test_many_frames_of_libraries_in_a_failure_are_counted_and_own_ones_shown() -> None:
    library = "".join(
        f'  File "/v/lib/python3.11/site-packages/pluggy/_{n}.py", line {n}, in call\n    return f({n})\n'
        for n in range(40)
    )
    failure = (
        "=========== FAILURES ===========\n________ test_x ________\nTraceback (most recent call last):\n"
        f'{library}  File "/w/test_a.py", line 3, in test_x\n    assert f(1)\nAssertionError: f(1)\n'
        "=========== 1 failed in 1s ===========\n"
    )
    text = _draft(PASSES + failure).text
    first = len(PASSES.splitlines()) + 4
    assert f"\n  L{first}-{first + 79}: 40 library frames\n" in text
    assert "(left out: 80 lines of library frames)" in text
    assert '  File "/w/test_a.py", line 3, in test_x\n    assert f(1)\nAssertionError: f(1)' in text
    assert "pluggy" not in text
