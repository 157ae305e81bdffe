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
_OURS: Final = b"x-furler-"
"""What is said to the gateway is not the provider's business."""


def forwarded(raw: RawHeaders, *, drop: frozenset[bytes] = frozenset()) -> list[tuple[str, str]]:
    """Return a request's headers for the provider, in their order and spelling.

    The host is the upstream's, the length that of what is sent. Raises UnicodeDecodeError.
    """
    gone = _gone(raw) | {b"host", b"content-length", b"expect"} | drop
    spelt: dict[bytes, str] = {}
    return [
        # A name that is repeated is spelt as it was first: aiohttp keeps one spelling of each.
        (spelt.setdefault(name.lower(), name.decode("ascii")), value.decode())
        for name, value in raw
        if name.lower() not in gone and not name.lower().startswith(_OURS)
    ]


def returned(raw: RawHeaders, *, drop: frozenset[bytes] = frozenset()) -> list[tuple[str, str]]:
    """Return a reply's headers for the client."""
    gone = _gone(raw) | drop
    return [
        (name.decode("ascii"), value.decode("utf-8", "replace"))
        for name, value in raw
        if name.lower() not in gone
    ]


def _gone(raw: RawHeaders) -> frozenset[bytes]:
    named = b",".join(value for name, value in raw if name.lower() == b"connection")
    return _HOP_BY_HOP | {each.strip().lower() for each in named.split(b",") if each.strip()}
