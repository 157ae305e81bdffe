"""Content is checked before it leaves the process."""

from __future__ import annotations

import pytest

from furler import ContentNotTextError, ContentTooLargeError, content


def test_text_and_its_bytes_are_the_same_content() -> None:
    assert content.encode("größer\r\n\x00") == "größer\r\n\x00".encode()
    assert content.encode("größer\r\n\x00".encode()) == "größer\r\n\x00".encode()
    assert content.encode("") == b""


def test_bytes_that_are_not_text_are_refused_with_the_offset_of_the_first() -> None:
    with pytest.raises(ContentNotTextError) as caught:
        content.encode("größer".encode() + b" \xff\xfe")
    assert caught.value.metadata == {"offset": "9"}
    assert caught.value.message == "content is not UTF-8 text: byte 0xff at offset 9"


def test_a_lone_surrogate_is_refused_with_its_offset_in_bytes() -> None:
    with pytest.raises(ContentNotTextError) as caught:
        content.encode("größer \udcff")
    assert caught.value.metadata == {"offset": "9"}


@pytest.mark.parametrize("form", ["text", "bytes"])
def test_more_than_the_limit_is_refused_with_both_sizes(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "MAX_CONTENT_BYTES", 10)
    whole = "x" * 10 if form == "text" else b"x" * 10
    more = "x" * 11 if form == "text" else b"x" * 11
    assert content.encode(whole) == b"x" * 10
    with pytest.raises(ContentTooLargeError) as caught:
        content.encode(more)
    assert caught.value.metadata == {"limit_bytes": "10", "size_bytes": "11"}
