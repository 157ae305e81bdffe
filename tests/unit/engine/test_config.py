"""Settings, lock files and encoded data: what is shown is exact, the rest is named and described."""

import base64
import re

import pytest

from furler_engine.compressors import blob, config, lock_file
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.types import Bytes, Draft, Hints, Kind, Lines, Plan, Policy, Source

YAML = "\n".join([
    "name: CI", "# one", "# two", "# three", "# four", "on: [push]", "jobs:",
    *[line for n in range(4) for line in (
        f"  job{n}:", "    steps:", "      - uses: actions/checkout@v6", "      - uses: actions/setup@v6", "        with:",
        "          python: '3.12'", "      - run: |", f"          echo {n}", *[f"          step {n} {i}" for i in range(9)], "")],
    "values:", *[f"  - item{n}" for n in range(30)], "last: 1",
])  # fmt: skip
CARGO = "# generated\nversion = 3\n\n" + "\n".join(
    f'[[package]]\nname = "crate{n}"\nversion = "1.{n}.0"\nsource = "registry+index"\nchecksum = "{n:064x}"\n'
    + (f'dependencies = [\n "crate{n - 1}",\n "libc 0.2.{n}",\n]\n' if n else "")
    for n in range(20)
)
POETRY = "\n".join(
    f'[[package]]\nname = "pkg{n}"\nversion = "2.{n}"\nfiles = [\n    {{file = "a.whl", hash = "sha256:{n:064x}"}},\n]\n\n'
    f'[package.dependencies]\nidna = ">=2.5"\n'
    for n in range(10)
) + '\n[metadata]\nlock-version = "2.1"\n'  # fmt: skip
PNPM = "lockfileVersion: '9.0'\n\npackages:\n\n" + "\n".join(
    f"  '@scope/pkg{n}@7.{n}.0':\n    resolution: {{integrity: sha512-{n:064x}}}\n    dependencies:\n      dep{n}: 1.0.{n}\n"
    for n in range(10)
)
GEMS = "GEM\n  remote: https://gems.example/\n  specs:\n" + "".join(
    f"    gem{n} (7.{n}.1)\n      dep{n} (= 7.1)\n      rack (>= 2)\n" for n in range(10)
)
PIP = "".join(
    f"pkg{n}==1.{n}.0 \\\n    --hash=sha256:{n:064x} \\\n    --hash=sha256:{n + 1:064x}\n    # via app\n"
    for n in range(10)
)
YARN = "# yarn lockfile v1\n\n\n" + "\n".join(
    f'"@babel/pkg{n}@^7.0.0", "@babel/pkg{n}@^7.1.0":\n  version "7.{n}.1"\n  resolved "https://x.example/{n:064x}"\n'
    f'  integrity sha512-{n:080x}\n  dependencies:\n    lodash "^4"\n'
    for n in range(10)
)
GO_SUM = "".join(
    f"github.com/a/b{n} v1.{n}.0 h1:{n:043x}=\ngithub.com/a/b{n} v1.{n}.0/go.mod h1:{n:043x}=\n"
    for n in range(10)
)
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8).decode()
PEM = (
    "-----BEGIN DATA-----\n"
    + "\n".join(PNG[n : n + 64] for n in range(0, len(PNG), 64))
    + "\n-----END DATA-----\n"
)


def view(plan: Plan, text: str, query: str = "") -> Draft:
    source = Source(text, Hints(query=query))
    draft = plan(source, Policy())
    assert draft is not None
    check(source, draft)
    return draft


@pytest.mark.parametrize("text", [YAML, YAML.replace("\n", "\r\n"), YAML.replace(": ", " = ")])
def test_every_line_of_settings_is_shown_exactly_or_named(text: str) -> None:
    draft = view(config.plan, text)
    lines = text.split("\n")
    left_out = [
        n
        for e in draft.elisions
        if isinstance(e.place, Lines)
        for n in range(e.place.first, e.place.last + 1)
    ]
    kept = [line for n, line in enumerate(lines, 1) if n not in left_out]
    assert [line for line in draft.text.split("\n")[1:] if not line.startswith("… L")] == kept


def test_comments_scripts_lists_and_repeats_are_told_apart() -> None:
    text = view(config.plan, YAML).text
    assert "# one\n… L3-5: comment\n" in text
    assert re.search(r"step 0 2\n… L\d+-\d+: script\n", text)
    assert "  - item11\n… L93-110: 18 more values\nlast: 1" in text
    assert re.search(r"job1:\n… L\d+-\d+ = L9-14\n", text)


def test_lines_that_the_query_names_stay() -> None:
    assert (
        "step 2 8"
        in view(
            config.plan, YAML.replace("step 2 8", "step 2 8 deploy"), "how is it deployed?"
        ).text
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CARGO, "crate3 1.3.0: crate2, libc 0.2.3"),
        (POETRY, "pkg3 2.3: idna"),
        (YARN, "@babel/pkg3@^7.0.0, @babel/pkg3@^7.1.0 7.3.1: lodash"),
        (GO_SUM, "github.com/a/b3 v1.3.0"),
    ],
)
def test_a_package_takes_one_line_and_its_checksum_none(text: str, said: str) -> None:
    draft = view(lock_file.plan, text)
    assert re.search(rf"^L\d+ {re.escape(said)}$", draft.text, re.MULTILINE)
    assert "0" * 30 not in draft.text
    assert len(draft.text) < 0.5 * len(text)


def test_a_package_that_the_query_names_is_whole_and_another_source_is_said() -> None:
    text = CARGO.replace('name = "crate7"', 'name = "hyperion"').replace(
        "registry+index", "git+https://x", 1
    )
    shown = view(lock_file.plan, text, "which version of hyperion?").text
    assert 'name = "hyperion"\nversion = "1.7.0"\nsource = "registry+index"\nchecksum = ' in shown
    assert "crate0 1.0.0 (git+https://x)" in shown


@pytest.mark.parametrize(
    "text", [PNG, PEM, f"é data:image/png;base64,{PNG} end", PEM + "hex:\n" + "0a1b" * 300]
)
def test_encoded_data_is_described_and_named(text: str) -> None:
    draft = view(blob.plan, text)
    assert "base64: PNG image, 2,056 bytes, sha256 " in draft.text
    assert len(draft.text) < len(text) / 2
    for elision in draft.elisions:
        assert isinstance(elision.place, Bytes)
        assert text.encode()[elision.place.start : elision.place.end].decode().isascii()


@pytest.mark.parametrize(
    "text", ["word" * 200, "-" * 500 + "\n" + "=" * 500, "short\nlines\n" * 100, "a b " * 200]
)
def test_what_only_looks_long_is_no_data(text: str) -> None:
    assert blob.plan(Source(text), Policy()) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (YAML, Kind.CONFIG),
        (CARGO, Kind.CONFIG),
        (POETRY, Kind.CONFIG),
        (PEM, Kind.BLOB),
        (PNG, Kind.BLOB),
    ],
)
def test_settings_and_data_are_detected(text: str, kind: Kind) -> None:
    assert detect(Source(text)) is kind


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (PNPM, "L15 @scope/pkg2 7.2.0: dep2\n"),
        (GEMS, "L10 gem2 7.2.1: dep2, rack\n"),
        (PIP, "L9 pkg2 1.2.0\n"),
        (YARN, ""),
    ],
)
def test_lock_files_of_other_tools_are_detected_and_list_their_packages(
    text: str, line: str
) -> None:
    assert detect(Source(text)) is Kind.CONFIG
    draft = view(lock_file.plan, text)
    assert line in draft.text
    assert "10 packages" in draft.text
