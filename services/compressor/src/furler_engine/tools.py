"""What the name of a tool says about its output. A table, nothing else; a policy's levels beat it.

Names are compared without case, blanks, dashes and underscores, and without a
server's prefix (``mcp__files__read_file`` is ``readfile``).
"""

from __future__ import annotations

import re
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from furler_engine.types import Kind, Policy

RETRIEVE_TOOLS: Final = frozenset({"retrieve", "furlerretrieve", "headroomretrieve"})
"""Ours, and the one that callers of the gateway's /v1/compress offer. Their output is retrieved content: it is never compressed again."""
EDIT_TOOLS: Final = frozenset({
    "edit", "multiedit", "write", "writefile", "createfile", "applypatch", "notebookedit",
    "strreplace", "strreplaceeditor", "strreplacebasededittool", "editfile", "insert",
})  # fmt: skip
"""Their output shows what was just changed, for the next change: it stays as it is."""
READ_TOOLS: Final = frozenset({
    "read", "readfile", "readmanyfiles", "view", "viewfile", "open", "openfile", "getfile",
    "getfilecontents", "cat",
})  # fmt: skip
"""They read files, often to edit them: a replacement of text must match to the letter."""
EDITABLE: Final = frozenset({Kind.CODE, Kind.CONFIG, Kind.MARKUP, Kind.MARKDOWN, Kind.JSON})
"""Kinds that are edited by hand; nobody edits a log."""
EXACT_READ_TOKENS: Final = 8_000
"""Files up to this size (about 800 lines of code) are shown whole to who reads them; a larger one
is looked through first, and a part of it read again before an edit."""

_SEPARATORS: Final = re.compile(r"[\W_]+")


def normal(tool: str) -> str:
    """Return a tool's name in the form the tables have it.

    >>> normal("mcp__files__Read-File")
    'readfile'
    """
    return _SEPARATORS.sub("", tool.rpartition("__")[2].rpartition(".")[2]).lower()


def policy_for(tool: str, policy: Policy) -> Policy:
    """Return the policy for what a tool gave: a level by its name stands for every kind."""
    for glob, level in policy.tools:
        if fnmatchcase(tool, glob):
            return replace(policy, levels=tuple((kind, level) for kind in Kind), tools=())
    return replace(policy, tools=()) if policy.tools else policy


def why_exact(tool: str, kind: Kind, size: int) -> str:
    """Return why a tool's output of this kind and size in tokens stays as it is, or ''."""
    name = normal(tool)
    if name in EDIT_TOOLS:
        return f"the output of {name} is for the next edit"
    if name in READ_TOOLS and kind in EDITABLE and size <= EXACT_READ_TOKENS:
        return f"a file of up to {EXACT_READ_TOKENS} tokens that {name} read may be edited next"
    return ""
