"""G1, G2, G3 and G5 of docs/guarantees.md, over contents and policies of every sort."""

import hashlib
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from furler_engine import markers, tokens
from furler_engine.paging import page
from furler_engine.pipeline import compress
from furler_engine.select import SelectorError, select
from furler_engine.types import Fidelity, Hints, JsonPath, Policy, Rows, Selector
from strategies import contents, hints, policies, selectors

REF = "abcdefgh234567ab"
ROOT = Path(__file__).parents[2]


def joined(text: str, ranges: list[tuple[int, int]] | tuple[tuple[int, int], ...]) -> str:
    data = text.encode()
    return b"".join(data[start:end] for start, end in ranges).decode()


@settings(max_examples=150, deadline=None)
@given(contents, hints, policies)
def test_a_view_shows_or_names_everything_and_every_elision_can_be_retrieved(
    text: str, hint: Hints, policy: Policy
) -> None:
    view = compress(text, hint, policy, REF)
    # A draft that fails its check is a bug of its compressor, even if nothing is lost by it.
    assert not [d for d in view.decisions if d.reason.startswith("coverage:")]
    if view.is_passthrough:
        assert view.text == text
        assert view.elisions == ()
        return
    for elision in view.elisions:
        assert joined(text, select(text, elision.place))
        printed = markers.format_place(elision.place)
        assert markers.parse_place(printed) == elision.place
        if isinstance(elision.place, Rows):
            assert select(text, JsonPath(printed)) == select(text, elision.place)
    if policy.fidelity is Fidelity.LOSSLESS:
        assert view.elisions == ()
    else:
        assert markers.find_ref(view.text) == REF


@settings(max_examples=100, deadline=None)
@given(contents, hints, policies)
def test_a_view_is_never_longer_than_its_content(text: str, hint: Hints, policy: Policy) -> None:
    view = compress(text, hint, policy, REF)
    before = tokens.count(text, policy.tokenizer).tokens
    after = tokens.count(view.text, policy.tokenizer).tokens
    assert (view.tokens_before, view.tokens_after) == (before, after)
    assert after <= before


@settings(max_examples=200, deadline=None)
@given(contents, selectors, st.integers(0, 40))
def test_what_is_retrieved_is_the_originals_bytes_in_order_and_pages_are_all_of_it(
    text: str, selector: Selector, size: int
) -> None:
    try:
        ranges = select(text, selector)
    except SelectorError:
        return
    assert all(0 <= start < end <= len(text.encode()) for start, end in ranges)
    assert all(before[1] <= after[0] for before, after in pairwise(ranges))
    whole = joined(text, ranges)  # decodes: no range ends inside a character
    found, start = "", 0
    while True:
        got = page(text, ranges, size, "o200k_base", start)
        part = joined(text, got.ranges)
        assert not size or len(part) == 1 or tokens.count(part, "o200k_base").tokens <= size
        found += part
        if got.next_start is None:
            break
        assert part
        start = got.next_start
    assert found == whole


@settings(max_examples=60, deadline=None)
@given(contents, hints, policies)
def test_the_same_content_and_recipe_give_the_same_view(
    text: str, hint: Hints, policy: Policy
) -> None:
    assert compress(text, hint, policy, REF) == compress(text, hint, policy, REF)


DIGESTS = """
import hashlib, json, sys
from furler_engine.pipeline import compress
from furler_engine.types import Hints, Policy
rows = [{"id": n, "tag": "abc"[n % 3], "note": f"fine {n * 7 % 11}", "x": [n, {"y": n}]} for n in range(300)]
log = "".join(f"2026-01-01 00:00:{n % 60:02} {'WARN' if n % 41 == 0 else 'INFO'} job {n} took {n * 37 % 101} ms\\n" for n in range(900))
code = "import os\\n" + "".join(f"\\n\\ndef f{n}(x):\\n" + "    x += 1\\n" * 30 + "    return x\\n" for n in range(20))
grep = "".join(f"src/mod{n % 7}.py:{n}:    return value_{n % 5} + {n}\\n" for n in range(200))
prose = "\\n\\n".join(f"Paragraph {n} speaks of the budget and of apples. " * 5 for n in range(40))
for text in (json.dumps(rows), json.dumps({"rows": rows}, indent=1), log, code, grep, prose, log + code):
    for query in ("", "job 41 budget value_3"):
        view = compress(text, Hints(query=query), Policy(), "abcdefgh234567ab")
        print(hashlib.sha256((view.text + view.recipe + repr(view.elisions)).encode()).hexdigest())
"""


def test_processes_with_other_hash_seeds_give_the_same_bytes() -> None:
    outputs = []
    for seed in ("0", "1", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        made = subprocess.run(
            [sys.executable, "-c", DIGESTS],
            env=environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        outputs.append(made.stdout)
    assert outputs[0].count(b"\n") == 14
    assert len(set(outputs)) == 1
    assert hashlib.sha256(b"").hexdigest().encode() not in outputs[0]
