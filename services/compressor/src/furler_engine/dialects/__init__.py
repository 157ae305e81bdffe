"""The provider formats of conversations: where in a body the texts stand, as byte offsets.

A reader per dialect fills a Collector; nothing here decides what to do with a text.
"""

from __future__ import annotations

from typing import Final

from furler_engine.dialects import anthropic, openai_chat, openai_responses
from furler_engine.dialects.block import Body, Collector, Dialect, Reader

READERS: Final[dict[Dialect, Reader]] = {
    Dialect.ANTHROPIC_MESSAGES: anthropic.read,
    Dialect.OPENAI_CHAT: openai_chat.read,
    Dialect.OPENAI_RESPONSES: openai_responses.read,
}


def read(data: bytes, dialect: Dialect) -> Body:
    """Return the blocks of a provider request. Raises BodyError if it is none of the dialect."""
    out = Collector(data)
    READERS[dialect](out)
    return out.body()
