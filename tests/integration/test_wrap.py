"""furler wrap: the agent finds the gateway in its environment, and nothing else about it changes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from furler.cli.wrap import environment, is_gateway, upstreams
from furler.errors import FieldInvalidError
from support.gateway import Gateway, running_gateway
from support.ports import free_ports
from support.service import running_service
from support.waiting import eventually, runs

AGENT = """
import json, os, sys, urllib.request
base = os.environ["OPENAI_BASE_URL"]
body = json.dumps({"model": "m", "messages": [{"role": "user", "content": sys.stdin.read()}]}).encode()
headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-of-the-agent"}
request = urllib.request.Request(base + "/chat/completions", body, headers)
print(json.load(urllib.request.urlopen(request))["said"], base == os.environ["OPENAI_API_BASE"])
sys.exit(7)
"""


class Provider(BaseHTTPRequestHandler):
    """Says back what it was asked, and by whom."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = f"{self.path} {self.headers['Authorization']} {asked['messages'][0]['content']}"
        reply = json.dumps({"said": said}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's name
        pass


@contextmanager
def provider() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def wrapped(
    *command: str, gateway: str, listen: str, home: Path, **variables: str
) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "furler.cli", "wrap", "--gateway", gateway, "--listen", listen]
    return subprocess.Popen(
        [*line, "--data", "memory:", "--", *command],
        env={**os.environ, "HOME": str(home), **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def running() -> Iterator[Gateway]:
    with (
        provider() as url,
        running_service() as service,
        running_gateway(service.address, upstreams=f"openai={url}") as gateway,
    ):
        yield gateway


def addresses() -> tuple[str, str]:
    first, second = free_ports(2)
    return f"127.0.0.1:{first}", f"127.0.0.1:{second}"


def test_an_agent_reaches_its_provider_through_servers_that_end_with_it(tmp_path: Path) -> None:
    gateway, listen = addresses()
    with provider() as url:
        agent = wrapped(
            sys.executable, "-c", AGENT,
            gateway=gateway, listen=listen, home=tmp_path, OPENAI_BASE_URL=f"{url}/v1",
        )  # fmt: skip
        out, err = agent.communicate("hello", timeout=120)
    assert out == "/v1/chat/completions Bearer sk-of-the-agent hello True\n", err
    assert agent.returncode == 7
    assert not is_gateway(gateway)
    assert list(tmp_path.iterdir()) == []  # nobody's configuration is touched


def test_a_gateway_that_runs_is_used_and_left_running(running: Gateway, tmp_path: Path) -> None:
    agent = wrapped(
        sys.executable, "-c", AGENT, gateway=running.address, listen="127.0.0.1:1", home=tmp_path
    )
    out, err = agent.communicate("again", timeout=120)
    assert (agent.returncode, out.split()[-2:]) == (7, ["again", "True"]), err
    assert is_gateway(running.address)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_is_the_agents_and_so_is_what_it_makes_of_it(
    number: signal.Signals, running: Gateway, tmp_path: Path
) -> None:
    script = f"""
import signal, sys, time
signal.signal({int(number)}, lambda *_: sys.exit(40))
print("ready", flush=True)
time.sleep(60)
"""
    agent = wrapped(
        sys.executable, "-c", script, gateway=running.address, listen="127.0.0.1:1", home=tmp_path
    )
    assert agent.stdout is not None
    assert agent.stdout.readline() == "ready\n"
    agent.send_signal(number)
    agent.communicate(timeout=60)
    assert agent.returncode == 40


def test_an_agent_ignores_what_its_wrapper_was_told_to_ignore(
    running: Gateway, tmp_path: Path
) -> None:
    script = "import signal; print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)"
    line = (
        f'trap "" HUP; exec {sys.executable} -m furler.cli wrap --gateway {running.address} -- "$@"'
    )
    done = subprocess.run(
        ["sh", "-c", line, "sh", sys.executable, "-c", script],
        env={**os.environ, "HOME": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


def test_an_agent_that_is_killed_or_not_there_has_the_code_that_shells_give(
    running: Gateway, tmp_path: Path
) -> None:
    def code(*command: str) -> tuple[int, str]:
        agent = wrapped(*command, gateway=running.address, listen="127.0.0.1:1", home=tmp_path)
        _, err = agent.communicate(timeout=60)
        return agent.returncode, err

    assert code("sh", "-c", "kill -KILL $$")[0] == 128 + 9
    assert code("no-such-agent-anywhere") == (
        127,
        "furler: no-such-agent-anywhere: command not found\n",
    )
    assert code(str(tmp_path))[0] == 126


def test_servers_end_also_if_what_started_them_is_killed(tmp_path: Path) -> None:
    gateway, listen = addresses()
    script = "import sys; print('ready', flush=True); sys.stdin.read()"
    agent = wrapped(sys.executable, "-c", script, gateway=gateway, listen=listen, home=tmp_path)
    assert agent.stdout is not None
    assert agent.stdout.readline() == "ready\n"
    servers = [
        child
        for child in psutil.Process(agent.pid).children(recursive=True)
        if "furler_" in " ".join(child.cmdline())
    ]
    assert len(servers) == 5  # gateway, compressor, its nursery and two engine processes
    agent.kill()
    eventually(lambda: not any(map(runs, servers)), "no server is left")
    agent.communicate()


def test_what_is_no_gateway_is_not_taken_for_one() -> None:
    with provider() as url, pytest.raises(FieldInvalidError, match="no gateway of Furler's"):
        is_gateway(url.removeprefix("http://"))


def test_servers_that_cannot_start_say_why(tmp_path: Path) -> None:
    gateway, listen = addresses()
    agent = wrapped(
        "true", gateway=gateway, listen=listen, home=tmp_path, FURLER_GATEWAY_MAX_REQUESTS="none"
    )
    _, err = agent.communicate(timeout=120)
    assert agent.returncode == 1
    assert "furler-gateway did not start" in err
    assert "max_requests" in err


def test_only_where_providers_are_changes_in_the_environment() -> None:
    given = {"PATH": "/bin", "OPENAI_API_KEY": "sk"}
    assert environment(given, "127.0.0.1:8787") == {
        **given,
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:8787",
        "OPENAI_BASE_URL": "http://127.0.0.1:8787/v1",
        "OPENAI_API_BASE": "http://127.0.0.1:8787/v1",
    }


@pytest.mark.parametrize(
    ("given", "hosts"),
    [
        ({"HTTP_PROXY": "http://proxy:3128"}, "127.0.0.1"),
        ({"all_proxy": "socks5://proxy", "NO_PROXY": ".corp.example"}, ".corp.example,127.0.0.1"),
        ({"https_proxy": "http://proxy:3128"}, None),  # the gateway is reached by http
        ({"HTTP_PROXY": ""}, None),
        ({"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "*"}, None),
    ],
)
def test_an_agent_behind_a_proxy_reaches_the_gateway_without_it(
    given: dict[str, str], hosts: str | None
) -> None:
    changed = environment(given, "127.0.0.1:8787")
    expected = (given.get("no_proxy"), given.get("NO_PROXY")) if hosts is None else (hosts, hosts)
    assert (changed.get("no_proxy"), changed.get("NO_PROXY")) == expected


def test_a_gateway_that_runs_is_found_whatever_proxy_there_is(
    running: Gateway, tmp_path: Path
) -> None:
    agent = wrapped(
        sys.executable, "-c", AGENT, gateway=running.address, listen="127.0.0.1:1", home=tmp_path,
        http_proxy="http://127.0.0.1:1", HTTP_PROXY="http://127.0.0.1:1", no_proxy="", NO_PROXY="",
    )  # fmt: skip
    out, err = agent.communicate("direct", timeout=120)
    assert (agent.returncode, out.split()[-2:]) == (7, ["direct", "True"]), err


def test_an_option_that_is_none_is_not_taken_for_the_command() -> None:
    line = [sys.executable, "-m", "furler.cli", "wrap"]
    slip = subprocess.run(
        [*line, "--gatway", "x", "true"], check=False, capture_output=True, text=True
    )
    assert slip.returncode == 2
    assert "No such option" in slip.stderr


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "anthropic=https://api.anthropic.com,openai=https://api.openai.com"),
        (
            {"OPENAI_BASE_URL": "https://llm.example/proxy/v1/", "ANTHROPIC_BASE_URL": ""},
            "anthropic=https://api.anthropic.com,openai=https://llm.example/proxy",
        ),
    ],
)
def test_a_gateway_of_its_own_goes_where_the_agent_would_have_gone(
    given: dict[str, str], told: str
) -> None:
    assert upstreams(given) == told
