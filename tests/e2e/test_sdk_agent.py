"""An agent of OpenAI's Agents SDK through the gateway: two turns, in both of its APIs, streaming and not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator

import agents
import pytest
from openai import AsyncOpenAI

from support import recorded as r
from support.fake_provider import FakeProvider, Got, Says, running_provider, stream
from support.gateway import Gateway, running_gateway
from support.inputs import service_log
from support.model import ANSWER, FATAL, Model
from support.service import running_service

LOG = service_log(400)


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with running_provider() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(provider: FakeProvider) -> Iterator[Gateway]:
    with (
        running_service() as service,
        running_gateway(service.address, upstreams=f"openai={provider.url}") as running,
    ):
        yield running


def _reader() -> Callable[[Got], Says]:
    """Return a model that reads the log with the agent's tool, then asks for what was left out."""
    model = Model()

    def answer(got: Got) -> Says:
        if b'"tool"' in got.body or b"call_output" in got.body:
            return model(got)
        is_stream = bool(json.loads(got.body).get("stream"))
        if got.path.endswith("/responses"):
            items = [r.function_call("c1", "read_log")]
            return (
                stream(r.responses_stream(items)) if is_stream else Says([r.responses_whole(items)])
            )
        calls = [r.chat_call("c1", "read_log")]
        if is_stream:
            return stream(r.chat_stream("", calls, "tool_calls"))
        return Says([r.chat_whole(None, calls, "tool_calls")])

    return answer


async def _asked(address: str, *, chat: bool, streams: bool) -> list[str]:
    """Return what an agent says to two questions of one session."""
    agents.set_tracing_disabled(disabled=True)
    name = f"agent {chat} {streams}"
    async with AsyncOpenAI(
        base_url=f"http://{address}/v1",
        api_key="sk-none",
        default_headers={"x-furler-conversation": name},
    ) as client:
        api = agents.OpenAIChatCompletionsModel if chat else agents.OpenAIResponsesModel
        tool = agents.function_tool(lambda: LOG, name_override="read_log")
        agent = agents.Agent(name="helper", tools=[tool], model=api("gpt", openai_client=client))
        session = agents.SQLiteSession(name)
        said = []
        for question in ("Why did it fail?", "Are you sure?"):
            if streams:
                running = agents.Runner.run_streamed(agent, question, session=session)
                async for _ in running.stream_events():
                    pass
                said.append(str(running.final_output))
            else:
                done = await agents.Runner.run(agent, question, session=session)
                said.append(str(done.final_output))
        session.close()
    return said


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("chat", [False, True], ids=["responses", "chat"])
def test_an_agent_s_turns_hold_together(
    gateway: Gateway, provider: FakeProvider, *, chat: bool, streams: bool
) -> None:
    provider.got.clear()
    provider.brain = _reader()
    said = asyncio.run(_asked(gateway.address, chat=chat, streams=streams))
    assert said == [ANSWER, ANSWER]
    bodies = [json.loads(got.body) for got in provider.got]
    history = "messages" if chat else "input"
    # Asked; the log is read; a later round. Asked again, with the reply and no more; a later round.
    assert [len(body[history]) for body in bodies] == ([1, 3, 5, 5, 7] if chat else [1, 3, 6, 5, 8])
    first, last = bodies[1][history], bodies[3][history]
    assert json.dumps(last[: len(first)]) == json.dumps(first)
    assert FATAL in json.dumps(bodies[2])
    assert len(provider.got[1].body) < len(LOG) / 4
