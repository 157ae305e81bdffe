"""The dashboard in a real browser: it shows what passed, in light and dark, and says what is wrong."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import pytest

from support import browser
from support.fake_provider import Says, running_provider
from support.gateway import Gateway, fetch, running_gateway
from support.inputs import orders, service_log
from support.service import running_service

PRICES = """\
currency: EUR
as_of: made up for a test
models: {"large*": {input: 4.0, cached_input: 0.5}}
"""
POLICY = """\
version: 1
revision: of-a-test
rules: [{name: audit, match: {models: [audited]}, set: {mode: audit}}]
"""
EVIL = "<img src=x onerror=alert(1)>"
needs_browser = pytest.mark.skipif(browser.BINARY is None, reason=browser.MISSING)


def chat(tool: str, result: str, **fields: object) -> dict[str, object]:
    call = {"id": "c", "type": "function", "function": {"name": tool, "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Why?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": result},
    ]
    return {"messages": messages, "config": {"mode": "ccr"}, **fields}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    directory = tmp_path_factory.mktemp("dashboard")
    (directory / "prices.yaml").write_text(PRICES)
    (directory / "policy.yaml").write_text(POLICY)
    with (
        running_service() as service,
        running_gateway(
            service.address,
            price_file=str(directory / "prices.yaml"),
            policy_file=str(directory / "policy.yaml"),
        ) as running,
    ):
        first = running.post("/v1/compress", chat("bash", service_log(400), model="large-1")).json
        (ref,) = cast("list[str]", first["ccr_hashes"])
        turn = chat("sql", orders(300), model="large-1", session_id="s")
        for _ in range(2):
            running.post("/v1/compress", turn)
        running.post("/v1/compress", chat(EVIL, service_log(300)))
        running.post("/v1/compress", chat("bash", service_log(350), model="audited"))
        running.post("/v1/retrieve", {"hash": ref})
        running.post("/v1/retrieve", {"hash": "a" * 16})
        usage = {"cache_read_input_tokens": 300, "cache_creation_input_tokens": 100}
        running.post("/v1/usage", {"session_id": "s", "usage": usage})
        yield running


def figures(gateway: Gateway, window: str = "15m") -> dict[str, object]:
    return gateway.probe(f"/dashboard/data?window={window}").json


def rows(data: dict[str, object], dimension: str) -> dict[str, dict[str, float]]:
    by = cast("dict[str, list[dict[str, float]]]", data["by"])
    return {str(each["name"]): each for each in by[dimension]}


@pytest.mark.parametrize("window", ["15m", "24h"])
def test_figures_are_those_of_what_passed(gateway: Gateway, window: str) -> None:
    data = figures(gateway, window)
    totals = cast("dict[str, float]", data["totals"])
    assert (totals["views"], totals["retrievals"], totals["misses"]) == (3, 2, 1)
    assert totals["requests"] == 8
    assert set(rows(data, "kind")) == {"log", "json"}
    assert set(rows(data, "tool")) == {"bash", "sql", EVIL}
    assert set(rows(data, "tenant")) == {"default"}
    assert set(rows(data, "model")) == {"large-1", "—"}
    assert cast("dict[str, dict[str, float]]", data["totals"])["audited"]["views"] == 1
    assert data["modes"] == {"apply": 4, "audit": 1}
    assert data["provider"] == {"read": 300, "written": 100}


def test_a_later_turn_saves_again_and_at_the_price_of_the_cache(gateway: Gateway) -> None:
    sql = rows(figures(gateway), "tool")["sql"]
    saved = sql["before"] - sql["after"]
    assert (sql["views"], sql["again"]) == (1, saved)
    assert sql["money"] == pytest.approx(saved * (4.0 + 0.5) / 1e6, abs=1e-6)
    assert rows(figures(gateway), "tool")[EVIL]["money"] == 0  # its model has no price


def test_a_proxied_turn_is_counted_with_what_the_provider_says_of_its_cache() -> None:
    usage = {
        "input_tokens": 40, "cache_read_input_tokens": 900,
        "cache_creation_input_tokens": 60, "output_tokens": 5,
    }  # fmt: skip
    reply = json.dumps({"type": "message", "content": [], "usage": usage}).encode()
    call = {"type": "tool_use", "id": "t", "name": "journal", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": service_log(400)}
    body = {
        "model": "claude-x",
        "tools": [{"name": "journal", "input_schema": {"type": "object"}}],
        "messages": [
            {"role": "user", "content": "Why?"},
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result]},
        ],
    }
    with (
        running_provider() as provider,
        running_service() as service,
        running_gateway(service.address, upstreams=f"anthropic={provider.url}") as gateway,
    ):
        provider.script.append(Says((reply,)))
        headers = {"x_api_key": "k", "anthropic_version": "2023-06-01"}
        assert gateway.post("/v1/messages", body, **headers).status == 200
        data = figures(gateway)
    counts = cast("dict[str, int]", data["provider"])
    parts = {name: counts.get(name) for name in ("fresh", "read", "written", "output")}
    assert parts == {"fresh": 40, "read": 900, "written": 60, "output": 5}
    assert rows(data, "tool")["journal"]["views"] == 1
    assert set(rows(data, "model")) == {"claude-x"}
    totals = cast("dict[str, float | None]", data["totals"])
    assert (totals["requests"], totals["p95"]) == (1, None)  # the time was the provider's


@pytest.mark.parametrize(
    "policy", ["", "rules: [{name: r, match: {tenants: [a]}, set: {mode: audit}}]"]
)
def test_what_goes_out_whole_for_want_of_a_compressor_is_degraded(
    policy: str, tmp_path: Path
) -> None:
    (tmp_path / "policy.yaml").write_text(f"version: 1\nrevision: a\n{policy}\n")
    file = str(tmp_path / "policy.yaml")
    with (
        running_provider() as provider,
        running_gateway(
            "127.0.0.1:1", upstreams=f"openai={provider.url}", policy_file=file
        ) as gateway,
    ):
        turn = chat("bash", service_log(30), model="large-1")
        assert gateway.post("/v1/compress", turn).status == 200
        assert gateway.post("/v1/chat/completions", turn, authorization="Bearer k").status == 200
        data = figures(gateway)
    totals = cast("dict[str, float]", data["totals"])
    # A call that was tried again is one; what a rule may concern is not called for without its tenant.
    assert data["modes"] == ({"bypass": 1} if policy else {"apply": 2})
    assert (totals["degraded"], totals["whole"], totals["views"]) == (2, 2, 0)


def test_a_window_there_is_not_is_refused(gateway: Gateway) -> None:
    assert gateway.probe("/dashboard/data?window=1y").status == 400


def test_the_page_is_on_the_port_of_operations_and_bound_to_itself(gateway: Gateway) -> None:
    assert gateway.get("/dashboard").status == 404
    policy = gateway.probe("/dashboard").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    # A page elsewhere that resolves its own name to this machine is not answered.
    other = fetch(f"http://{gateway.operate}/dashboard/data", "GET", None, {"Host": "evil.example"})
    assert other.status == 403


@needs_browser
def test_a_browser_shows_the_figures_and_runs_nothing_that_a_name_holds(
    gateway: Gateway, tmp_path: Path
) -> None:
    page = browser.opened(f"http://{gateway.operate}/dashboard", tmp_path)
    assert page.console == []
    text = re.sub(r"<[^>]+>", " ", page.text)
    data = figures(gateway)
    totals = cast("dict[str, float]", data["totals"])
    assert '<span id="answers" role="status">live</span>' in page.text
    assert '<p id="alert" role="alert" hidden=""></p>' in page.text
    assert "EUR" in text
    assert "of-a-test" in text
    assert "1 not held" in text
    assert "300 (75" in text
    assert "no price" in text
    assert f"{int(totals['before']):,}"[:2] in text
    for name in ("log", "json", "/v1/compress", "/v1/retrieve"):
        assert name in text
    assert page.text.count("<img") == 0
    assert page.text.count('class="f0"') > 1  # bars are drawn


@needs_browser
def test_a_browser_draws_it_light_and_dark(gateway: Gateway, tmp_path: Path) -> None:
    # To look at them: FURLER_PICTURES=directory
    directory = Path(os.environ.get("FURLER_PICTURES", tmp_path))
    url = f"http://{gateway.operate}/dashboard"
    light = browser.pictured(url, tmp_path / "a", dark=False, file=directory / "light.png")
    dark = browser.pictured(url, tmp_path / "b", dark=True, file=directory / "dark.png")
    assert min(light) > 230
    assert max(dark) < 40


@needs_browser
def test_a_page_without_figures_says_so(tmp_path: Path) -> None:
    with running_gateway("127.0.0.1:1") as gateway:
        page = browser.opened(f"http://{gateway.operate}/dashboard", tmp_path)
        assert "Nothing was compressed in this window." in page.text
        assert "No price table is configured" in page.text


@pytest.mark.parametrize(
    ("answers", "told"), [(0, "There are no figures yet."), (1, "These figures are of ")]
)
@needs_browser
def test_a_page_whose_gateway_is_gone_says_so(
    answers: int, told: str, gateway: Gateway, tmp_path: Path
) -> None:
    left = [answers]

    class Ends(BaseHTTPRequestHandler):
        """The gateway's pages, and of its figures so many answers."""

        def do_GET(self) -> None:
            is_data = self.path.startswith("/dashboard/data")
            if is_data and not left[0]:
                self.close_connection = True  # as if nobody were there
                return
            left[0] -= is_data
            found = gateway.probe(self.path)
            self.send_response(found.status)
            self.send_header("Content-Type", found.headers["Content-Type"])
            self.end_headers()
            self.wfile.write(found.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Ends) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/dashboard"
        page = browser.opened(url, tmp_path, seconds=9)  # it asks again after five
        server.shutdown()
    alert = re.search(r'<p id="alert"[^>]*>([^<]*)</p>', page.text)
    assert alert is not None
    assert alert[1].startswith("The gateway does not answer")
    assert told in alert[1]
    assert '<span id="answers" role="status">stale</span>' in page.text
    assert ("log" in page.text) == bool(answers)  # what it knew stays
