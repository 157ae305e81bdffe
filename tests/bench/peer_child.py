"""Runs inside the peer's own environment: a JSON line in, a JSON line out.

Imports nothing of ours. ``fresh`` empties the peer's result cache before the
clock starts, so that both sides are timed doing the work; without it a
repeated call shows what its cache gives.
"""

from __future__ import annotations

import importlib
import json
import sys
import time


def main() -> None:
    """Serve requests until stdin closes; the first line out says that the import is done."""
    # What the library prints must not get between our lines.
    out, sys.stdout = sys.stdout, sys.stderr
    module = importlib.import_module("headroom.compress")
    print("ready", file=out, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if request["fresh"]:
            _empty_cache(module)
        messages = _messages(request["content"], request["query"])
        started = time.perf_counter()
        result = module.compress(messages, model="gpt-4o")
        ms = (time.perf_counter() - started) * 1000
        text = result.messages[-1]["content"]
        text = text if isinstance(text, str) else json.dumps(text)
        print(json.dumps({"text": text, "ms": ms}), file=out, flush=True)


def _messages(content: str, query: str) -> list[dict[str, object]]:
    call = {"id": "call_1", "type": "function", "function": {"name": "run", "arguments": "{}"}}
    return [
        {"role": "user", "content": query or "Continue."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": content},
    ]


def _empty_cache(module: object) -> None:
    """Empty the result caches of the pipeline, where there are any yet."""
    pipeline = getattr(module, "_pipeline", None)
    for transform in getattr(pipeline, "transforms", ()):
        cache = getattr(transform, "_cache", None)
        if cache is not None:
            cache.clear()


if __name__ == "__main__":
    main()
