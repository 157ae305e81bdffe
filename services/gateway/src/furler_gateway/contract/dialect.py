"""Which dialect a conversation of the contract is in: recognised here, known by the compressor. Pure."""

from __future__ import annotations

from furler.conversations import Dialect


def dialect_of(name: str, conversation: bytes) -> Dialect:
    """Return the dialect of a conversation that stood under a name, messages or input.

    Within a JSON string every quote is escaped, so these bytes are never content.
    """
    if name == "input":
        return Dialect.OPENAI_RESPONSES
    if b'"tool_result"' in conversation or b'"document"' in conversation:
        return Dialect.ANTHROPIC_MESSAGES
    return Dialect.OPENAI_CHAT
