"""Builds: what failed stands whole, the rest by pattern."""

import pytest

from furler_engine.compressors import diagnostics
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.types import Draft, Kind, Policy, Source

NPM = """\
npm error code ERESOLVE
npm error ERESOLVE could not resolve
npm error
npm error While resolving: jest@29.4.15
npm error Found: typescript@7.0.2
npm error node_modules/typescript
npm error   typescript@"^7.0.2" from the root project
npm error
npm error Conflicting peer dependency: typescript@6.0.3
npm error node_modules/typescript
npm error   peer typescript@"<7" from jest@29.4.15
"""
PIP = """\
  error: subprocess-exited-with-error
  
  × Getting requirements to build wheel did not run successfully.
  │ exit code: 1
  ╰─> [9 lines of output]
      Traceback (most recent call last):
        File "/tmp/env/lib/python3.11/site-packages/setuptools/build_meta.py", line 333, in run
          return self.run_setup()
        File "/tmp/env/lib/python3.11/site-packages/setuptools/build_meta.py", line 317, in run_setup
          exec(code)
        File "<string>", line 3, in <module>
      RuntimeError: no compiler found
      [end of output]
  
  note: This error originates from a subprocess, and is likely not a problem with pip.
"""  # noqa: W293
GRADLE = """\
FAILURE: Build failed with an exception.

* What went wrong:
Execution failed for task ':app:compileJava'.
> Compilation failed; see the compiler error output for details.

BUILD FAILED in 3s
"""
RAN = {
    NPM: "npm http fetch GET 200 https://registry.example.org/p{n} {n}ms (cache updated)\n",
    PIP: "  Downloading p{n}-1.{n}-py3-none-any.whl ({n} kB)\n",
    GRADLE: "> Task :lib{n}:compileJava UP-TO-DATE\n",
}


def _draft(text: str) -> Draft:
    source = Source(text)
    draft = diagnostics.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    return draft


@pytest.mark.parametrize("failure", RAN)
def test_what_a_build_says_of_its_failure_stands_whole(failure: str) -> None:
    text = "".join(RAN[failure].format(n=n) for n in range(100, 140)) + failure
    assert detect(Source(text)) is Kind.BUILD_OUTPUT
    assert failure.rstrip("\n") in _draft(text).text


def test_a_build_that_says_too_much_of_its_failure_is_folded() -> None:
    text = "".join(f"npm error could not fetch p{n}\n" for n in range(400))
    assert "  ×400 L1-400, contiguous" in _draft(text).text


def test_progress_bars_of_any_length_are_one_pattern_and_no_value() -> None:
    text = _draft(
        "".join(
            f"   {'━' * (n % 7 + 30)} {n}.5/{n}.5 kB {n}.1 MB/s eta 0:00:00\n" for n in range(30)
        )
    ).text
    assert sum("━" in line for line in text.split("\n")) == 2  # the first line and the last
