"""Which headers of a message go on: all, as they came, but those that are of one hop. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

RawHeaders = Sequence[tuple[bytes, bytes]]
_HOP_BY_HOP: Final = frozenset({
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection",
    b"te", b"trailer", b"transfer-encoding", b"upgrade",
})  # fmt: skip
"""RFC 9110, 7.6.1."""
_OF_THE_REQUEST: Final = _HOP_BY_HOP | {b"host", b"content-length", b"expect"}
"""Not for the provider: the host is the upstream's, the length that of what is sent."""
_OURS: Final = b"x-furler-"
"""What is said to the gateway is not the provider's business."""


def forwarded(raw: RawHeaders, *, drop: frozenset[bytes] = frozenset()) -> list[tuple[str, str]]:
    """Return a request's headers for the provider, in their order and spelling. Raises UnicodeDecodeError."""
    spelt: dict[bytes, str] = {}
    return [
        # A name that is repeated is spelt as it was first: aiohttp keeps one spelling of each.
        (spelt.setdefault(key, name.decode("ascii")), value.decode())
        for key, name, value in _kept(raw, _OF_THE_REQUEST | drop)
        if not key.startswith(_OURS)
    ]


def returned(raw: RawHeaders, *, drop: frozenset[bytes] = frozenset()) -> list[tuple[str, str]]:
    """Return a reply's headers for the client."""
    return [
        (name.decode("ascii"), value.decode("utf-8", "replace"))
        for _, name, value in _kept(raw, _HOP_BY_HOP | drop)
    ]


def _kept(raw: RawHeaders, gone: frozenset[bytes]) -> list[tuple[bytes, bytes, bytes]]:
    """Return the headers that go on, before each its name in lower case."""
    lowered = [(name.lower(), name, value) for name, value in raw]
    for key, _, value in lowered:
        if key == b"connection":
            gone |= {each.strip().lower() for each in value.split(b",")}
    return [each for each in lowered if each[0] not in gone]
