"""Tests of the asynchronous client, run in the loop that its synchronous face uses.

gRPC's asyncio layer does not do well with several loops, one after the other, in one process.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import ParamSpec

from furler import loop

_P = ParamSpec("_P")


def in_clients_loop(test: Callable[_P, Coroutine[object, object, None]]) -> Callable[_P, None]:
    """Make an async test a plain one; pytest sees its fixtures all the same."""

    @functools.wraps(test)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        loop.run(test(*args, **kwargs))

    return run
