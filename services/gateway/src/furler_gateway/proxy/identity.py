"""What a request says of itself: which conversation it is of, whose credential pays for it. Pure.

A conversation has a name because its client or its provider gave it one; a hash of
the prompt is none (two conversations may begin alike), and neither is a user's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import orjson

from furler.conversations import Dialect

CONVERSATION_HEADER: Final = "x-furler-conversation"
MAX_NAME: Final = 200
"""The compressor takes 256 characters, and we add a few."""
_UUID: Final = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_UNIQUE: Final = re.compile(rf"(?:[A-Za-z]{{1,16}}[_-])?(?:{_UUID}|[0-9a-fA-F]{{32,64}})")
"""An id of one thing. Any other cache key may be that of an application: a conversation of that
name would hold the pins of thousands, and read them with every turn."""
_SESSION: Final = re.compile(rf"_session_({_UUID})\Z")
_CONVERSATION: Final = re.compile(r"conv_[0-9A-Za-z_-]{8,128}")
_SESSION_HEADERS: Final = (
    "session_id",
    "session-id",
    "conversation_id",
    "x-claude-code-session-id",
)
"""What coding agents say besides the body."""
_SUBSCRIPTION_TOKENS: Final = ("sk-ant-oat", "eyJ", "gho_", "ghu_", "tid=")
"""How tokens of a person's subscription begin: Claude's, JSON Web Tokens such as ChatGPT's, Copilot's."""
_SIGNATURES: Final = (
    "content-digest", "digest", "content-md5", "x-amz-content-sha256", "signature", "x-signature",
)  # fmt: skip
"""Headers that speak of the body's very bytes."""


def conversation(dialect: Dialect, headers: Mapping[str, str], fields: Mapping[str, object]) -> str:
    """Return the name of a request's conversation, or ''.

    ``headers`` are found without case; ``fields`` are the body's top-level members.
    """
    given = headers.get(CONVERSATION_HEADER, "")
    if given:
        return f"header:{given}" if len(given) <= MAX_NAME and given.isprintable() else ""
    found = _anthropic(fields) if dialect is Dialect.ANTHROPIC_MESSAGES else _openai(fields)
    if not found:
        named = [headers[name] for name in _SESSION_HEADERS if name in headers]
        found = next((each for each in named if _UNIQUE.fullmatch(each)), "")
    return f"{dialect}:{found}" if found else ""


def _anthropic(fields: Mapping[str, object]) -> str:
    """Return the session in metadata.user_id, in the two forms that coding agents write."""
    metadata = fields.get("metadata")
    user = metadata.get("user_id") if isinstance(metadata, dict) else None
    if not isinstance(user, str) or len(user) > 2048:
        return ""
    if match := _SESSION.search(user):
        return match[1]
    if not user.startswith("{"):
        return ""
    try:
        parts: object = orjson.loads(user)
    except ValueError:
        return ""
    session = parts.get("session_id") if isinstance(parts, dict) else None
    return session if isinstance(session, str) and _UNIQUE.fullmatch(session) else ""


def _openai(fields: Mapping[str, object]) -> str:
    """Return the conversation, or a cache key that is the id of one."""
    held = fields.get("conversation")
    if isinstance(held, dict):
        held = held.get("id")
    if isinstance(held, str) and _CONVERSATION.fullmatch(held):
        return held
    key = fields.get("prompt_cache_key")
    # previous_response_id names a turn, not a conversation; user and safety_identifier a person.
    return key if isinstance(key, str) and _UNIQUE.fullmatch(key) else ""


def is_subscription(headers: Mapping[str, str]) -> bool:
    """Return whether a person's subscription pays: what then goes out is the client's own, re-encoded.

    A signed token that is none of a subscription is taken for one: the safe side.
    """
    if key := headers.get("x-api-key") or headers.get("api-key"):
        return key.startswith(_SUBSCRIPTION_TOKENS)
    if "chatgpt-account-id" in headers:
        return True
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and token.strip().startswith(_SUBSCRIPTION_TOKENS)


def is_signed(headers: Mapping[str, str]) -> bool:
    """Return whether a request is signed together with its body, which must then stay as it is."""
    if headers.get("authorization", "").startswith("AWS4-"):
        return True
    return not headers.keys().isdisjoint(_SIGNATURES)
