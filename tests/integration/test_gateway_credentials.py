"""Every surface of the gateway asks for the credential that the compressor asks for."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import cast

import pytest

from support.certificates import Authority
from support.gateway import Gateway, Reply, running_gateway
from support.inputs import service_log
from support.service import running_service

LOG = service_log(400)
KEYS: dict[str, dict[str, object]] = {
    "acme": {"tenant": "acme"},
    "acme-build": {"tenant": "acme", "spaces": ["build-*"]},
    "globex": {"tenant": "globex"},
    "slow": {"tenant": "slow", "requests_per_second": 0.01},
}
STATS = "/furler.v1.InfoService/GetStats"
CHAT = {"messages": [{"role": "tool", "content": LOG}], "config": {"mode": "ccr"}}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    directory = tmp_path_factory.mktemp("gateway-credentials")
    entries = [
        {"id": name, "sha256": hashlib.sha256(name.encode()).hexdigest(), **fields}
        for name, fields in KEYS.items()
    ]
    keys = directory / "keys"
    keys.write_text(json.dumps({"keys": entries}))
    authority = Authority(directory)
    pair = authority.issue("server")
    with (
        running_service(
            api_keys=str(keys),
            audit="off",
            tls_cert_file=str(pair.certificate),
            tls_key_file=str(pair.key),
        ) as service,
        running_gateway(
            service.address, compressor_tls="true", compressor_ca=str(authority.file)
        ) as running,
    ):
        yield running


def _as(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {name}"}


def _ref(gateway: Gateway, name: str) -> str:
    reply = gateway.post("/v1/compress", CHAT, **_as(name))
    (ref,) = cast("list[str]", reply.json["ccr_hashes"])
    return ref


def _calls(gateway: Gateway, headers: dict[str, str]) -> list[Reply]:
    inline = base64.b64encode(LOG.encode()).decode()
    compress = {"content": {"inline": inline}}
    return [
        gateway.post(STATS, {}, **headers),
        gateway.post("/furler.v1.CompressorService/Compress", compress, **headers),
        gateway.post("/furler.v1.ContentService/ReadContent", {"ref": "a" * 16}, **headers),
        gateway.post("/v1/compress", CHAT, **headers),
        gateway.post("/v1/retrieve", {"hash": "a" * 16}, **headers),
        gateway.get(f"/v1/retrieve/{'a' * 16}", **headers),
    ]


@pytest.mark.parametrize("headers", [{}, _as("wrong"), {"authorization": "Basic acme"}])
def test_without_a_valid_credential_every_surface_is_401(
    gateway: Gateway, headers: dict[str, str]
) -> None:
    replies = _calls(gateway, headers)
    assert [reply.status for reply in replies] == [401] * len(replies)
    assert {reply.headers["WWW-Authenticate"] for reply in replies} == {"Bearer"}
    assert all(LOG[:40].encode() not in reply.body for reply in replies)


def test_with_one_every_surface_answers(gateway: Gateway) -> None:
    assert [reply.status for reply in _calls(gateway, _as("acme"))] == [
        200,
        200,
        404,
        200,
        404,
        404,
    ]


def test_another_tenants_reference_is_as_one_that_never_was(gateway: Gateway) -> None:
    ref = _ref(gateway, "acme")
    assert gateway.get(f"/v1/retrieve/{ref}", **_as("acme")).json["original_content"] == LOG
    others = gateway.get(f"/v1/retrieve/{ref}", **_as("globex"))
    nobodys = gateway.get(f"/v1/retrieve/{'a' * 16}", **_as("globex"))
    assert (others.status, others.body) == (nobodys.status, nobodys.body) == (404, nobodys.body)


def test_a_space_outside_the_credential_is_403(gateway: Gateway) -> None:
    headers = _as("acme-build")
    assert gateway.post("/v1/compress", CHAT, x_furler_space="build-7", **headers).status == 200
    for reply in (
        gateway.post("/v1/compress", CHAT, **headers),
        gateway.post(STATS, {"space": "other"}, **headers),
    ):
        assert reply.status == 403


def test_over_a_quota_the_api_says_when_to_come_back_and_the_contract_gives_way(
    gateway: Gateway,
) -> None:
    gateway.post(STATS, {}, **_as("slow"))
    over = gateway.post(STATS, {}, **_as("slow"))
    assert (over.status, over.json["code"]) == (429, "resource_exhausted")
    assert int(over.headers["Retry-After"]) >= 1
    reply = gateway.post("/v1/compress", CHAT, **_as("slow"))
    assert (reply.status, reply.json["skip_reason"]) == (200, "quota_exceeded")
    assert reply.json["messages"] == CHAT["messages"]


def test_a_gateway_in_front_of_credentials_and_tls_is_ready(gateway: Gateway) -> None:
    assert gateway.probe("/readyz").status == 200
