"""What a policy and a credential say of proxied requests, and what a conversation keeps of it."""

from __future__ import annotations

import hashlib
import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bodies import odd_messages
from support.certificates import Authority
from support.fake_provider import FakeProvider, running_provider
from support.gateway import Gateway, running_gateway
from support.inputs import orders, service_log
from support.service import running_service

LOG = service_log(400)
ORDERS = orders(200)
MESSAGES = "/v1/messages"
KEY = {"x_api_key": "k", "anthropic_version": "2023-06-01"}
TOOLS = b'[{"name":"bash"}]'
SESSION = "user_1_account__session_0b1c9d3e-4b52-4f5c-8d7a-2f6f0f7f9a01"


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with running_service() as running:
        yield running.address


@pytest.fixture(autouse=True)
def _forgotten(provider: FakeProvider) -> None:
    provider.got.clear()


def _upstreams(provider: FakeProvider) -> str:
    return f"anthropic={provider.url},openai={provider.url}"


def _sent(gateway: Gateway, provider: FakeProvider, body: bytes, **headers: str) -> bytes:
    """Send a request; return what the provider got."""
    assert gateway.post(MESSAGES, body, **KEY, **headers).status == 200
    return provider.got.pop().body


def _offers(body: bytes) -> bool:
    return b"furler_retrieve" in body


def test_a_conversation_is_offered_the_tool_always_or_never(
    provider: FakeProvider, service: str
) -> None:
    """A replica with other settings, and headers that change their mind, change nothing."""
    body = odd_messages("x", TOOLS).replace(b"\\u0061nna", SESSION.encode())
    upstreams = _upstreams(provider)
    with (
        running_gateway(service, upstreams=upstreams) as one,
        running_gateway(service, upstreams=upstreams, proxy_retrieve_tool="false") as other,
    ):
        assert _offers(_sent(one, provider, body))
        assert _offers(_sent(other, provider, body))
        assert _offers(_sent(one, provider, body, x_furler_retrieve_tool="never"))
        assert not _offers(_sent(other, provider, body, x_furler_conversation="new"))
        assert not _offers(_sent(one, provider, body, x_furler_conversation="new"))
        assert _offers(_sent(one, provider, body, x_furler_conversation="newer"))


RULES: dict[str, dict[str, object]] = {
    "claude-plain": {},
    "claude-bypass": {"mode": "bypass"},
    "claude-audit": {"mode": "audit"},
    "claude-lossless": {"fidelity": "lossless"},
    "claude-never": {"retrieve_tool": "never"},
    "claude-bash": {"tools": {"bash": "off"}},
}


@pytest.fixture(scope="module")
def ruled(
    provider: FakeProvider, service: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    rules = [
        {"name": model, "match": {"models": [model], "routes": [MESSAGES]}, "set": terms}
        for model, terms in RULES.items()
        if terms
    ]
    file = tmp_path_factory.mktemp("policy") / "policy.yaml"
    file.write_text(json.dumps({"version": 1, "revision": "r1", "rules": rules}))
    with running_gateway(service, upstreams=_upstreams(provider), policy_file=str(file)) as gateway:
        yield gateway


@pytest.mark.parametrize(
    ("model", "is_offered", "is_shorter"),
    [
        ("claude-plain", True, True),
        ("claude-bypass", False, False),
        ("claude-audit", False, False),
        ("claude-lossless", False, False),
        ("claude-never", False, False),
        ("claude-bash", True, False),
    ],
)
def test_what_the_policy_says_of_a_model_is_done(
    ruled: Gateway, provider: FakeProvider, model: str, *, is_offered: bool, is_shorter: bool
) -> None:
    body = odd_messages(LOG, TOOLS).replace(b"claude-x", model.encode())
    for _ in range(2):  # as it began, and as it goes on
        sent = _sent(ruled, provider, body, x_furler_conversation=model)
        assert _offers(sent) is is_offered
        assert (len(sent) < len(body) / 2) is is_shorter
        assert (sent == body) is (not is_offered and not is_shorter)


def test_the_kill_switch_is_in_force_at_once(
    provider: FakeProvider, service: str, tmp_path: Path
) -> None:
    body = odd_messages(LOG, TOOLS)
    file = tmp_path / "policy.yaml"
    for is_on in (False, True):
        file.write_text(json.dumps({"version": 1, "revision": "r1", "kill_switch": is_on}))
        with running_gateway(
            service, upstreams=_upstreams(provider), policy_file=str(file)
        ) as gateway:
            sent = _sent(gateway, provider, body, x_furler_conversation="to be killed")
            assert (sent == body) is is_on


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "AWS4-HMAC-SHA256 Credential=x"},
        {"content_digest": "sha-256=:x:"},
    ],
)
def test_a_body_that_is_signed_is_not_touched(
    ruled: Gateway, provider: FakeProvider, headers: dict[str, str]
) -> None:
    body = odd_messages(LOG, b'[{"name":"bash"}]')
    ruled.post(MESSAGES, body, **headers)
    assert provider.got.pop().body == body


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer sk-ant-oat01-abc", "anthropic_version": "2023-06-01"},
        {"authorization": "Bearer eyJhbGciOi.x.y", "chatgpt_account_id": "a"},
    ],
)
def test_a_subscription_s_traffic_gets_no_field_and_loses_none(
    ruled: Gateway, provider: FakeProvider, headers: dict[str, str]
) -> None:
    tools = b'[{"name":"bash"}]'
    for text in (LOG, ORDERS):
        ruled.post(MESSAGES, odd_messages(text, tools), x_furler_conversation="sub", **headers)
        sent = provider.got.pop().body
        before, _, after = odd_messages(text, tools).partition(json.dumps(text).encode())
        assert (sent[: len(before)], sent[-len(after) :]) == (before, after)
        assert b"tokens left out" not in sent


def test_a_provider_is_trusted_by_the_authorities_that_are_configured(
    service: str, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("provider")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair.certificate, pair.key)
    with running_provider(tls) as provider:
        for trusted, status in ((str(authority.file), 200), ("", 502)):
            with running_gateway(
                service, upstreams=_upstreams(provider), upstream_ca=trusted
            ) as gateway:
                assert gateway.get("/v1/models").status == status
    assert len(provider.got) == 1
    with (
        pytest.raises(AssertionError, match="No such file"),
        running_gateway(service, upstream_ca=str(tmp_path / "none.pem")),
    ):
        pytest.fail("it has started")


def test_furler_s_credential_and_the_provider_s_are_two(
    provider: FakeProvider, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    sha256 = hashlib.sha256(b"ours").hexdigest()
    keys.write_text(json.dumps({"keys": [{"id": "k", "sha256": sha256, "tenant": "acme"}]}))
    body = odd_messages(ORDERS, TOOLS)
    with (
        running_service(api_keys=str(keys), audit="off") as service,
        running_gateway(service.address, upstreams=_upstreams(provider)) as gateway,
    ):
        theirs = "Bearer sk-theirs"
        for given in ({}, {"x_furler_authorization": "Bearer nope"}):
            reply = gateway.post(MESSAGES, body, authorization=theirs, **given)
            assert reply.status == 401
            assert "x-furler-authorization" in reply.body.decode()
        assert provider.got == []
        reply = gateway.post(
            MESSAGES, body, authorization=theirs, x_furler_authorization="Bearer ours"
        )
        assert reply.status == 200
        (got,) = provider.got
        assert got.header("authorization") == theirs
        assert b"Bearer ours" not in b"".join(value for _, value in got.headers)
        assert len(got.body) < len(body) / 2
