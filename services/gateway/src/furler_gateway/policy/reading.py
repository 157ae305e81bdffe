"""From a policy file's text to a document, or to problems with their lines.

The file is YAML without its traps: yes, no, on and off are text, dates are text, no name stands
twice, nothing is aliased or typed by a tag. JSON is YAML, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from furler_gateway.policy.document import Document

MAX_FILE_BYTES: Final = 256 * 1024
"""A thousand rules take 200 KB; parsing this much takes a second."""
_MAX_DEPTH: Final = 32
_WORDS: Final = (
    ("Extra inputs are not permitted", "there is no such field"),
    ("Field required", "is missing"),
    ("a valid tuple", "a list"),
    ("a valid dictionary", "names with values"),
    ("a valid boolean", "true or false"),
    ("a valid integer", "a whole number"),
    ("a valid number", "a number"),
    ("a valid string", "text"),
)
"""What of pydantic's messages speaks of Python, and how a file's author says it."""
_MEMBER: Final = re.compile(r"<\w+\.\w+: ('\w+')>")
_Schema = TypeVar("_Schema", bound=BaseModel)
Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. ``line`` counts from 1; 0: the file as a whole."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.field}: {self.message}" if self.field else f"{place}{self.message}"


class PolicyFileError(ValueError):
    """A policy file cannot be used."""

    def __init__(self, path: Path | str, problems: list[Problem]) -> None:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{path}: {problems[0]}{more}")
        self.problems = tuple(problems)


class _Loader(yaml.SafeLoader):
    """Reads plain scalars as YAML 1.2's core schema has them."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as its base has it

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Return the next node. Raises ComposerError for an alias: a few can stand for gigabytes."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "wants no aliases", self.get_mark())
        return super().compose_node(parent, index)


for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", "n~\0"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?", "-+0123456789"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}",
        re.compile(rf"^(?:{_pattern})$"),
        [each if each != "\0" else "" for each in _first],
    )


def read_file(path: Path) -> Document:
    """Return the document of a file. Raises PolicyFileError."""
    return read_as(Document, path)


def read_as(schema: type[_Schema], path: Path) -> _Schema:
    """Return what a file holds, by a schema of its own. Raises PolicyFileError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PolicyFileError(path, [Problem(0, "", error.strerror or "cannot be read")]) from None
    return _read(schema, data, str(path))


def read(data: bytes, name: str = "policy") -> Document:
    """Return the document of a file's bytes. Raises PolicyFileError."""
    return _read(Document, data, name)


def _read(schema: type[_Schema], data: bytes, name: str) -> _Schema:
    if len(data) > MAX_FILE_BYTES:
        problem = f"has {len(data):,} bytes, more than {MAX_FILE_BYTES:,}"
        raise PolicyFileError(name, [Problem(0, "", problem)])
    builder = _Builder()
    try:
        value = builder.built(data.decode())
    except UnicodeDecodeError:
        raise PolicyFileError(name, [Problem(0, "", "is not UTF-8")]) from None
    except RecursionError:
        raise PolicyFileError(name, [Problem(0, "", "is nested too deeply")]) from None
    except yaml.YAMLError as error:
        raise PolicyFileError(name, [_syntax(error)]) from None
    if not isinstance(value, dict):
        builder.problems.append(Problem(1, "", f"want {_named(schema)} by name"))
    if builder.problems:
        raise PolicyFileError(name, builder.problems)
    try:
        return schema.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        problems = [builder.problem(each["loc"], each["msg"]) for each in found]
        raise PolicyFileError(name, sorted(problems, key=lambda each: each.line)) from None


def _named(schema: type[BaseModel]) -> str:
    return ", ".join(schema.model_fields)


def _syntax(error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or "is not YAML"
    return Problem(mark.line + 1 if mark is not None else 0, "", str(said))


class _Builder:
    """Makes plain values of YAML's nodes, and remembers the line of each."""

    def __init__(self) -> None:
        self.lines: dict[Path_, int] = {}
        self.problems: list[Problem] = []

    def built(self, text: str) -> object:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            return self._value(node, ())
        finally:
            loader.dispose()

    def problem(self, place: Path_, message: str) -> Problem:
        """Return a problem at a place, with the line of what of it is in the file."""
        known = place
        while known not in self.lines and known:
            known = known[:-1]
        # Pydantic names which alternative it tried, and where a key is wrong, "[key]".
        shown = place[: len(known) + 1] if "[key]" not in place else known
        return Problem(self.lines.get(known, 0), _dotted(shown), _plain(message))

    def _value(self, node: yaml.Node, place: Path_) -> object:
        first = place not in self.lines
        self.lines[place] = node.start_mark.line + 1
        if len(place) > _MAX_DEPTH:
            raise RecursionError
        if not first:
            self._wrong(node, place, "stands there twice")
        match node:
            case yaml.MappingNode():
                return self._mapping(node, place)
            case yaml.SequenceNode():
                return [self._value(n, (*place, i)) for i, n in enumerate(node.value)]
            case yaml.ScalarNode():
                return self._scalar(node, place)
        return None

    def _mapping(self, node: yaml.MappingNode, place: Path_) -> dict[str, object]:
        made: dict[str, object] = {}
        for key, value in node.value:
            # A name is a text, whatever it looks like.
            if not isinstance(key, yaml.ScalarNode):
                self._wrong(key, place, "a name is no text")
                continue
            made[key.value] = self._value(value, (*place, key.value))
            self.lines[(*place, key.value)] = key.start_mark.line + 1
        return made

    def _scalar(self, node: yaml.ScalarNode, place: Path_) -> object:
        match node.tag.rpartition(":")[2]:
            case "str":
                return node.value
            case "bool":
                return node.value == "true"
            case "null":
                return None
            case "int" if len(node.value) < 20:
                return int(node.value)
            case "float" | "int":
                return float(node.value)
        self._wrong(node, place, "wants no tag")
        return None

    def _wrong(self, node: yaml.Node, place: Path_, message: str) -> None:
        self.problems.append(Problem(node.start_mark.line + 1, _dotted(place), message))


def _dotted(place: Path_) -> str:
    """Return a place as ``rules[1].set.levels.log``."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _plain(message: str) -> str:
    """Return pydantic's message in our words."""
    message = message.removeprefix("Value error, ").replace("Input should be ", "want ")
    for theirs, ours in _WORDS:
        message = message.replace(theirs, ours)
    return _MEMBER.sub(r"\1", message)
