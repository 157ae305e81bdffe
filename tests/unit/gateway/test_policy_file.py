"""A policy file is used whole or refused with its lines; YAML's traps are none here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from furler.cli.app import cli
from furler.values import Kind, Level
from furler_gateway.policy.document import Document
from furler_gateway.policy.keeper import PolicyKeeper
from furler_gateway.policy.reading import MAX_FILE_BYTES, PolicyFileError, read
from furler_gateway.telemetry import REGISTRY

HEAD = "version: 1\nrevision: r1\n"
FULL = """\
version: 1
revision: 2026-11-20
default:
  fidelity: reversible
  levels: {log: off, json: careful}
rules:
  - name: acme
    match: {tenants: [acme], routes: ["/v1/*"]}
    set:
      mode: audit
      canary_percent: 12.5
      tools:
        "mcp__*": lossless
"""


def test_a_file_is_read_with_words_for_words() -> None:
    document = read(FULL.encode())
    assert document.revision == "2026-11-20"
    assert document.default.levels == {Kind.LOG: Level.OFF, Kind.JSON: Level.CAREFUL}
    (rule,) = document.rules
    assert (rule.set.mode, rule.set.canary_percent) == ("audit", 12.5)
    assert rule.set.tools == {"mcp__*": Level.LOSSLESS}


def test_json_is_read_as_well() -> None:
    assert read(read(FULL.encode()).model_dump_json(exclude_none=True).encode()) == read(
        FULL.encode()
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (HEAD + "kill_switch: yes\n", "line 3: kill_switch: want true or false"),
        (HEAD + "default:\n  levels: {logs: off}\n", "line 4: default.levels.logs: want 'json'"),
        (HEAD + "default:\n  canary_percent: 101\n", "line 4: default.canary_percent: want less"),
        (HEAD + "default:\n  min_tokens: 1.5\n", "line 4: default.min_tokens: want a whole number"),
        (HEAD + "default:\n  keep: 0.1\n", "line 4: default.keep: want greater than or equal"),
        (HEAD + "default:\n\n  mode: off\n", "line 5: default.mode: want 'apply', 'audit'"),
        (HEAD + "defaults: {}\n", "line 3: defaults: there is no such field"),
        (HEAD + "revision: r2\n", "line 3: revision: stands there twice"),
        (HEAD + "rules:\n- {name: a, match: {}, set: {}}\n", "line 4: rules[0].match: want tenants"),
        (HEAD + "rules:\n- {name: a, set: {}}\n", "line 4: rules[0].match: is missing"),
        (HEAD + "rules: {}\n", "line 3: rules: want a list"),
        (HEAD + "default:\n  outside_canary: apply\n", "outside_canary: want 'bypass' or 'audit'"),
        ("version: 2\nrevision: a\n", "line 1: version: want 1"),
        ("a: &x 1\nb: *x\n", "wants no aliases"),
        (HEAD + "kill_switch: !!python/none x\n", "line 3: kill_switch: wants no tag"),
        ("a: [\n", "line 2:"),
        ("", "want version, revision"),
        ("- 1\n", "want version, revision"),
        ("[" * 5000, "nested too deeply"),
        ("\x00", "is not YAML"),
        ("x" * (MAX_FILE_BYTES + 1), "more than"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(PolicyFileError) as caught:
        read(text.encode())
    assert any(problem in str(each) for each in caught.value.problems), caught.value.problems


def test_two_rules_of_one_name_are_refused() -> None:
    rule = "- {name: a, match: {models: ['*']}, set: {}}\n"
    with pytest.raises(PolicyFileError, match="the name 'a' is taken"):
        read((HEAD + "rules:\n" + rule + rule).encode())


@given(
    st.binary(max_size=200)
    | st.text(alphabet="ab:{}[]-&*!?|>'\"\n #,", max_size=60).map(str.encode)
)
def test_any_bytes_are_a_policy_or_refused(data: bytes) -> None:
    try:
        document = read(HEAD.encode() + data)
    except PolicyFileError:
        return
    assert isinstance(document, Document)


@pytest.mark.anyio
async def test_a_new_file_is_in_force_and_a_wrong_one_is_not(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(HEAD)
    keeper = PolicyKeeper.of(file)
    assert keeper.document.revision == "r1"
    file.write_text(HEAD.replace("r1", "second"))
    await keeper.look()
    assert (keeper.document.revision, keeper.problem) == ("second", "")
    file.write_text("version: 3\nrevision: third\n")
    await keeper.look()
    assert keeper.document.revision == "second"
    assert "line 1: version: want 1" in keeper.problem
    assert REGISTRY.get_sample_value("furler_gateway_policy_stale") == 1
    file.unlink()
    await keeper.look()
    assert keeper.document.revision == "second"
    file.write_text(HEAD.replace("r1", "fourth"))
    await keeper.look()
    assert (keeper.document.revision, keeper.problem) == ("fourth", "")
    assert REGISTRY.get_sample_value("furler_gateway_policy_stale") == 0
    sample = ("furler_gateway_policy_revision", {"revision": "fourth"})
    assert REGISTRY.get_sample_value(*sample) == 1


def test_the_command_says_every_problem_and_fails(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(HEAD + "kill_switch: maybe\nmore: 1\n")
    result = CliRunner().invoke(cli, ["policy", "check", str(file)])
    assert result.exit_code == 1
    assert [line.partition(": ")[2] for line in result.stderr.splitlines()] == [
        "line 3: kill_switch: want true or false",
        "line 4: more: there is no such field",
    ]
    file.write_text(FULL)
    result = CliRunner().invoke(cli, ["policy", "check", str(file)])
    assert (result.exit_code, result.stdout) == (
        0,
        f"{file}: valid, revision 2026-11-20, 1 rule\n",
    )


def test_the_command_explains_a_request(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(FULL)
    arguments = ["policy", "explain", str(file), "--tenant", "acme"]
    shown = CliRunner().invoke(cli, arguments).stdout
    assert "mode bypass (outside the canary of 12.5 %: the request names no" in shown
    told = json.loads(CliRunner().invoke(cli, [*arguments, "--json"]).stdout)
    assert told["rules"] == ["acme"]
    assert told["set_by"]["tools.mcp__*"] == "acme"
    assert told["set_by"]["levels.log"] == "default"
