"""The tools as a model sees them. Pure: names, descriptions, schemas.

They stand in the prompt of every conversation that has them, and a provider's
cache holds what comes after them: their bytes change with a release only, and a
test pins them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Schema = dict[str, object]

INSTRUCTIONS: Final = (
    "Furler gives a far shorter view of long text and keeps the original. A view's last line,"
    " [furler: …], names a reference; retrieve gives any part of the original back, byte for byte."
)


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool. ``changes`` says whether a call stores something."""

    name: str
    title: str
    description: str
    properties: Schema
    required: tuple[str, ...] = ()
    changes: bool = False

    def schema(self) -> Schema:
        """Return the JSON Schema of the arguments."""
        return {
            "type": "object",
            "properties": self.properties,
            "required": list(self.required),
            "additionalProperties": False,
        }


_TEXT: Final[Schema] = {"type": "string"}
_SPACE: Final[Schema] = {
    "type": "string",
    "description": "Scope of storage; leave it out unless told otherwise.",
}


def _text(description: str) -> Schema:
    return {**_TEXT, "description": description}


def _count(description: str, least: int) -> Schema:
    return {"type": "integer", "minimum": least, "description": description}


COMPRESS: Final = Tool(
    name="compress",
    title="Compress",
    description=(
        "Return a much shorter view of long text (logs, JSON, code, diffs, search results, pages)."
        " The original is stored; what the view leaves out is named in it, and retrieve returns it."
    ),
    properties={
        "content": _text("The text."),
        "query": _text("What you are looking for: it stays visible."),
        "filename": _text("Where the text comes from; its suffix tells the language."),
        "tool": _text("Name of the tool whose output it is."),
        "kind": _text("What it is, such as json, log, code or diff; detected if left out."),
        "space": _SPACE,
    },
    required=("content",),
    changes=True,
)
RETRIEVE: Final = Tool(
    name="retrieve",
    title="Retrieve",
    description=(
        "Return part of an original, exactly as it was. ref stands in the last line of its view."
        " Use at most one of marker, lines, match, path, symbol and query; without any of them"
        " the whole original comes, page by page."
    ),
    properties={
        "ref": _text("Reference from a view."),
        "marker": _text("A selector as the view prints it: L120-188, B0-512, $.data[3:480]."),
        "lines": _text("Lines, counted from 1, inclusive: 120-188."),
        "match": _text("RE2 pattern: the lines it matches."),
        "context": _count("Lines around each match.", 0),
        "path": _text("JSONPath query: $.items[?@.status == 'failed']."),
        "symbol": _text("Qualified name of a function, class or section."),
        "query": _text("A question: the passages that answer it best."),
        "limit": _count("Most passages that query returns.", 1),
        "max_tokens": _count("Most tokens of one page; 10000 if left out.", 1),
        "page": _text("The page to go on with, as the answer before named it."),
        "space": _SPACE,
    },
    required=("ref",),
)
STATS: Final = Tool(
    name="stats",
    title="Statistics",
    description="Return what was saved so far: views and tokens by kind of content.",
    properties={"space": _SPACE},
)
TOOLS: Final = (COMPRESS, RETRIEVE, STATS)
