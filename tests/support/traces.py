"""Recorded agent sessions as steps: from the corpus beside the checkout, else one made here."""

from __future__ import annotations

import json
from pathlib import Path

from bench.corpus import default_root
from support import talk
from support.inputs import orders, service_log

_EDITED = talk.source(120).replace("value_31 =", "renamed_31 =")
MADE = [
    talk.bash("ls -R", "\n".join(f"./src/package/module_{n}.py" for n in range(90))),
    talk.read("a.py", talk.numbered(talk.source(120))),
    talk.bash("pytest -q", "\n".join(f"tests/test_{n}.py::test_it PASSED" for n in range(120))),
    talk.Step("edit", {"path": "a.py", "old": "value_31", "new": "renamed_31"}, "edited"),
    talk.read("a.py", talk.numbered(_EDITED)),
    talk.bash("curl orders", orders(80)),
    talk.bash("journalctl", service_log(200)),
    talk.Step("furler_retrieve", {"ref": "abcdefgh234567ab"}, service_log(40)),
    talk.bash("curl orders", orders(80)),
]
"""A session with a re-read, an edit, a log, JSON, and something retrieved."""


def recorded(root: Path | None = None) -> dict[str, list[talk.Step]]:
    """Return the sessions of the corpus by file name; empty without a corpus.

    Of two files with the same session the first counts.
    """
    folder = (root or default_root()) / "agent_traces"
    sessions: dict[str, list[talk.Step]] = {}
    for path in sorted(folder.glob("*")) if folder.is_dir() else []:
        steps = _steps(json.loads(path.read_text()).get("history", []))
        if steps and steps not in sessions.values():
            sessions[path.name] = steps
    return sessions


def _steps(history: list[dict[str, object]]) -> list[talk.Step]:
    """Return the session's own steps; demonstrations in its prompt are none."""
    steps: list[talk.Step] = []
    call: tuple[str, dict[str, object], str] | None = None
    for message in history:
        content = str(message.get("content") or "")
        if message["role"] == "assistant":
            call = (*_call(message), str(message.get("thought") or content))
        elif message["role"] in ("user", "tool") and call is not None:
            steps.append(talk.Step(call[0], call[1], content, call[2]))
            call = None
    return steps


def _call(message: dict[str, object]) -> tuple[str, dict[str, object]]:
    calls = message.get("tool_calls")
    if isinstance(calls, list) and calls:
        function = calls[0]["function"]
        return function["name"], json.loads(function["arguments"])
    return "bash", {"command": str(message.get("action") or "").strip()}


def long_session(steps: list[talk.Step], turns: int) -> list[talk.Step]:
    """Return a session of so many turns: the steps again and again, each round on files of its own."""
    session: list[talk.Step] = []
    while len(session) < turns:
        number = len(session) // len(steps)
        for step in steps:
            result = step.result if number % 3 == 0 else step.result.replace("1", f"{number}")
            session.append(talk.Step(step.tool, step.arguments, result, f"Round {number}."))
    return session[:turns]
