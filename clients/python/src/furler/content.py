"""Checks on content before it leaves the process: text, and within the size limit."""

from __future__ import annotations

from typing import Final

from furler.errors import ContentNotTextError, ContentTooLargeError

MAX_CONTENT_BYTES: Final = 64 * 1024 * 1024
"""What every server takes at most; one that takes less says so itself."""


def encode(content: str | bytes) -> bytes:
    """Return the content's bytes.

    Raises:
        ContentNotTextError: They are not UTF-8.
        ContentTooLargeError: They are more than MAX_CONTENT_BYTES.
    """
    if isinstance(content, str):
        data = _encode_text(content)
    else:
        data = content
        _check_size(len(data))
        try:
            data.decode()
        except UnicodeDecodeError as error:
            raise _not_text(error.start, f"byte 0x{data[error.start]:02x}") from None
    _check_size(len(data))
    return data


def _encode_text(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        # Half of a surrogate pair: how Python carries bytes that were no text to begin with.
        offset = len(text[: error.start].encode())
        raise _not_text(offset, f"lone surrogate U+{ord(text[error.start]):04X}") from None


def _not_text(offset: int, what: str) -> ContentNotTextError:
    return ContentNotTextError(
        f"content is not UTF-8 text: {what} at offset {offset}", metadata={"offset": str(offset)}
    )


def _check_size(size: int) -> None:
    if size > MAX_CONTENT_BYTES:
        raise ContentTooLargeError(
            f"content has {size:,} bytes, the limit is {MAX_CONTENT_BYTES:,} (64 MiB)",
            metadata={"limit_bytes": str(MAX_CONTENT_BYTES), "size_bytes": str(size)},
        )
