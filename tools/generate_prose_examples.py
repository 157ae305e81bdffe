"""Generate docs/examples/prose.md: ten texts as views that the prose model made.

What lives here: the one way the page is made. The texts, and whose they are, stand in
docs/examples/prose/. A test makes the views anew and compares.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from furler_engine.pipeline import compress
from furler_engine.types import Hints, Policy, View
from furler_kompress.scorer import Scorer

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs/examples"
TARGET: Final = FOLDER / "prose.md"
REF: Final = "abcdefgh234567ab"
"""In place of a reference: a real one depends on a tenant's key."""
FENCE: Final = "`" * 8
HEAD: Final = """\
# Ten views of running text

Made by `make docs` from the texts in [prose/](prose/) with the default policy; do not edit it. Each block is a whole view, as an agent gets it:
the legend says how many words are gone, the last line how to get the exact text of any line back.
Read them as the agent does: is anything said that the text does not say, and is what you would need to know still there?
"""


@dataclass(frozen=True, slots=True)
class Example:
    """A text, and whose it is."""

    file: str
    title: str
    source: str
    licence: str
    query: str = ""

    @property
    def text(self) -> str:
        """The text."""
        return (FOLDER / "prose" / self.file).read_text()


def examples() -> list[Example]:
    """Return the examples, in order."""
    listed = tomllib.loads((FOLDER / "prose/examples.toml").read_text())
    return [Example(**fields) for fields in listed["example"]]


def view_of(example: Example, scorer: Scorer) -> View:
    """Return the view that a service with this model gives with the default policy."""
    policy, hints = Policy(model=scorer.version), Hints(query=example.query)
    asking = compress(example.text, hints, policy, REF)
    answers = {
        text: tuple(round(float(score), 4) for score in scorer.score(text)) for text in asking.asks
    }
    return compress(example.text, hints, policy, REF, answers)


def page() -> str:
    """Return the page."""
    scorer = Scorer.load()
    parts = [HEAD]
    for number, example in enumerate(examples(), 1):
        view = view_of(example, scorer)
        asked = f' Asked: "{example.query}"' if example.query else ""
        parts.append(
            f"\n## {number}. {example.title}\n\n"
            f"[Text](prose/{example.file}): {example.source}, {example.licence}. "
            f"{view.tokens_before:,} tokens, as a view {view.tokens_after:,}.{asked}\n\n"
            f"{FENCE}text\n{view.text}\n{FENCE}\n"
        )
    return "".join(parts)


if __name__ == "__main__":
    TARGET.write_text(page())
