"""What commands read: content from a file or standard input, policies from KEY=VALUE."""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import IO, Final

import click

from furler.content import MAX_CONTENT_BYTES
from furler.values import Policy

_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")


class CannotRead(click.ClickException):
    """A file that cannot be read."""

    exit_code = 2

    def show(self, file: IO[str] | None = None) -> None:
        """Print one line."""
        click.echo(f"furler: {self.message}", file=file, err=True)


def read_content(name: str) -> bytes:
    """Return a file's bytes, or those of standard input for ``-``."""
    if name == "-":
        if sys.stdin.isatty():
            raise click.UsageError("nothing to read: name a FILE, or pipe text in")
        # One byte more than the limit is enough to know that it is exceeded.
        return sys.stdin.buffer.read(MAX_CONTENT_BYTES + 1)
    try:
        with Path(name).open("rb") as file:
            return file.read(MAX_CONTENT_BYTES + 1)
    except OSError as error:
        raise CannotRead(f"cannot read {name}: {error.strerror}") from None


def filename_hint(name: str, given: str | None) -> str | None:
    """Return the file name to hint at: what was given, else the file that is read."""
    return given or (None if name == "-" else name)


def read_policy(settings: tuple[str, ...], keep: float | None = None) -> dict[str, object] | None:
    """Return the fields that KEY=VALUE settings name, and ``keep``; None for no settings.

    ``levels.KIND=LEVEL`` sets one level, a retention takes s, m, h or d, names are
    separated by commas. Unknown fields and wrong values are found where the
    policy is checked; here only the form is.
    """
    policy: dict[str, object] = {}
    levels: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not (key and equals):
            raise click.UsageError(f"--policy {setting}: want KEY=VALUE, such as target_tokens=500")
        if key.startswith("levels."):
            levels[key.removeprefix("levels.")] = value
        else:
            policy[key] = _read(key, value)
    if levels:
        policy["levels"] = levels
    if keep is not None:
        policy["keep"] = keep
    return policy or None


def policy_keys() -> str:
    """Return the names that --policy takes, for its help."""
    names = [field.name for field in fields(Policy) if field.name != "levels"]
    return ", ".join([*names, "levels.KIND"])


def read_duration(name: str, value: str) -> float:
    """Return the seconds of a text such as 15m."""
    if match := _DURATION.fullmatch(value):
        return float(match[1]) * _UNITS[match[2]]
    raise click.UsageError(f"{name}: want 90s, 15m, 12h or 7d, got {value!r}")


def _read(key: str, value: str) -> object:
    match key:
        case "target_tokens" | "min_tokens":
            return int(value) if value.isdecimal() else value
        case "keep":
            try:
                return float(value)
            except ValueError:
                return value
        case "allow_model":
            if value.lower() not in {"true", "false", "yes", "no", "1", "0"}:
                raise click.UsageError(f"--policy {key}: want true or false, got {value!r}")
            return value.lower() in {"true", "yes", "1"}
        case "disabled_compressors":
            return tuple(filter(None, value.split(",")))
        case "retention":
            return read_duration(f"--policy {key}", value)
        case _:
            return value
