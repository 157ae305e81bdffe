"""Runs inside an environment of LiteLLM's own: JSON in, JSON out. Imports nothing of ours.

Its guardrail does what it does in LiteLLM's proxy: compresses a request's messages, and answers the
model's calls of the retrieve tool.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import re
import sys
from typing import Any


async def main() -> None:
    """Serve one job from standard input."""
    job = json.load(sys.stdin)
    module = importlib.import_module("litellm.proxy.guardrails.guardrail_hooks.headroom.headroom")
    guard = module.HeadroomGuardrail(
        api_base=job["api_base"],
        api_key=job.get("api_key"),
        guardrail_name="furler",
        event_hook="pre_call",
        default_on=True,
        unreachable_fallback=job.get("fallback"),
        timeout=30,
    )
    data: dict[str, Any] = {"model": "m", "messages": job["messages"], "litellm_call_id": "call-1"}
    inputs = {"structured_messages": job["messages"], "tools": []}
    try:
        made = await guard.apply_guardrail(inputs, data, "request")
    except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
        told = {"error": type(error).__name__, "status": getattr(error, "status_code", 0)}
        sys.stdout.write(json.dumps(told) + "\n")
        return
    out = {
        "messages": made["structured_messages"],
        "tools": [tool["function"]["name"] for tool in made.get("tools") or []],
        "untouched": made is inputs,
    }
    text = json.dumps(made["structured_messages"])
    hashes = re.findall(r'retrieve\(ref=\\\\?"([0-9a-z]+)', text)
    if hashes:
        out["retrieved"] = await _answered(guard, data, [*hashes, "0" * 20])
    sys.stdout.write(json.dumps(out) + "\n")


async def _answered(guard: Any, data: dict[str, Any], hashes: list[str]) -> list[str]:
    """Return what the guardrail answers a model that asks for hashes."""
    calls = [
        {
            "id": f"r{n}",
            "type": "function",
            "name": "headroom_retrieve",
            "arguments": {"hash": each},
        }
        for n, each in enumerate(hashes)
    ]
    plan = await guard.async_build_agentic_loop_plan(
        tools={"tool_calls": calls},
        model="m",
        messages=data["messages"],
        response={"choices": []},
        anthropic_messages_provider_config=None,
        anthropic_messages_optional_request_params={},
        logging_obj=None,
        stream=False,
        kwargs={"litellm_call_id": "call-1"},
    )
    return [each["content"] for each in plan.request_patch.messages if each["role"] == "tool"][
        -len(hashes) :
    ]


if __name__ == "__main__":
    asyncio.run(main())
