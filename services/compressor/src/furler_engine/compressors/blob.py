"""Encoded data in text: each run as its encoding, type, size and digest.

What lives here: base64 and hexadecimal in lines or in one piece, and the text
around them, which stays. What does not: encoded members of JSON (json_rows).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from typing import Final

from furler_engine.markers import format_place
from furler_engine.types import Bytes, BytesShown, Draft, Elision, Policy, Source

MIN_RUN: Final = 400
"""Characters from which a run is data rather than a word, a name or a key."""
_RUN = re.compile(rf"[A-Za-z0-9+/=\r\n]{{{MIN_RUN},}}|[A-Za-z0-9_=\r\n-]{{{MIN_RUN},}}")
_HEX = re.compile(r"[0-9a-f\r\n]+|[0-9A-F\r\n]+")
_MIN_LINE: Final = 40
"""Characters per line of data, the last line aside: PEM has 64, MIME 76."""
_SHOWN: Final = 32
_TYPES: Final = (
    (b"\x89PNG\r\n", "PNG image"), (b"\xff\xd8\xff", "JPEG image"), (b"GIF8", "GIF image"), (b"%PDF", "PDF"),
    (b"PK\x03\x04", "ZIP archive"), (b"\x1f\x8b", "gzip"), (b"\x7fELF", "ELF binary"), (b"BM", "BMP image"),
    (b"OggS", "Ogg"), (b"RIFF", "RIFF (WebP, WAV, AVI)"), (b"\x00asm", "WebAssembly"), (b"SQLite format 3", "SQLite"),
    (b"wOFF", "font"), (b"wOF2", "font"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"BZh", "bzip2"), (b"7z\xbc\xaf", "7z archive"),
    (b"<?xml", "XML"), (b"<svg", "SVG"), (b"{", "JSON?"), (b"0\x82", "DER (certificate or key)"),
)  # fmt: skip


def plan(source: Source, policy: Policy) -> Draft | None:
    """Leave out runs of encoded data; each is described and named by its bytes."""
    del policy
    text = source.text
    runs = list(_runs(text))
    if not runs:
        return None
    out = [
        "[encoded data is described, not shown: … B0-512 are its bytes here, sha256 is of its text]\n"
    ]
    shown: list[Bytes] = []
    elisions: list[Elision] = []
    at = offset = left_out = 0
    for start, end in runs:
        before, run = text[at:start], text[start:end]
        size, length = len(before.encode()), end - start
        if before:
            shown.append(Bytes(offset, offset + size))
        place = Bytes(offset + size, offset + size + length)
        what = _describe(run)
        out += [before, f"[{what}, begins {run[:_SHOWN].split()[0]} … {format_place(place)}]"]
        elisions.append(Elision(place, what))
        at, offset = end, place.end
        left_out += length
    if at < len(text):
        shown.append(Bytes(offset, len(source.data)))
        out.append(text[at:])
    total = len(text)
    return Draft(
        "".join(out),
        BytesShown(tuple(shown)),
        "characters",
        total,
        total - left_out,
        tuple(elisions),
    )


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """Yield the character ranges of encoded data, line breaks around it left outside."""
    for match in _RUN.finditer(text):
        run = match[0].strip("\r\n")
        lines = run.split("\n")
        if len(run) < MIN_RUN or any(len(line) < _MIN_LINE for line in lines[:-1]):
            continue
        if _HEX.fullmatch(run) or _is_mixed(run):
            start = match.start() + match[0].find(run)
            yield start, start + len(run)


def _is_mixed(run: str) -> bool:
    """Whether capitals, small letters and digits are all frequent, as in base64 of anything."""
    counts = [
        sum(map(run.count, letters))
        for letters in ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789")
    ]
    return min(counts) > 0.03 * len(run)


def _describe(run: str) -> str:
    digest = hashlib.sha256(run.encode()).hexdigest()[:12]
    encoding, data = _decoded(run)
    kind = next((name for start, name in _TYPES if data.startswith(start)), "")
    inside = (
        f"{kind + ', ' if kind else ''}{len(data):,} bytes" if data else f"{len(run):,} characters"
    )
    return f"{encoding}: {inside}, sha256 {digest}"


def _decoded(run: str) -> tuple[str, bytes]:
    packed = run.replace("\r", "").replace("\n", "")
    if _HEX.fullmatch(packed):
        return "hexadecimal", bytes.fromhex(packed) if len(packed) % 2 == 0 else b""
    try:
        padded = packed.rstrip("=") + "=" * (-len(packed.rstrip("=")) % 4)
        return "base64", base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        return "base64 or alike", b""
