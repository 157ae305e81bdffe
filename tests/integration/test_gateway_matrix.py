"""Every surface x every state of a credential, over TLS: who gets in, as whom, and what the rest is told."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from support.certificates import Authority, Pair
from support.credentials import key_file
from support.gateway import Gateway, running_gateway
from support.inputs import service_log
from support.service import running_service

LOG = service_log(200)
RUNNER = "spiffe://acme.example/runner"
KEYS: dict[str, dict[str, object]] = {
    "acme": {"tenant": "acme"},
    "globex": {"tenant": "globex"},
    "narrow": {"tenant": "acme", "spaces": ["build-*"]},
    "slow": {"tenant": "slow", "requests_per_second": 0.01},
}
REF = "a" * 16
CHAT = json.dumps({"messages": [{"role": "tool", "content": LOG}], "config": {"mode": "ccr"}})
INLINE = {"content": {"inline": base64.b64encode(LOG.encode()).decode()}}
TOOL = {
    "jsonrpc": "2.0", "id": 1, "method": "tools/call",
    "params": {"name": "stats", "arguments": {}},
}  # fmt: skip


@dataclass(frozen=True)
class Surface:
    """How to call a surface, and the status of a caller who may."""

    method: str
    path: str
    body: object
    status: int


SURFACES = {
    "unary RPC": Surface("POST", "/furler.v1.InfoService/GetStats", {}, 200),
    "compressing RPC": Surface("POST", "/furler.v1.CompressorService/Compress", INLINE, 200),
    "streaming RPC": Surface("POST", "/furler.v1.ContentService/ReadContent", {"ref": REF}, 404),
    "/v1/compress": Surface("POST", "/v1/compress", json.loads(CHAT), 200),
    "/v1/compress, nothing to do": Surface("POST", "/v1/compress", {"input": "words"}, 200),
    "/v1/retrieve": Surface("POST", "/v1/retrieve", {"hash": REF}, 404),
    "/v1/retrieve/{ref}": Surface("GET", f"/v1/retrieve/{REF}", None, 404),
    "/v1/usage": Surface(
        "POST", "/v1/usage", {"session_id": "s", "usage": {"cache_read_input_tokens": 1}}, 200
    ),
    "/v1/policy": Surface("GET", "/v1/policy", None, 200),
    "/mcp": Surface("POST", "/mcp", TOOL, 200),
}
OPEN = {"/docs", "/openapi.json"}
"""What says nothing of anybody."""


@dataclass(frozen=True)
class Client:
    """What a caller shows: headers, and a certificate."""

    headers: Mapping[str, str]
    certificate: str = ""


def bearer(token: str) -> Client:
    return Client({"Authorization": f"Bearer {token}"})


@dataclass(frozen=True)
class World:
    gateway: Gateway
    authority: Authority
    pairs: Mapping[str, Pair]
    key: ec.EllipticCurvePrivateKey

    def ask(self, surface: Surface, client: Client) -> tuple[int, http.client.HTTPMessage, bytes]:
        context = ssl.create_default_context(cafile=str(self.authority.file))
        if client.certificate:
            pair = self.pairs[client.certificate]
            context.load_cert_chain(pair.certificate, pair.key)
        line = http.client.HTTPSConnection(
            "127.0.0.1", self.gateway.port, timeout=60, context=context
        )
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        body = None if surface.body is None else json.dumps(surface.body)
        try:
            line.request(surface.method, surface.path, body, {**headers, **client.headers})
            reply = line.getresponse()
            return reply.status, reply.headers, reply.read()
        finally:
            line.close()

    def token(self, **claims: object) -> Client:
        honest = {
            "iss": "https://issuer.example", "aud": "furler", "sub": "someone",
            "tenant": "acme", "exp": int(time.time()) + 600,
        }  # fmt: skip
        return bearer(jwt.encode(honest | claims, self.key, "ES256", headers={"kid": "k1"}))

    def clients(self) -> dict[str, tuple[Client, bool]]:
        """Return the states of a credential, and whether each lets in."""
        stranger = ec.generate_private_key(ec.SECP256R1())
        forged = jwt.encode({"sub": "x"}, stranger, "ES256", headers={"kid": "k1"})
        return {
            "none": (Client({}), False),
            "unknown key": (bearer("wrong"), False),
            "not a bearer": (Client({"Authorization": "Basic acme"}), False),
            "key": (bearer("acme"), True),
            "token": (self.token(), True),
            "expired token": (self.token(exp=int(time.time()) - 60), False),
            "token for another": (self.token(aud="another"), False),
            "token without tenant": (self.token(tenant=None), False),
            "forged token": (bearer(forged), False),
            "certificate": (Client({}, "runner"), True),
            "unlisted certificate": (Client({}, "unlisted"), False),
            "nameless certificate": (Client({}, "nameless"), False),
            "certificate and wrong key": (Client({"Authorization": "Bearer no"}, "runner"), False),
            "certificate and key": (Client({"Authorization": "Bearer globex"}, "runner"), True),
            "pretended identity": (
                Client({"furler-identity": "x", "x-furler-identity": RUNNER}),
                False,
            ),
        }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("matrix")
    authority = Authority(directory)
    pairs = {
        "server": authority.issue("server"),
        "runner": authority.issue("runner", x509.UniformResourceIdentifier(RUNNER)),
        "unlisted": authority.issue("unlisted", x509.DNSName("unlisted.example")),
        "nameless": authority.issue(
            "nameless", x509.DNSName("a.example"), x509.DNSName("b.example")
        ),
    }
    listed = [{"id": "runner", "san": f"uri:{RUNNER}", "tenant": "acme"}]
    keys = key_file(directory / "keys", KEYS, certificates=listed)
    edge = directory / "edge"
    edge.write_text("k1:" + base64.b64encode(b"e" * 32).decode() + "\n")
    key = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    jwks = directory / "jwks.json"
    jwks.write_text(json.dumps({"keys": [{**public, "kid": "k1", "alg": "ES256"}]}))
    with (
        running_service(
            api_keys=str(keys), edge_keys=str(edge), audit="off", jwks=str(jwks),
            jwt_issuer="https://issuer.example", jwt_audience="furler",
        ) as service,
        running_gateway(
            service.address, tls_cert_file=str(pairs["server"].certificate),
            tls_key_file=str(pairs["server"].key), tls_client_ca_file=str(authority.file),
            edge_keys=str(edge), idle_timeout_seconds="3", upstreams="anthropic=http://127.0.0.1:1",
        ) as gateway,
    ):  # fmt: skip
        yield World(gateway, authority, pairs, key)


@pytest.mark.parametrize("name", SURFACES)
def test_each_surface_lets_in_who_has_a_valid_credential_and_nobody_else(
    name: str, world: World
) -> None:
    surface = SURFACES[name]
    got = {}
    for state, (client, _) in world.clients().items():
        status, headers, body = world.ask(surface, client)
        got[state] = status
        if status == 401:
            assert headers["WWW-Authenticate"] == "Bearer"
            assert LOG[:40].encode() not in body
    assert got == {
        state: surface.status if lets_in else 401 for state, (_, lets_in) in world.clients().items()
    }


@pytest.mark.parametrize("content", ["Hello.", [{"type": "tool_result", "content": LOG}]])
def test_a_proxied_request_shows_our_credential_in_a_header_of_its_own(
    content: object, world: World
) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": content}]}
    surface = Surface("POST", "/v1/messages", body, 502)  # no provider is there
    got, wanted = {}, {}
    for state, (client, lets_in) in world.clients().items():
        headers = dict(client.headers)
        if "Authorization" in headers:
            headers["x-furler-authorization"] = headers.pop("Authorization")
        # The provider's own credential is none of ours.
        headers |= {"Authorization": "Bearer acme", "anthropic-version": "2023-06-01"}
        got[state] = world.ask(surface, Client(headers, client.certificate))[0]
        wanted[state] = surface.status if lets_in else 401
    assert got == wanted


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/v1/models", {}),
        ("POST", "/v1/embeddings", {}),
        ("POST", "/to/anthropic/anything", {}),
        ("POST", "/v1/messages", {"x-furler-bypass": "true"}),
        ("POST", "/v1/messages", {"Content-Digest": "sha-256=:x:"}),
        ("POST", "/v1/messages", {"Content-Encoding": "br"}),
    ],
)
def test_a_stranger_reaches_no_provider_whatever_is_sent(
    method: str, path: str, headers: dict[str, str], world: World
) -> None:
    surface = Surface(method, path, {} if method == "POST" else None, 502)
    keyed = {"x-furler-upstream": "anthropic", "Authorization": "Bearer acme", **headers}
    for credential, status in ((None, 401), ("Bearer wrong", 401), ("Bearer acme", 502)):
        ours = {} if credential is None else {"x-furler-authorization": credential}
        assert world.ask(surface, Client({**keyed, **ours}))[0] == status
    # Nor learns which providers there are.
    nowhere = Surface(method, "/to/nobody/v1/models", surface.body, 404)
    for credential, status in (("Bearer wrong", 401), ("Bearer acme", 404)):
        assert world.ask(nowhere, Client({"x-furler-authorization": credential}))[0] == status


@pytest.mark.parametrize("path", sorted(OPEN))
def test_what_says_nothing_of_anybody_is_open(path: str, world: World) -> None:
    assert world.ask(Surface("GET", path, None, 200), Client({}))[0] == 200


@pytest.mark.parametrize(
    ("client", "tenant"),
    [
        (bearer("acme"), "acme"),
        (Client({}, "runner"), "acme"),
        (Client({"Authorization": "Bearer globex"}, "runner"), "globex"),
    ],
)
def test_a_caller_is_the_tenant_that_the_compressor_says(
    client: Client, tenant: str, world: World
) -> None:
    _, _, body = world.ask(SURFACES["/v1/policy"], client)
    assert json.loads(body)["request"]["tenant"] == tenant


def test_a_certificate_and_a_key_of_one_tenant_share_its_originals(world: World) -> None:
    _, _, body = world.ask(SURFACES["/v1/compress"], Client({}, "runner"))
    (ref,) = cast("list[str]", json.loads(body)["ccr_hashes"])
    surface = Surface("GET", f"/v1/retrieve/{ref}", None, 200)
    for client, status in ((bearer("acme"), 200), (bearer("globex"), 404), (Client({}), 401)):
        assert world.ask(surface, client)[0] == status


@pytest.mark.parametrize(
    ("name", "status"),
    [("unary RPC", 429), ("compressing RPC", 429), ("/v1/retrieve", 429), ("/v1/compress", 200)],
)
def test_over_its_quota_a_caller_waits_or_gets_its_content_back(
    name: str, status: int, world: World
) -> None:
    surface, client = SURFACES[name], bearer("slow")
    world.ask(SURFACES["unary RPC"], client)
    got, headers, body = world.ask(surface, client)
    assert got == status
    if status == 429:
        assert int(headers["Retry-After"]) >= 1
    else:
        assert json.loads(body)["messages"] == json.loads(CHAT)["messages"]


@pytest.mark.parametrize("name", ["unary RPC", "compressing RPC", "/v1/compress", "/v1/retrieve"])
def test_outside_its_spaces_a_credential_opens_nothing(name: str, world: World) -> None:
    assert world.ask(SURFACES[name], bearer("narrow"))[0] == 403


def test_a_body_over_the_limit_is_refused_before_anybody_is_asked_who_it_is(world: World) -> None:
    large = Surface("POST", "/v1/compress", {"messages": "x" * (33 * 2**20)}, 413)
    for client in (Client({}), bearer("acme")):
        assert world.ask(large, client)[0] == 413


@pytest.mark.parametrize("path", ["/v1/compress", "/furler.v1.CompressorService/Compress"])
def test_a_stranger_s_long_body_is_not_read(path: str, world: World) -> None:
    no_request = Surface("POST", path, ["x" * 300_000], 400)
    for client, status in ((Client({}), 401), (bearer("acme"), 400)):
        assert world.ask(no_request, client)[0] == status


def test_without_tls_nobody_is_answered(world: World) -> None:
    line = http.client.HTTPConnection("127.0.0.1", world.gateway.port, timeout=30)
    line.request("GET", "/docs")
    with pytest.raises((http.client.HTTPException, OSError)):
        line.getresponse()
    line.close()


def test_a_handshake_that_does_not_get_on_is_cut_off(world: World) -> None:
    with socket.create_connection(("127.0.0.1", world.gateway.port), timeout=30) as client:
        client.sendall(b"\x16\x03\x01\x02\x00")  # the head of a hello that never comes
        assert client.recv(1000) == b""


def test_a_certificate_of_another_authority_is_turned_away(world: World, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other").issue("runner", x509.UniformResourceIdentifier(RUNNER))
    forged = World(world.gateway, world.authority, {"forged": other}, world.key)
    with pytest.raises((ssl.SSLError, http.client.HTTPException, OSError)):
        forged.ask(SURFACES["unary RPC"], Client({}, "forged"))


def test_nothing_of_a_credential_is_logged(world: World) -> None:
    logged = world.gateway.log.read_text()
    assert "spiffe" not in logged
    assert "Bearer" not in logged
    assert [line for line in world.gateway.logged() if line["level"] == "error"] == []
