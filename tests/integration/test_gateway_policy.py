"""A policy file holds on every surface, is read again without a restart, and leaves conversations alone."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from furler_gateway.policy.decide import bucket
from support.credentials import key_file
from support.gateway import Gateway, Reply, running_gateway
from support.inputs import orders, service_log
from support.service import running_service

LOG = service_log(400)
COMPRESS = "/furler.v1.CompressorService/Compress"
STATS = "/furler.v1.InfoService/GetStats"
KEYS = {name: {"tenant": name} for name in ("acme", "globex", "audited", "untouched")}
INSIDE = next(name for name in map(str, range(100)) if bucket(name) < 50)
OUTSIDE = next(name for name in map(str, range(100)) if bucket(name) >= 50)
RULES = """
rules:
  - name: audit
    match: {tenants: [audited]}
    set: {mode: audit}
  - name: untouched
    match: {tenants: [untouched]}
    set: {mode: bypass}
  - name: lossless on the API
    match: {routes: ["/furler.v1.*"]}
    set: {fidelity: lossless}
  - name: canary
    match: {models: [canary]}
    set: {canary_percent: 50}
"""


@dataclass(frozen=True)
class World:
    """A gateway with a policy file that tests write."""

    gateway: Gateway
    file: Path

    def write(self, revision: str, rules: str = RULES, **fields: object) -> None:
        """Write a new file, and wait until it is in force."""
        head = {"version": 1, "revision": revision, **fields}
        lines = [f"{name}: {json.dumps(value)}" for name, value in head.items()]
        self.file.write_text("\n".join(lines) + rules)
        self.until(f'furler_gateway_policy_revision{{revision="{revision}"}} 1.0')

    def until(self, line: str) -> None:
        """Wait until a line stands in the metrics."""
        deadline = time.monotonic() + 30
        while line not in self.gateway.probe("/metrics").body.decode():
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def chat(
        self, tenant: str = "acme", body: dict[str, object] | None = None, **fields: object
    ) -> Reply:
        body = {**(body or CHAT), **fields}
        return self.gateway.post("/v1/compress", body, authorization=f"Bearer {tenant}")

    def explain(self, tenant: str = "acme", query: str = "") -> dict[str, object]:
        reply = self.gateway.get(f"/v1/policy?{query}", authorization=f"Bearer {tenant}")
        assert reply.status == 200
        return reply.json


def chat(*results: str, tool: str = "bash") -> dict[str, object]:
    messages: list[object] = [{"role": "user", "content": "Why did it fail?"}]
    for number, result in enumerate(results):
        call = {
            "id": f"c{number}",
            "type": "function",
            "function": {"name": tool, "arguments": "{}"},
        }
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"c{number}", "content": result},
        ]
    return {"messages": messages, "config": {"mode": "ccr"}}


CHAT = chat(LOG)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("policy")
    file = directory / "policy.yaml"
    file.write_text("version: 1\nrevision: r0\n" + RULES)
    keys = key_file(directory / "keys", KEYS)
    with (
        running_service(api_keys=str(keys), audit="off") as service,
        running_gateway(service.address, policy_file=str(file)) as gateway,
    ):
        yield World(gateway, file)


def originals(world: World, tenant: str) -> int:
    reply = world.gateway.post(STATS, {}, authorization=f"Bearer {tenant}")
    return int(cast("str", reply.json.get("originals", "0")))


def test_a_tenant_without_a_rule_is_served_as_ever(world: World) -> None:
    reply = world.chat()
    assert reply.json["ccr_hashes"] != []
    assert reply.json["messages"] != CHAT["messages"]


def test_an_audited_tenant_gets_its_bytes_back_and_nothing_is_kept(world: World) -> None:
    reply = world.chat("audited")
    assert reply.json["messages"] == CHAT["messages"]
    assert (reply.json["tokens_saved"], reply.json["ccr_hashes"]) == (0, [])
    assert cast("int", reply.json["tokens_before"]) > 1000
    content = {"content": {"inline": base64.b64encode(LOG.encode()).decode()}}
    view = world.gateway.post(COMPRESS, content, authorization="Bearer audited").json["view"]
    assert cast("dict[str, object]", view)["text"] == LOG
    assert originals(world, "audited") == 0


def test_an_untouched_tenant_is_left_alone_on_every_surface(world: World) -> None:
    assert world.chat("untouched").json["messages"] == CHAT["messages"]
    content = {"content": {"inline": base64.b64encode(LOG.encode()).decode()}}
    view = world.gateway.post(COMPRESS, content, authorization="Bearer untouched").json["view"]
    assert cast("dict[str, object]", view)["text"] == LOG
    batch = {"contents": [content["content"]] * 2}
    path = "/furler.v1.CompressorService/BatchCompress"
    results = world.gateway.post(path, batch, authorization="Bearer untouched").json["results"]
    texts = [each["view"]["text"] for each in cast("list[dict[str, dict[str, str]]]", results)]
    assert texts == [LOG, LOG]
    call = {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "compress", "arguments": {"content": LOG}},
    }  # fmt: skip
    accept = "application/json, text/event-stream"
    headers = {"authorization": "Bearer untouched", "accept": accept}
    reply = world.gateway.post("/mcp", call, **headers).json["result"]
    assert cast("dict[str, list[dict[str, str]]]", reply)["content"][0]["text"].startswith(
        LOG[:200]
    )
    assert originals(world, "untouched") == 0


def test_a_routes_ceiling_holds_whatever_the_caller_asks_for(world: World) -> None:
    content = {
        "content": {"inline": base64.b64encode(LOG.encode()).decode()},
        "policy": {"fidelity": "FIDELITY_IRREVERSIBLE"},
    }
    view = world.gateway.post(COMPRESS, content, authorization="Bearer acme").json["view"]
    assert "elisions" not in cast("dict[str, object]", view)


def test_a_canary_takes_the_conversations_of_its_share(world: World) -> None:
    world.write("canary")
    for name, changed in ((INSIDE, True), (OUTSIDE, False)):
        reply = world.chat(model="canary", session_id=name)
        assert (reply.json["messages"] != CHAT["messages"]) is changed
    told = world.explain(query=f"model=canary&session_id={OUTSIDE}")
    assert told["mode"] == "bypass"
    assert f"outside the canary: {bucket(OUTSIDE):g}" in cast("str", told["why"])
    assert told["conversation"] == {
        "mode": "bypass", "revision": "canary", "retrieve_tool": "caller",
    }  # fmt: skip


def test_a_conversation_keeps_the_policy_it_began_with(world: World) -> None:
    world.write("before")
    first = world.chat(session_id="kept")
    left_alone = world.chat("untouched", session_id="kept")
    longer = chat(LOG, orders(300))
    all_bypass = "\nrules:\n- {name: all, match: {routes: ['*']}, set: {mode: bypass}}\n"
    world.write("after", all_bypass)
    then = world.chat("acme", longer, session_id="kept")
    kept = cast("list[object]", then.json["messages"])
    assert kept[:3] == first.json["messages"]
    assert kept[4] != cast("list[object]", longer["messages"])[4]
    assert world.chat(session_id="new").json["messages"] == CHAT["messages"]
    told = world.explain(query="session_id=kept")
    assert (told["revision"], told["mode"]) == ("after", "bypass")
    assert cast("dict[str, object]", told["conversation"])["revision"] == "before"
    world.write("apply", "\n")
    again = world.chat("untouched", longer, session_id="kept")
    assert left_alone.json["messages"] == CHAT["messages"]
    assert again.json["messages"] == longer["messages"]


def test_the_kill_switch_leaves_all_alone_at_once(world: World) -> None:
    world.write("alive")
    assert world.chat(session_id="killed").json["ccr_hashes"] != []
    world.write("dead", kill_switch=True)
    try:
        reply = world.chat(session_id="killed")
        assert reply.json["messages"] == CHAT["messages"]
        assert world.explain()["kill_switch"] is True
    finally:
        world.write("alive again")


def test_a_tool_can_be_left_out(world: World) -> None:
    world.write("tools", "\ndefault: {tools: {bash: off}}\n")
    assert world.chat().json["messages"] == CHAT["messages"]
    other = chat(LOG, tool="journal")
    assert world.chat("acme", other).json["messages"] != other["messages"]


def test_a_file_that_is_wrong_changes_nothing_and_is_told(world: World) -> None:
    world.write("good")
    world.file.write_text("version: 1\nrevision: bad\nkill_switch: perhaps\n")
    world.until("furler_gateway_policy_stale 1.0")
    told = world.explain()
    assert (told["revision"], told["stale"], told["kill_switch"]) == ("good", True, False)
    (logged,) = [line for line in world.gateway.logged() if "kill_switch" in str(line["message"])]
    assert "line 3: kill_switch: want true or false" in str(logged["message"])
    world.write("good again")
    assert world.explain()["stale"] is False


def test_an_explanation_names_the_rules_and_asks_for_a_credential(world: World) -> None:
    world.write("rules", default={"levels": {"log": "off"}})
    told = world.explain("audited", "route=/furler.v1.CompressorService/Compress")
    assert told["rules"] == ["audit", "lossless on the API"]
    assert told["terms"] == {"mode": "audit", "fidelity": "lossless", "levels": {"log": "off"}}
    assert told["set_by"] == {
        "mode": "audit", "fidelity": "lossless on the API", "levels.log": "default",
    }  # fmt: skip
    assert told["conversation"] is None
    assert world.gateway.get("/v1/policy", authorization="Bearer nobody").status == 401
    assert world.gateway.get("/v1/policy").status == 401
    assert (
        world.gateway.get(f"/v1/policy?model={'m' * 300}", authorization="Bearer acme").status
        == 400
    )


def test_a_gateway_does_not_start_with_a_wrong_file(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("version: 1\n")
    with (
        pytest.raises(AssertionError, match="revision: is missing"),
        running_gateway("127.0.0.1:1", policy_file=str(file)),
    ):
        pass
