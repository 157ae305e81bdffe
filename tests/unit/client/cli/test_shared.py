"""``furler shared``, against the engine in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from furler.cli import main
from support.inputs import service_log

LOG = service_log(900)


class Cli:
    """Runs commands on one store."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def run(self, *args: str, stdin: str = "") -> Result:
        command = ["shared", *args, "--data", str(self.directory)]
        return CliRunner().invoke(main, command, input=stdin, prog_name="furler")

    def put(self, key: str, text: str, *options: str) -> int:
        done = self.run("put", key, *options, stdin=text)
        assert done.exit_code == 0, done.stderr
        return int(done.stdout)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "store")


def test_what_is_put_is_got_as_a_view_and_as_it_was(cli: Cli) -> None:
    revision = cli.put("logs/checkout", LOG, "--author", "ana", "--tool", "kubectl")
    view = cli.run("get", "logs/checkout")
    assert view.exit_code == 0
    assert len(view.stdout) < len(LOG) / 5
    assert cli.run("get", "logs/checkout", "--original").stdout == LOG
    shown = json.loads(cli.run("get", "logs/checkout", "--json").stdout)
    assert (shown["author"], shown["source_tool"], shown["revision"]) == (
        "ana",
        "kubectl",
        revision,
    )
    assert shown["view"]["text"] == view.stdout
    assert "original" not in shown


def test_put_warns_of_an_entry_that_holds_nearly_the_same(cli: Cli) -> None:
    cli.put("one", LOG, "--author", "ana")
    same = cli.run("put", "two", stdin=LOG)
    assert same.stderr == "furler: one of ana holds the same\n"
    near = cli.run("put", "three", "--json", stdin=LOG + "one more\n")
    written = json.loads(near.stdout)
    assert written["resembles"]["added"] == [{"line": 901, "text": "one more"}]


def test_a_condition_that_does_not_hold_is_one_line_and_exit_code_1(cli: Cli) -> None:
    revision = cli.put("k", "one", "--if-revision", "0")
    refused = cli.run("put", "k", "--if-revision", "0", stdin="two")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == f"furler: if_revision: the entry is at revision {revision}\n"
    assert cli.run("delete", "k", "--if-revision", "1").exit_code == 1
    assert cli.run("delete", "k", "--if-revision", str(revision)).exit_code == 0
    gone = cli.run("get", "k")
    assert gone.exit_code == 1
    assert gone.stderr.startswith("furler: entry not found")


def test_list_and_watch_show_what_there_is_and_what_happened(cli: Cli) -> None:
    first = cli.put("a/1", "one", "--author", "ana")
    second = cli.put("b", "two")
    removed = int(cli.run("delete", "a/1").stdout)
    assert [line.split()[0] for line in cli.run("list").stdout.splitlines()] == ["key", "b"]
    assert json.loads(cli.run("list", "--json").stdout)["revision"] == removed
    lines = cli.run("watch", "--after", "0", "--seconds", "0.5").stdout.splitlines()
    assert [line.partition(" · ")[0] for line in lines] == [
        f"{first} put a/1 by ana",
        f"{second} put b by nobody named",
        f"{removed} deleted a/1",
    ]
    (line,) = cli.run(
        "watch", "a/", "--after", str(second), "--seconds", "0.5", "--json"
    ).stdout.splitlines()
    assert json.loads(line) == {
        "key": "a/1",
        "revision": removed,
        "entry": None,
        "expired": False,
    }


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--keep", "soon"], "--keep: want 90s, 15m, 12h or 7d"),
        (["--if-revision", "-1"], "--if-revision"),
        (["--policy", "fidelity=irreversible"], "policy.fidelity"),
    ],
)
def test_a_wrong_option_is_exit_code_2(cli: Cli, options: list[str], problem: str) -> None:
    done = cli.run("put", "k", *options, stdin="text")
    assert done.exit_code == 2
    assert problem in done.stderr
