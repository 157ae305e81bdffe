"""An issuer is taken at its word about its keys, and at nobody else's."""

from __future__ import annotations

import json
import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from contract.places import Clock
from furler_compressor.adapters import key_sources
from furler_compressor.adapters.jwks import Jwks
from furler_compressor.adapters.key_sources import Issuer, JwksError
from furler_compressor.adapters.tokens import TokenRules, Tokens
from furler_compressor.app.errors import CredentialInvalidError
from furler_compressor.app.quota import UNLIMITED
from furler_compressor.assemble import authenticators
from furler_compressor.config import Settings
from furler_compressor.main import main
from support.certificates import Authority, Pair

pytestmark = pytest.mark.anyio

KEYS = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("old", "new")}
WELL_KNOWN = "/.well-known/openid-configuration"


def key_set(*names: str, **fields: str) -> bytes:
    made = [
        {
            **jwt.algorithms.ECAlgorithm.to_jwk(KEYS[name].public_key(), as_dict=True),
            "kid": name,
            **fields,
        }
        for name in names
    ]
    return json.dumps({"keys": made}).encode()


@dataclass
class FakeIssuer:
    """What it has by path: bytes, or where it redirects to. What it was asked for."""

    port: int
    scheme: str = "http"
    has: dict[str, bytes | str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/realm"

    def tells(self, **fields: object) -> None:
        said: dict[str, object] = {
            "issuer": self.url,
            "jwks_uri": f"{self.scheme}://127.0.0.1:{self.port}/keys",
            **fields,
        }
        self.has["/realm" + WELL_KNOWN] = json.dumps(said).encode()

    def token(self, key: str = "old", **claims: object) -> str:
        said: dict[str, object] = {"iss": self.url, "aud": "furler", "sub": "a", "tenant": "acme"}
        said |= {"exp": int(time.time()) + 600, **claims}
        return jwt.encode(said, KEYS[key], "ES256", headers={"kid": key})

    def tokens(
        self,
        clock: Callable[[], float] = time.monotonic,
        *hosts: str,
        authorities: Path | None = None,
    ) -> Tokens:
        keys = Jwks(Issuer(self.url, hosts, clock, authorities), clock)
        return Tokens(keys, TokenRules(self.url, "furler"), UNLIMITED)


@contextmanager
def serving(pair: Pair | None = None) -> Iterator[FakeIssuer]:
    """Serve an issuer; over TLS with a certificate, else in the clear."""
    made = FakeIssuer(0, "http" if pair is None else "https")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            found = made.has.get(self.path)
            self.send_response(404 if found is None else 302 if isinstance(found, str) else 200)
            if isinstance(found, str):
                self.send_header("Location", found)
            self.end_headers()
            if isinstance(found, bytes):
                self.wfile.write(found)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            return

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of handshakes that a client breaks off: some tests want that."""

    with Server(("127.0.0.1", 0), Handler) as server:
        made.port = server.server_address[1]
        if pair is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pair.certificate, pair.key)
            # Handshakes belong to the threads of their connections, not to the one that accepts.
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        made.tells()
        made.has["/keys"] = key_set("old")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    with serving() as made:
        yield made


@pytest.fixture
def private(tmp_path: Path) -> Iterator[FakeIssuer]:
    """An issuer whose certificate is of an authority that the system does not know: ca.pem."""
    with serving(Authority(tmp_path).issue("issuer")) as made:
        yield made


async def refused(tokens: Tokens, token: str) -> None:
    with pytest.raises(CredentialInvalidError):
        await tokens.grant_of(token)


async def test_an_issuer_and_an_audience_are_all_that_has_to_be_set(issuer: FakeIssuer) -> None:
    settings = Settings(jwt_issuer=issuer.url, jwt_audience="furler", jwt_tenant_claim="org")
    settings.check()
    assert settings.asks_who()
    anyone, _ = authenticators(settings)
    assert (await anyone.grant_of(issuer.token(org="acme"))).tenant == "acme"
    for wrong in (issuer.token(org="acme", iss="https://other.example"), issuer.token("new")):
        with pytest.raises(CredentialInvalidError):
            await anyone.grant_of(wrong)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"issuer": "https://other.example"}, "names another issuer"),
        ({"issuer": None}, "names another issuer"),
        ({"jwks_uri": None}, "names no jwks_uri"),
        ({"jwks_uri": "file:///etc/passwd"}, "want an https URL"),
        ({"jwks_uri": "http://keys.example/"}, "want an https URL"),
        ({"jwks_uri": "https://127.0.0.1:x/"}, "want a URL"),
        ({"jwks_uri": "https://u:p@127.0.0.1/"}, "want an https URL"),
        ({"jwks_uri": "https://keys.example/keys"}, "keys at keys.example: name it in FURLER_JWT_KEY_HOSTS"),
    ],
)  # fmt: skip
async def test_a_discovery_document_that_cannot_be_trusted_gives_no_keys(
    said: dict[str, object], why: str, issuer: FakeIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.tells(**said)
    with caplog.at_level(logging.ERROR):
        await refused(issuer.tokens(), issuer.token())
    assert why in caplog.text
    assert issuer.asked == ["/realm" + WELL_KNOWN]


async def test_keys_at_another_host_are_taken_if_it_is_named(issuer: FakeIssuer) -> None:
    issuer.tells(jwks_uri=f"http://localhost:{issuer.port}/keys")
    await refused(issuer.tokens(), issuer.token())
    tokens = issuer.tokens(time.monotonic, "LOCALHOST")
    assert (await tokens.grant_of(issuer.token())).tenant == "acme"


@pytest.mark.parametrize("path", ["/realm" + WELL_KNOWN, "/keys"])
async def test_redirects_are_not_followed(
    path: str, issuer: FakeIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.has["/moved"] = issuer.has[path]
    issuer.has[path] = "/moved"
    with caplog.at_level(logging.ERROR):
        await refused(issuer.tokens(), issuer.token())
    assert "redirects, which are not followed" in caplog.text
    assert "/moved" not in issuer.asked


@pytest.mark.parametrize(
    ("path", "answer", "why"),
    [
        ("/realm" + WELL_KNOWN, None, "the server answered: 404"),
        ("/realm" + WELL_KNOWN, b"<html>hunter2", "is no JSON"),
        ("/realm" + WELL_KNOWN, b"[" * 100_000, "is no JSON"),
        ("/realm" + WELL_KNOWN, b"{" + b" " * 1024 * 1024, "more than 1,048,576 bytes"),
        ("/keys", None, "the server answered: 404"),
        ("/keys", b'{"hunter2": 1}', "it is no JWK set"),
        ("/keys", b"hunter2", "it is no JWK set"),
    ],
)
async def test_what_is_wrong_is_said_without_what_was_read(
    path: str, answer: bytes | None, why: str, issuer: FakeIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.has.pop(path)
    if answer is not None:
        issuer.has[path] = answer
    with caplog.at_level(logging.ERROR):
        await refused(issuer.tokens(), issuer.token())
    assert why in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_new_key_is_found_and_made_up_ones_do_not_flood_the_issuer(
    issuer: FakeIssuer,
) -> None:
    clock = Clock()
    tokens = issuer.tokens(clock)
    for _ in range(20):
        await tokens.grant_of(issuer.token("old"))
        await refused(tokens, issuer.token("new"))
    assert issuer.asked == ["/realm" + WELL_KNOWN, "/keys"]
    issuer.has["/keys"] = key_set("old", "new")
    clock.now += 31
    assert (await tokens.grant_of(issuer.token("new"))).tenant == "acme"
    assert issuer.asked[2:] == ["/keys"]


async def test_an_issuer_that_fails_locks_nobody_out_and_keys_that_moved_are_found(
    issuer: FakeIssuer,
) -> None:
    clock = Clock()
    tokens = issuer.tokens(clock)
    await tokens.grant_of(issuer.token("old"))
    issuer.has["/elsewhere"] = key_set("old", "new")
    issuer.has.pop("/keys")
    clock.now += 700
    await refused(tokens, issuer.token("new"))
    assert (await tokens.grant_of(issuer.token("old"))).tenant == "acme"
    issuer.tells(jwks_uri=f"http://127.0.0.1:{issuer.port}/elsewhere")
    clock.now += 31
    assert (await tokens.grant_of(issuer.token("new"))).tenant == "acme"


async def test_a_key_that_was_withdrawn_is_no_longer_good(issuer: FakeIssuer) -> None:
    clock = Clock()
    tokens = issuer.tokens(clock)
    await tokens.grant_of(issuer.token("old"))
    issuer.has["/keys"] = key_set("new")
    clock.now += 700
    assert (await tokens.grant_of(issuer.token("new"))).tenant == "acme"
    await refused(tokens, issuer.token("old"))


async def test_keys_to_encrypt_with_sign_nothing(issuer: FakeIssuer) -> None:
    issuer.has["/keys"] = key_set("old", use="enc")
    await refused(issuer.tokens(), issuer.token())


async def test_an_answer_that_trickles_in_is_given_up(
    issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(key_sources, "_TOTAL_SECONDS", 0.0)
    with caplog.at_level(logging.ERROR):
        await refused(issuer.tokens(), issuer.token())
    assert "no whole answer" in caplog.text


@pytest.mark.parametrize(
    "url", ["issuer", "http://issuer.example", "https://i.example/?a=b", "file:///etc", "https://"]
)
def test_an_issuer_is_an_https_url(url: str) -> None:
    with pytest.raises(JwksError):
        Issuer(url)
    with pytest.raises(JwksError):
        authenticators(Settings(jwt_issuer=url, jwt_audience="furler"))


async def test_an_issuer_of_a_private_authority_is_believed_where_the_authority_is_named(
    private: FakeIssuer, tmp_path: Path
) -> None:
    settings = Settings(
        jwt_issuer=private.url, jwt_audience="furler", jwt_ca_file=str(tmp_path / "ca.pem")
    )
    settings.check()
    for one in (settings, settings.model_copy(update={"jwks": private.url[:-6] + "/keys"})):
        anyone, _ = authenticators(one)
        assert (await anyone.grant_of(private.token())).tenant == "acme"
    assert private.asked == ["/realm" + WELL_KNOWN, "/keys", "/keys"]


@pytest.mark.parametrize("named", [None, "other"])
async def test_an_issuer_that_no_known_authority_vouches_for_gives_no_keys(
    named: str | None, private: FakeIssuer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authorities = Authority(tmp_path, named).file if named else None
    with caplog.at_level(logging.ERROR):
        await refused(private.tokens(authorities=authorities), private.token())
    assert "its certificate is not trusted (" in caplog.text
    assert "FURLER_JWT_CA_FILE names who may sign it" in caplog.text
    assert private.asked == []


async def test_an_authority_s_file_that_changed_is_read_with_the_keys(
    private: FakeIssuer, tmp_path: Path
) -> None:
    clock = Clock()
    file = tmp_path / "in-force.pem"
    file.write_bytes(Authority(tmp_path, "other").file.read_bytes())
    tokens = private.tokens(clock, authorities=file)
    await refused(tokens, private.token())
    file.write_bytes(file.read_bytes() + (tmp_path / "ca.pem").read_bytes())
    clock.now += 31
    assert (await tokens.grant_of(private.token())).tenant == "acme"
    file.unlink()  # in the middle of a change
    clock.now += 700
    assert (await tokens.grant_of(private.token())).tenant == "acme"


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_check_refuses_a_file_without_authorities(
    content: bytes | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    for name, value in (("ISSUER", "https://login.example"), ("AUDIENCE", "furler")):
        monkeypatch.setenv(f"FURLER_JWT_{name}", value)
    monkeypatch.setenv("FURLER_JWT_CA_FILE", str(file))
    assert main(["--check"]) == 2
    assert "FURLER_JWT_CA_FILE: it holds no authorities" in caplog.text


def test_an_authority_wants_an_issuer() -> None:
    with pytest.raises(ValueError, match="FURLER_JWT_CA_FILE: wants FURLER_JWT_ISSUER"):
        Settings(jwt_ca_file="ca.pem").check()
