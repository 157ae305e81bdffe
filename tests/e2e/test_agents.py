"""Coding agents, unchanged, through the gateway: they run, save, ask for what was left out, and go on.

They come from npm (@anthropic-ai/claude-code, @openai/codex) and are too large for every
run of the tests: installed, or found in the directory that FURLER_AGENTS names, they are
tried; else these tests say that they were not.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import recorded as r
from support.fake_provider import FakeProvider, Got, Says, running_provider, stream
from support.gateway import Gateway, running_gateway
from support.inputs import service_log
from support.model import ANSWER, FATAL, Model
from support.service import running_service

LOG = service_log(150)
"""Short enough that no agent cuts it by itself."""
ASKED = "Why did the service fail? Its log is service.log"
SECONDS = 120


def _installed(name: str) -> str:
    found = shutil.which(name, path=os.environ.get("FURLER_AGENTS")) or shutil.which(name)
    if found is None:
        pytest.skip(
            f"{name} is not installed: npm install it, and name its directory in FURLER_AGENTS"
        )
    return found


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with running_provider() as running:
        yield running


@pytest.fixture
def gateway(provider: FakeProvider) -> Iterator[Gateway]:
    upstreams = f"anthropic={provider.url},openai={provider.url}"
    with running_service() as service, running_gateway(service.address, upstreams=upstreams) as one:
        yield one


def _agent(log: Path) -> Model:
    """Return a model that first reads a log with the agent's own tool."""
    return _Reader(log=log)


class _Reader(Model):
    def __init__(self, log: Path) -> None:
        super().__init__()
        self.log = log

    def __call__(self, got: Got) -> Says:
        if got.method != "POST":
            return Says([b'{"data": []}'])
        asked = json.loads(got.body)
        names = [tool.get("name") for tool in asked.get("tools", [])]
        has_result = b'"tool_result"' in got.body or b'call_output"' in got.body
        if has_result or not names:
            return super().__call__(got)
        if "Bash" in names:
            read = r.call("toolu_1", "Bash", command=f"cat {self.log}", description="Read the log")
            blocks = [r.said("Let me look."), read]
            return stream(r.anthropic_stream(blocks, "tool_use", reply_id="msg_0"), step=50)
        assert "exec_command" in names
        items = [
            r.message("Let me look."),
            r.function_call("c1", "exec_command", cmd=f"cat {self.log}"),
        ]
        return stream(r.responses_stream(items), step=50)


