"""What is sent: texts of the kinds agents produce, made once, and made new at no cost per call.

Sizes follow recorded agents: half of a tool's results are below 3 KB, a tenth above 20 KB.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field

from bench import generate

KB = 1000
MIX = ((3 * KB, 6), (12 * KB, 3), (60 * KB, 1))
"""Sizes, and how often each comes among ten."""
_PREPARED = 5
"""Texts of each kind and size that are made before the load; more only take time to make."""


@dataclass(slots=True)
class Contents:
    """Prepared texts of mixed kinds and sizes; ``new`` gives one nobody has sent before."""

    sizes: tuple[tuple[int, int], ...] = MIX
    kinds: tuple[str, ...] = tuple(generate.KINDS)
    _texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for seed in range(_PREPARED):
            for size, often in self.sizes:
                for at in range(often):
                    kind = self.kinds[(seed + at) % len(self.kinds)]
                    self._texts.append(generate.KINDS[kind](size, 100 * seed + at))

    def known(self, number: int) -> bytes:
        """Return the n-th text as it was prepared: the same every time."""
        return self._texts[number % len(self._texts)].encode()

    def new(self, run: str, number: int) -> bytes:
        """Return a text of the same kind and size that differs from all others by its first record."""
        text = self._texts[number % len(self._texts)]
        if text.startswith("["):
            return f'[{{"id": "{run}-{number}"}},{text[1:]}'.encode()
        return f"run {run} call {number}\n{text}".encode()

    def __len__(self) -> int:
        return len(self._texts)


_WHO = ("The committee", "Our supplier", "Each of the teams", "The new manager", "A reviewer")
_WHAT = ("agreed on", "talked at length about", "did not accept", "wrote a summary of", "postponed")
_WHICH = ("the budget for the coming year", "a change to the delivery dates", "the open complaints",
          "the plan to move the archive", "what the customers had asked for in the spring")  # fmt: skip
_WHY = ("because the figures were late", "although nobody was sure", "before the holidays began",
        "after a long and rather difficult meeting", "as the contract requires")  # fmt: skip


def prose(size: int, seed: int) -> bytes:
    """Return running text: what only a model can shorten."""
    pick = random.Random(seed)  # noqa: S311 - no secret
    paragraphs: list[str] = []
    length = 0
    while length < size:
        parts = ((_WHO, _WHAT, _WHICH, _WHY),) * 5
        said = [
            " ".join(map(pick.choice, part)) + f" in week {pick.randrange(52)}." for part in parts
        ]
        paragraphs.append(" ".join(said))
        length += len(paragraphs[-1]) + 2
    return "\n\n".join(paragraphs).encode()


def turn(conversation: int, turns: int, contents: Contents) -> bytes:
    """Return the body of a conversation's n-th request: all that was said before, and a new result."""
    messages: list[dict[str, object]] = [
        {"role": "system", "content": "You fix bugs."},
        {"role": "user", "content": f"Please fix number {conversation}."},
    ]
    for at in range(turns):
        call = {"id": f"c{at}", "type": "function", "function": {"name": "bash", "arguments": "{}"}}
        result = contents.new(f"conversation {conversation}", at).decode()
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"c{at}", "content": result},
        ]
    return json.dumps({"model": "m", "messages": messages}).encode()
