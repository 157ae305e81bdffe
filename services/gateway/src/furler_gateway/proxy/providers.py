"""Where requests may go: upstreams by name, from configuration and nowhere else. Pure.

A request picks an upstream by name (a path, a header) or by what it is; it never
gives an address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from furler.conversations import Dialect

UPSTREAM_HEADER: Final = "x-furler-upstream"
NAMED: Final = "/to/"
"""/to/NAME/… goes to that upstream, for clients that cannot set a header."""
ANTHROPIC: Final = "anthropic"
OPENAI: Final = "openai"
_ENDPOINTS: Final[Mapping[str, tuple[Dialect, bool]]] = {
    "/messages": (Dialect.ANTHROPIC_MESSAGES, True),
    "/messages/count_tokens": (Dialect.ANTHROPIC_MESSAGES, False),
    "/chat/completions": (Dialect.OPENAI_CHAT, True),
    "/responses": (Dialect.OPENAI_RESPONSES, True),
}
"""Paths' ends whose bodies are compressed, and whether a model answers there."""
_SCHEME_AND_HOST: Final = re.compile(r"[^/?#]*://[^/?#]*")
"""What a request target in absolute form begins with (RFC 9112, 3.2.2). It is ours to name the host."""
_SLASHES: Final = re.compile(r"[/\\]")
_ANTHROPIC_MARKS: Final = ("anthropic-version", "x-api-key")


class UnknownUpstreamError(ValueError):
    """The request names an upstream that is not on the list."""


class PathError(ValueError):
    """The request's path may lead to somewhere else than below an upstream's address."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where one request goes. ``dialect`` is None for what is passed on unread."""

    upstream: str
    url: str
    dialect: Dialect | None
    endpoint: str
    """What policies know it by: /v1/messages, whatever stands before it; empty if it is none of ours."""
    is_answered: bool
    """Whether a model answers: a count of tokens is compressed as well, and that is all."""


@dataclass(frozen=True, slots=True)
class Upstreams:
    """The upstreams by name: base addresses, without a path's end."""

    bases: Mapping[str, str]

    def route(self, method: str, raw_path: str, headers: Mapping[str, str]) -> Route:
        """Return where a request goes: its path as it came, with its query.

        Raises UnknownUpstreamError, PathError.
        """
        path = _path(raw_path)
        name = headers.get(UPSTREAM_HEADER)
        if path.startswith(NAMED):
            name, slash, rest = path.removeprefix(NAMED).partition("/")
            path = slash + rest
        bare = path.partition("?")[0]
        if name is None:
            name = _native(bare, headers)
        if name not in self.bases:
            raise UnknownUpstreamError(name)
        dialect, endpoint, is_answered = None, "", False
        if method == "POST":
            for end, found in _ENDPOINTS.items():
                if bare.endswith(end):
                    dialect, is_answered = found
                    endpoint = f"/v1{end}"
        return Route(name, self.bases[name] + path, dialect, endpoint, is_answered)


def _path(target: str) -> str:
    """Return a request target without scheme and host. Raises PathError for one that climbs."""
    match = _SCHEME_AND_HOST.match(target)
    path = target[match.end() :] if match else target
    if not path.startswith("/"):
        raise PathError
    if ("." in path or "%" in path) and ".." in _SLASHES.split(unquote(path.partition("?")[0])):
        raise PathError
    return path


def _native(path: str, headers: Mapping[str, str]) -> str:
    """Return the upstream whose API a request speaks."""
    if path.startswith("/v1/messages") or any(mark in headers for mark in _ANTHROPIC_MARKS):
        return ANTHROPIC
    return OPENAI