def _run(command: list[str], home: Path, **variables: str) -> str:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    done = subprocess.run(
        command, cwd=home, env={**kept, "HOME": str(home), **variables}, timeout=SECONDS,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def _check(gateway: Gateway, provider: FakeProvider) -> None:
    """Check what two runs of an agent, the second going on from the first, sent and made happen."""
    figures = gateway.probe("/metrics").body.decode()
    turns = dict(re.findall(r'cache_turns_total\{dialect="\w+",outcome="(\w+)"\} (\S+)', figures))
    assert turns == {"first": "1.0", "hit": "2.0"}
    assert re.search(r'retrievals_total\{dialect="\w+",outcome="answered"\} 2\.0', figures)
    bodies = [got.body for got in provider.got if got.method == "POST"]
    # The log is read; the model asks back, and answers. Asked again it asks back again: what it
    # was given is not in its client's transcript.
    assert len(bodies) == 5
    assert all(b"furler_retrieve" in body for body in bodies)
    assert all(body.count(FATAL.encode()) == 2 for body in (bodies[2], bodies[4]))
    assert len(bodies[1]) - len(bodies[0]) < len(LOG) / 4
    view = re.compile(rb'"(?:content|output)":"((?:[^"\\]|\\.)*furler: (?:[^"\\]|\\.)*)"')
    first, last = view.search(bodies[1]), view.search(bodies[3])
    assert first is not None
    assert last is not None
    assert first[1] == last[1]


def test_claude_code(gateway: Gateway, provider: FakeProvider, tmp_path: Path) -> None:
    claude = _installed("claude")
    (tmp_path / "service.log").write_text(LOG)
    provider.brain = _agent(tmp_path / "service.log")
    variables = {
        "ANTHROPIC_BASE_URL": f"http://{gateway.address}",
        "ANTHROPIC_API_KEY": "sk-ant-api03-none",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }
    options = ["--output-format", "json", "--allowedTools", "Bash"]
    for more in ([ASKED], ["--continue", "Are you sure?"]):
        told = json.loads(_run([claude, "-p", *more, *options], tmp_path, **variables))
        assert (told["result"], told["is_error"]) == (ANSWER, False)
    _check(gateway, provider)


_REF = re.compile(r'retrieve\(ref=\\*"([a-z2-7]{16})')


def _asks_mcp(got: Got) -> Says:
    """Be a model that compresses a text by the agent's MCP tools, asks for a part of it, and answers."""
    if got.method != "POST":
        return Says([b'{"data": []}'])
    asked = json.loads(got.body)
    names = [tool.get("name", "") for tool in asked.get("tools", [])]
    compress, retrieve = ("mcp__furler__compress", "mcp__furler__retrieve")
    if retrieve not in names:
        return stream(r.anthropic_stream([r.said(ANSWER)]))
    said = json.dumps(asked["messages"])
    if "toolu_c" not in said:
        call = r.call("toolu_c", compress, content=service_log(400))
    elif "toolu_r" not in said and (ref := _REF.search(said)):
        call = r.call("toolu_r", retrieve, ref=ref[1], lines="3-4")
    else:
        return stream(r.anthropic_stream([r.said(ANSWER)]))
    return stream(r.anthropic_stream([call], "tool_use", reply_id=f"msg_{len(got.body)}"))


def test_claude_code_with_the_tools_of_mcp(
    gateway: Gateway, provider: FakeProvider, tmp_path: Path
) -> None:
    claude = _installed("claude")
    provider.brain = _asks_mcp
    servers = {"furler": {"type": "http", "url": f"http://{gateway.address}/mcp"}}
    (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": servers}))
    variables = {
        "ANTHROPIC_BASE_URL": provider.url,
        "ANTHROPIC_API_KEY": "sk-ant-api03-none",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "ENABLE_TOOL_SEARCH": "false",
    }
    options = ["--output-format", "json", "--mcp-config", "mcp.json", "--strict-mcp-config"]
    options += ["--allowedTools", "mcp__furler"]
    told = json.loads(_run([claude, "-p", ASKED, *options], tmp_path, **variables))
    assert (told["result"], told["is_error"]) == (ANSWER, False)
    last = json.loads([got.body for got in provider.got if b"toolu_r" in got.body][-1])
    results = {
        part["tool_use_id"]: json.dumps(part["content"])
        for message in last["messages"] for part in message["content"]
        if isinstance(part, dict) and part["type"] == "tool_result"
    }  # fmt: skip
    # Whatever the agent makes of a result, the model sees the view and the text it asked for.
    assert FATAL in results["toolu_c"]
    assert len(results["toolu_c"]) < len(service_log(400)) / 2
    assert all(line in results["toolu_r"] for line in service_log(400).splitlines()[2:4])


def test_codex(gateway: Gateway, provider: FakeProvider, tmp_path: Path) -> None:
    codex = _installed("codex")
    (tmp_path / "service.log").write_text(LOG)
    provider.brain = _agent(tmp_path / "service.log")
    home = tmp_path / ".codex"
    home.mkdir()
    (home / "config.toml").write_text(
        'model = "gpt-5"\nmodel_provider = "furler"\n[model_providers.furler]\nname = "furler"\n'
        f'base_url = "http://{gateway.address}/v1"\nenv_key = "OPENAI_API_KEY"\nwire_api = "responses"\n'
    )
    options = ["--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "--json"]
    variables = {"OPENAI_API_KEY": "sk-none", "CODEX_HOME": str(home)}
    for more in (
        ["exec", *options, ASKED],
        ["exec", "resume", "--last", *options, "Are you sure?"],
    ):
        told = _run([codex, *more], tmp_path, **variables)
        said = [
            line["item"]["text"]
            for line in map(json.loads, told.splitlines())
            if line.get("item", {}).get("type") == "agent_message"
            and line["type"] == "item.completed"
        ]
        assert said[-1] == ANSWER
    _check(gateway, provider)
