"""Traces alone and in what a program prints: chain and own frames to the letter, the rest counted."""

import pytest

from furler_engine.compressors import log
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.types import Draft, Kind, Policy, Source

LIBRARY = "".join(
    f'  File "/usr/lib/python3.11/asyncio/runners.py", line {n}, in run\n    return step({n})\n           ^^^^\n'
    for n in range(9)
)
CHAIN = f"""\
Traceback (most recent call last):
  File "/srv/shop/orders.py", line 12, in load
    return json.loads(text)
           ^^^^^^^^^^^^^^^^
{LIBRARY}json.decoder.JSONDecodeError: Expecting value: line 1 column 8

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/shop/main.py", line 7, in <module>
    load("x")
RuntimeError: cannot load x
"""
GROUP = f"""\
  + Exception Group Traceback (most recent call last):
  |   File "/srv/shop/main.py", line 22, in <module>
  |     asyncio.run(all())
  |     ^^^^^^^^^^^^^^^^^^
{"".join(f"  | {line}{chr(10)}" for line in LIBRARY.splitlines())}  | ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/srv/shop/main.py", line 15, in fetch
    |     raise ConnectionError(host)
    | ConnectionError: db-1
    +---------------- 2 ----------------
    | Traceback (most recent call last):
    |   File "/srv/shop/main.py", line 15, in fetch
    |     raise ConnectionError(host)
    | ConnectionError: db-2
    +------------------------------------
"""
SERVED = """\
{n}: serving 10.0.0.{n}
goroutine {n} [running]:
net/http.(*conn).serve.func1()
\t/usr/lib/go-1.19/src/net/http/server.go:1850 +0xbf
panic({{0x6b1f40, 0x8f{n}b0}})
\t/usr/lib/go-1.19/src/runtime/panic.go:890 +0x262
main.handler({{0x74a680?, 0xc0{n}010e2a0?}}, 0xc{n})
\t/srv/shop/main.go:6 +0x8a
"""
NODE = """\
[worker] processed batch {n}
Error: ENOENT: no such file, open '/etc/{n}.json'
    at async open (node:internal/fs/promises:637:25)
    at async Object.readFile (node:internal/fs/promises:1249:14)
    at async load (/srv/shop/main.js:1:90)
    at async /srv/shop/main.js:2:41 {{
  errno: -2,
  code: 'ENOENT',
  path: '/etc/{n}.json'
}}
"""


def _draft(text: str) -> Draft:
    source = Source(text)
    draft = log.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    return draft


@pytest.mark.parametrize("trace", [CHAIN, GROUP])
def test_of_a_trace_alone_all_but_the_frames_of_libraries_stands(trace: str) -> None:
    lines = _draft(trace).text.split("\n")
    assert [line for line in trace.splitlines() if line not in lines] == [
        line
        for line in trace.splitlines()
        if "runners.py" in line or "step(" in line or line.endswith(" ^^^^")
    ]
    assert any(line.endswith(": 9 library frames") for line in lines)


@pytest.mark.parametrize("trace", [CHAIN, GROUP])
def test_what_begins_with_a_trace_is_one(trace: str) -> None:
    assert detect(Source(trace)) is Kind.STACK_TRACE


def test_a_log_full_of_traces_is_read_by_both() -> None:
    text = "".join(f"2026-11-20 10:00:{n} INFO step {n}\n" * 6 + CHAIN for n in range(10, 40))
    assert detect(Source(text)) in (Kind.STACK_TRACE, Kind.LOG)


def test_a_deep_recursion_of_two_functions_is_counted() -> None:
    pair = "".join(
        f'  File "/srv/a.py", line {n}, in f{n}\n    return f{3 - n}()\n' for n in (1, 2)
    )
    text = _draft(
        f"Traceback (most recent call last):\n{pair * 400}RecursionError: too deep\n"
    ).text
    assert "  L6-1601: 798 frames that stand above, again" in text
    assert "RecursionError: too deep" in text


def test_goroutines_with_the_same_frames_are_one_kind_whatever_their_addresses() -> None:
    text = _draft("".join(SERVED.format(n=n) for n in range(10, 40)) + "done\n").text
    assert text.count("/srv/shop/main.go:6 +0x8a") == 1
    assert "  ×30 the same frames, to L234" in text


def test_the_properties_of_an_error_stand_with_its_trace() -> None:
    text = _draft("".join(NODE.format(n=n) for n in range(10))).text
    assert (
        "\n5-10:\n    at async load (/srv/shop/main.js:1:90)\n    at async /srv/shop/main.js:2:41 {\n  errno: -2,\n"
        in text
    )
    assert "  ×10 the same frames, to L93" in text
    assert text.count("errno: -2") == 1
