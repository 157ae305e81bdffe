r"""Path factoring: what many paths have in common.

What lives here: the root that paths share, and a path's directory and name.
What does not: how a view prints either. Both ``/`` and ``\`` separate.
"""

from __future__ import annotations

from collections.abc import Collection


def common_root(paths: Collection[str]) -> str:
    r"""Return the longest directory that all paths lie in, with its separator, or ''.

    >>> common_root(["src/app/a.py", "src/app/b/c.py"])
    'src/app/'
    >>> common_root(["C:\\src\\a.c", "C:\\src\\b.c"])
    'C:\\src\\'
    """
    if not paths:
        return ""
    # What the smallest and the largest share, all in between share.
    low, high = min(paths), max(paths)
    # By halves: slices compare many characters in the time that a loop takes for one.
    shared, end = 0, min(len(low), len(high))
    while shared < end:
        middle = (shared + end + 1) // 2
        if low[shared:middle] == high[shared:middle]:
            shared = middle
        else:
            end = middle - 1
    return split_path(low[:shared])[0]


def split_path(path: str) -> tuple[str, str]:
    """Return (directory with its separator, name); either may be empty.

    >>> split_path("src/app/main.py")
    ('src/app/', 'main.py')
    """
    at = max(path.rfind("/"), path.rfind("\\")) + 1
    return path[:at], path[at:]
