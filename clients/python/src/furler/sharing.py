"""The values of shared context: no protobuf, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from furler.values import View


@dataclass(frozen=True, slots=True)
class Entry:
    """One named context.

    Attributes:
        key: Unique in the space.
        revision: Of the write that made it what it is.
        author: Agent that made that write.
        creator: Agent that made the entry's first write.
        source_tool: Tool whose output the content is, if the author said so.
        view: What to put in a prompt. Only ``get`` gives its text and elisions; its ``ref``
            retrieves any part of the original.
        created: When the entry's first write was.
        updated: When the write was that made it what it is.
        expires: When it will be forgotten.
        original: The content, if it was asked for.
    """

    key: str
    revision: int
    author: str
    creator: str
    source_tool: str
    view: View
    created: datetime
    updated: datetime
    expires: datetime
    original: bytes | None = None

    @property
    def text(self) -> str:
        """The view's text."""
        return self.view.text


@dataclass(frozen=True, slots=True)
class DifferingLine:
    """A line of one content that the other lacks; ``line`` counts from 1, ``text`` may be cut."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Resemblance:
    """Another entry that holds nearly the same as one just written.

    Attributes:
        key: Its key.
        revision: Its revision when it was compared.
        author: Its author.
        identical: Whether it holds the very same bytes.
        similarity: Share of the pieces of both that both have, from 0 to 1; an estimate.
        lines_added: How many lines only the new entry has.
        lines_removed: How many lines only the other one has.
        added: The first of the lines added.
        removed: The first of the lines removed.
    """

    key: str
    revision: int
    author: str
    identical: bool
    similarity: float
    lines_added: int
    lines_removed: int
    added: tuple[DifferingLine, ...] = ()
    removed: tuple[DifferingLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """An entry as written, and the entry it resembles, if there is one.

    ``repeated``: an earlier call had written it under the same request_id.
    """

    entry: Entry
    resembles: Resemblance | None = None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """Entries by key, and the revision to watch after so that no change is missed."""

    entries: tuple[Entry, ...]
    revision: int


@dataclass(frozen=True, slots=True)
class Change:
    """One write to a space, or one removal: then ``entry`` is None.

    ``revision`` is what a later watch goes on after. ``expired``: it was removed because its
    time was over.
    """

    key: str
    revision: int
    entry: Entry | None = None
    expired: bool = False
