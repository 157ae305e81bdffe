"""Running text for tests, written here, and what a fake model says of it."""

from __future__ import annotations

from furler_engine.pipeline import compress
from furler_engine.types import Answers, Hints, Policy, View
from support.fake_model import scores

REF = "a" * 16
MODEL = "fake/1"

_SENTENCES = (
    "The worker on host-{n} was restarted on Tuesday at 14:0{d} because the disk of the host was full.",
    "It is not clear whether the operator, Maria Lopez, had been told of the limit of {n} connections.",
    "After the restart the queue was drained in about {n} minutes, and none of the messages were lost.",
    "The team has decided that the retention of the archive must never be shorter than {n} days.",
    "In the meantime the other workers were able to take over nearly all of the load of that region.",
    "A review of the alert rules, which are kept in `alerts.yaml`, is planned for the end of the month.",
)


def report(paragraphs: int, *, wrapped: bool = False) -> str:
    """Return paragraphs of three sentences each, on one line or on three."""
    parts: list[str] = []
    for p in range(paragraphs):
        picked = [
            _SENTENCES[(p + i) % len(_SENTENCES)].format(n=10 + p, d=p % 10) for i in range(3)
        ]
        parts.append(("\n" if wrapped else " ").join(picked))
    return "\n\n".join(parts) + "\n"


def manual(sections: int) -> str:
    """Return Markdown with headings, fences, a table, items and paragraphs."""
    parts = ["# The operations manual", "", report(1).strip(), ""]
    for n in range(sections):
        parts += [
            f"## Section {n} of the manual", "", report(n + 2).split("\n\n")[n + 1].strip(), "",
            "```sh", f"restart the worker --host host-{n} and wait for the queue", "```", "",
            "| the name | what it is for |", "|---|---|", f"| worker-{n} | the work of the day |", "",
            f"- The first thing to do is to look at [the dashboard of the day](https://example.org/{n}).",
            "- When the queue is not drained, the operator must call the team that is on duty.", "",
        ]  # fmt: skip
    return "\n".join(parts)


def answered(view: View) -> Answers:
    """Return what the fake model says to what a view asks."""
    return {text: scores(text) for text in view.asks}


def abridge(text: str, hints: Hints | None = None, policy: Policy | None = None) -> View:
    """Return the view of a text with the fake model's answers."""
    hints, policy = hints or Hints(), policy or Policy(model=MODEL)
    asked = compress(text, hints, policy, REF)
    return compress(text, hints, policy, REF, answered(asked))
