"""A provider's prompt cache, simulated: it keeps the longest prefix it was sent, per conversation."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from furler_compressor.app.conversation import Answer
from furler_compressor.app.conversed import Splice


def spliced(body: bytes, splices: tuple[Splice, ...]) -> bytes:
    """Return the body with the edits applied."""
    out, at = [], 0
    for splice in splices:
        assert splice.offset >= at
        out += [body[at : splice.offset], splice.replacement]
        at = splice.offset + splice.length
    return b"".join([*out, body[at:]])


@dataclass
class PrefixCache:
    """Counts the turns whose messages do not start with those of the turn before, byte for byte."""

    busts: int = 0
    turns: int = 0
    _sent: list[bytes] = field(default_factory=list)

    def send(self, body: bytes) -> None:
        document = json.loads(body)
        messages = document.get("messages", document.get("input"))
        now = [json.dumps(message).encode() for message in messages]
        self.busts += now[: len(self._sent)] != self._sent
        self.turns += 1
        self._sent = now


def sent(body: bytes, answer: Answer) -> bytes:
    """Return what is forwarded; the part that the answer calls frozen must hold all edits."""
    assert all(s.offset + s.length <= answer.done.frozen_bytes for s in answer.splices)
    return spliced(body, answer.splices)
