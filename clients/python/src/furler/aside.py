"""Work over long bodies, out of the event loop's way: whoever shares the loop is served meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

LONG_BYTES: Final = 1024 * 1024
"""Copying or writing more than this takes a millisecond; handing it to a thread a tenth of one."""


async def aside(size: int, work: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Do work over so many bytes: here if it is quick, else in a thread."""
    if size <= LONG_BYTES:
        return work(*args, **kwargs)
    return await asyncio.to_thread(work, *args, **kwargs)
