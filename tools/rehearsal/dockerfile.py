"""What a Dockerfile says, for those who have no engine: its stages, and what its image runs as."""

from __future__ import annotations

import io
import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from dockerfile_parse import DockerfileParser

_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")


@dataclass(slots=True)
class Stage:
    """One FROM and what follows it: (instruction, value) in order, build arguments filled in."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def last(self, instruction: str) -> str:
        """Return the value of the last such instruction; empty without one."""
        return next((value for name, value in reversed(self.steps) if name == instruction), "")

    @property
    def environment(self) -> dict[str, str]:
        """The variables of all ENV instructions."""
        pairs = (shlex.split(value) for name, value in self.steps if name == "ENV")
        return dict(pair.split("=", 1) for line in pairs for pair in line)

    @property
    def entrypoint(self) -> list[str]:
        """The arguments of the image's process. Raises ValueError for the shell's form."""
        return [*_exec_form(self.last("ENTRYPOINT")), *_exec_form(self.last("CMD") or "[]")]

    @property
    def healthcheck(self) -> list[str]:
        """The arguments of the image's health check."""
        return _exec_form(self.last("HEALTHCHECK").partition("CMD")[2])

    @property
    def user(self) -> tuple[int, int]:
        """User and group, as numbers: a name would need a password file."""
        user, _, group = self.last("USER").partition(":")
        return int(user), int(group)


def stages(path: Path) -> list[Stage]:
    """Return the stages of a Dockerfile in order."""
    parser = DockerfileParser(fileobj=io.BytesIO(path.read_bytes()))
    known: dict[str, str] = {}
    found: list[Stage] = []
    for step in parser.structure:
        instruction, value = step["instruction"], _fill(step["value"], known)
        match instruction:
            case "COMMENT":
                continue
            case "ARG":
                name, _, default = value.partition("=")
                known.setdefault(name, default)
            case "FROM":
                base, _, name = value.partition(" AS ")
                found.append(Stage(base, name))
            case _:
                found[-1].steps.append((instruction, value))
    return found


def _fill(value: str, known: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda match: known.get(match[1] or match[2], match[0]), value)


def _exec_form(value: str) -> list[str]:
    arguments = json.loads(value)
    if not (isinstance(arguments, list) and all(isinstance(a, str) for a in arguments)):
        raise ValueError(f"want the exec form, a list of strings: {value}")
    return arguments
