"""The real LiteLLM, by its guardrail for compression services, in front of the real gateway."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.credentials import key_file
from support.gateway import Gateway, running_gateway
from support.inputs import orders, service_log
from support.service import running_service

ROOT = Path(__file__).parent.parent.parent
PYTHON = ROOT / ".venv-litellm" / "bin" / "python"
CHILD = ROOT / "tests" / "support" / "litellm_child.py"
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="needs LiteLLM: make litellm")
LOG, ORDERS = service_log(400), orders(200)


def call(number: int) -> dict[str, object]:
    function = {"name": f"tool_{number}", "arguments": "{}"}
    call = {"id": f"c{number}", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


MESSAGES: list[dict[str, object]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Why did the refund fail?"},
    call(1),
    {"role": "tool", "tool_call_id": "c1", "content": LOG},
    call(2),
    {"role": "tool", "tool_call_id": "c2", "content": ORDERS},
    {"role": "assistant", "content": "Let me think."},
    {"role": "user", "content": "And?"},
]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    keys = key_file(tmp_path_factory.mktemp("litellm") / "keys", {"lite": {"tenant": "acme"}})
    with (
        running_service(api_keys=str(keys), audit="off") as service,
        running_gateway(service.address, contract_mode="ccr") as running,
    ):
        yield running


def guarded(address: str, key: str = "lite", fallback: str = "fail_closed") -> dict[str, object]:
    job = {
        "api_base": f"http://{address}", "api_key": key, "fallback": fallback, "messages": MESSAGES,
    }  # fmt: skip
    done = subprocess.run(
        [PYTHON, CHILD],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        timeout=120,
        # Its table of prices comes with it; without this it looks for a newer one first.
        env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONWARNINGS": "ignore"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    value: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return value


def test_litellm_sends_shorter_results_and_its_retrieve_tool_gives_the_originals(
    gateway: Gateway,
) -> None:
    made = guarded(gateway.address)
    messages = made["messages"]
    assert isinstance(messages, list)
    assert [m for n, m in enumerate(messages) if n not in (3, 5)] == [
        m for n, m in enumerate(MESSAGES) if n not in (3, 5)
    ]
    for number, original in ((3, LOG), (5, ORDERS)):
        assert len(messages[number]["content"]) < len(original) / 4
    assert made["tools"] == ["headroom_retrieve"]
    retrieved = made["retrieved"]
    assert isinstance(retrieved, list)
    assert retrieved[:2] == [LOG, ORDERS]
    assert "was not produced by the current request" in retrieved[2]


def test_a_wrong_key_is_litellms_error_or_its_fallback(gateway: Gateway) -> None:
    assert guarded(gateway.address, "wrong") == {"error": "HTTPException", "status": 502}
    open_ = guarded(gateway.address, "wrong", "fail_open")
    assert (open_["messages"], open_["untouched"]) == (MESSAGES, True)


def test_trouble_behind_the_gateway_is_none_of_litellms() -> None:
    with running_gateway("127.0.0.1:1") as alone:
        assert guarded(alone.address)["messages"] == MESSAGES
