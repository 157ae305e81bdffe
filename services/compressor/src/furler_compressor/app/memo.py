"""What the engine made of requests lately, by all that it depends on: the same request is not folded twice.

In memory of one process, and only of requests that are of no conversation: their result depends on
nothing that is stored. It is a result only: originals are looked for, and stored, as for a new one.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from typing import Final

from furler_compressor.app.conversed import ConversationJob, Conversed
from furler_compressor.app.ports import Scope

MAX_BODY: Final = 1024 * 1024
"""Larger bodies are not looked up: their digest alone would hold the event loop for milliseconds."""
_OVERHEAD_BYTES: Final = 2000
"""What an edit takes beside its texts: a view's fields, a few elisions."""

_REST: Final = attrgetter(
    *(f.name for f in fields(ConversationJob) if f.name not in ("body", "tenant_key", "begun"))
)
"""All of a job but its body, the key that goes with its owner, and what a result does not depend on."""
Key = tuple[Scope, bytes]


@dataclass(slots=True)
class Memo:
    """The results used last, up to a number of bytes."""

    max_bytes: int
    held_bytes: int = 0
    _results: OrderedDict[Key, tuple[int, Conversed]] = field(default_factory=OrderedDict)

    async def once(
        self, scope: Scope, job: ConversationJob, work: Callable[[], Awaitable[Conversed]]
    ) -> Conversed:
        """Return a job's result: the one that is held, or that of the work. Raises what it raises."""
        is_plain = job.pins is None and job.epoch is None and len(job.body) <= MAX_BODY
        if not (self.max_bytes and is_plain):
            return await work()
        key = key_of(scope, job)
        done = self.get(key)
        if done is None:
            done = await work()
            self.put(key, done)
        return done

    def get(self, key: Key) -> Conversed | None:
        """Return a result, as one that was made before."""
        found = self._results.get(key)
        if found is None:
            return None
        self._results.move_to_end(key)
        return found[1]

    def put(self, key: Key, done: Conversed) -> None:
        """Keep a result, and let go of those that were used longest ago."""
        size = _size(done)
        if size > self.max_bytes // 4 or key in self._results:
            return  # one alone is not to drive out all others
        kept = done
        if done.splices or done.pins:
            old = tuple(replace(each, key="") for each in done.splices)
            kept = replace(done, splices=old, pins={})
        self._results[key] = (size, kept)
        self.held_bytes += size
        while self.held_bytes > self.max_bytes:
            _, (gone, _) = self._results.popitem(last=False)
            self.held_bytes -= gone


def key_of(scope: Scope, job: ConversationJob) -> Key:
    """Return the key of a job: its body, and whatever else its result depends on."""
    rest = repr((job.begun.mode, _REST(job)))
    digest = hashlib.sha256(rest.encode(errors="surrogatepass"))
    digest.update(job.body)
    return scope, digest.digest()


def _size(done: Conversed) -> int:
    # The text of a view stands in its replacement, escaped, as well.
    edits = sum(2 * len(each.replacement) + _OVERHEAD_BYTES for each in done.splices)
    return edits + _OVERHEAD_BYTES + 200 * len(done.volatile)
