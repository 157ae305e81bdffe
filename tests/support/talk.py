"""Conversations for tests, built turn by turn in any dialect."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from furler_engine.dialects.block import Dialect


@dataclass(frozen=True)
class Step:
    """One turn: what the agent calls, and what comes back."""

    tool: str
    arguments: dict[str, object]
    result: str
    says: str = "Let me look."


def bash(command: str, result: str) -> Step:
    return Step("bash", {"command": command}, result)


def read(path: str, result: str) -> Step:
    return Step("read_file", {"path": path}, result)


def body(
    steps: Sequence[Step], dialect: Dialect = Dialect.OPENAI_CHAT, *, system: str = "Be good."
) -> bytes:
    """Return the request after these steps. A longer conversation's starts with a shorter one's."""
    messages: list[object] = []
    for number, step in enumerate(steps):
        messages += _TURN[dialect](step, f"call_{number}")
    first: list[object]
    match dialect:
        case Dialect.ANTHROPIC_MESSAGES:
            first = [{"role": "user", "content": "Fix the bug."}]
            document: dict[str, object] = {
                "model": "m",
                "system": system,
                "messages": first + messages,
            }
        case Dialect.OPENAI_CHAT:
            first = [
                {"role": "system", "content": system},
                {"role": "user", "content": "Fix the bug."},
            ]
            document = {"model": "m", "messages": first + messages}
        case Dialect.OPENAI_RESPONSES:
            first = [{"role": "user", "content": "Fix the bug."}]
            document = {"model": "m", "instructions": system, "input": first + messages}
    return json.dumps(document, ensure_ascii=False).encode()


def _anthropic(step: Step, key: str) -> Iterable[object]:
    call = {"type": "tool_use", "id": key, "name": step.tool, "input": step.arguments}
    result = {"type": "tool_result", "tool_use_id": key, "content": step.result}
    says = {"type": "text", "text": step.says}
    return [{"role": "assistant", "content": [says, call]}, {"role": "user", "content": [result]}]


def _chat(step: Step, key: str) -> Iterable[object]:
    function = {"name": step.tool, "arguments": json.dumps(step.arguments)}
    call = {"id": key, "type": "function", "function": function}
    return [
        {"role": "assistant", "content": step.says, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": key, "content": step.result},
    ]


def _responses(step: Step, key: str) -> Iterable[object]:
    call = {"type": "function_call", "call_id": key, "name": step.tool}
    return [
        {"role": "assistant", "content": [{"type": "output_text", "text": step.says}]},
        {**call, "arguments": json.dumps(step.arguments)},
        {"type": "function_call_output", "call_id": key, "output": step.result},
    ]


_TURN = {
    Dialect.ANTHROPIC_MESSAGES: _anthropic,
    Dialect.OPENAI_CHAT: _chat,
    Dialect.OPENAI_RESPONSES: _responses,
}


def source(lines: int, *, seed: int = 0, first: int = 0) -> str:
    """Return the text of a file: no two lines alike, but for a few that every file has."""

    def line(n: int) -> str:
        if n % 5 == 0:
            return f"def step_{seed}_{n}(value: int) -> int:"
        if n % 5 == 4:
            return ""
        return f"    value_{n} = value * {(n * 7919 + seed * 104729) % 9973} + offset_{n % 17}"

    return "\n".join(map(line, range(first, first + lines))) + "\n"


def numbered(text: str, first: int = 1) -> str:
    """Return a text as a reading tool shows it."""
    return "\n".join(f"{n}:{line}" for n, line in enumerate(text.splitlines(), first))
