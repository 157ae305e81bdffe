"""Only what is configured lets in, everything else looks the same, and no secret is repeated."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from contract.places import Clock
from furler_compressor.adapters.api_keys import ApiKeys, KeyFileError
from furler_compressor.adapters.credentials import AnyOf
from furler_compressor.adapters.jwks import Jwks
from furler_compressor.adapters.key_sources import JwksError, source_of
from furler_compressor.adapters.tokens import TokenRules, Tokens
from furler_compressor.app.errors import CredentialInvalidError
from furler_compressor.app.identity import Authenticator, Grant
from furler_compressor.app.quota import UNLIMITED, Quota

pytestmark = pytest.mark.anyio

KEY = "fk_live_4b8e0c5f"


def entry(key: str = KEY, **fields: object) -> dict[str, object]:
    digest = hashlib.sha256(key.encode()).hexdigest()
    return {"id": "ci", "sha256": digest, "tenant": "acme", **fields}


def write(path: Path, *entries: dict[str, object]) -> Path:
    path.write_text(json.dumps({"keys": entries}))
    return path


async def refused(authenticator: Authenticator, token: str) -> None:
    with pytest.raises(CredentialInvalidError) as raised:
        await authenticator.grant_of(token)
    assert (raised.value.message, raised.value.metadata) == ("a valid credential is required", {})


# API keys


async def test_a_key_gives_what_its_entry_says(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text(
        f"""
        [[keys]]
        id = "ci"
        sha256 = "{hashlib.sha256(KEY.encode()).hexdigest()}"
        tenant = "acme"
        spaces = ["build-*", "default"]
        roles = ["erase"]
        bytes_per_second = 1000
        """
    )
    keys = ApiKeys(file, Quota(requests_per_second=5, bytes_per_second=7))
    grant = await keys.grant_of(KEY)
    expected = Quota(requests_per_second=5, bytes_per_second=1000)
    roles = frozenset({"erase"})
    assert grant == Grant("acme", "ci", ("build-*", "default"), roles, expected)
    assert [grant.covers(s) for s in ("build-7", "default", "other", "Build-7")] == [
        *(True, True),
        *(False, False),
    ]


@pytest.mark.parametrize("token", ["", "x", KEY + "x", KEY[:-1], KEY.upper(), "é" * 100])
async def test_no_other_token_is_let_in(token: str, tmp_path: Path) -> None:
    keys = ApiKeys(write(tmp_path / "keys", entry()), UNLIMITED)
    await refused(keys, token)
    await refused(AnyOf([keys]), token)


async def test_a_changed_file_is_in_force_without_a_restart(tmp_path: Path) -> None:
    clock, file = Clock(), write(tmp_path / "keys", entry())
    keys = ApiKeys(file, UNLIMITED, clock)
    write(file, entry("another", id="new", tenant="globex"))
    clock.now += 1.1
    assert (await keys.grant_of("another")).tenant == "globex"
    await refused(keys, KEY)


async def test_a_file_that_was_swapped_by_a_link_is_in_force(tmp_path: Path) -> None:
    clock, link = Clock(), tmp_path / "keys"
    link.symlink_to(write(tmp_path / "one", entry()))
    keys = ApiKeys(link, UNLIMITED, clock)
    write(tmp_path / "two", entry("another"))
    (tmp_path / "fresh").symlink_to(tmp_path / "two")
    (tmp_path / "fresh").replace(link)
    clock.now += 1.1
    assert (await keys.grant_of("another")).tenant == "acme"
    await refused(keys, KEY)


async def test_a_broken_file_changes_nothing_and_is_logged_without_its_text(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, file = Clock(), write(tmp_path / "keys", entry())
    keys = ApiKeys(file, UNLIMITED, clock)
    for broken in ("{", json.dumps({"keys": [entry(roles=["root"])]}), None):
        if broken is None:
            file.unlink()
        else:
            file.write_text(broken)
        clock.now += 1.1
        with caplog.at_level(logging.ERROR):
            assert (await keys.grant_of(KEY)).credential == "ci"
    assert len(caplog.records) == 3
    assert hashlib.sha256(KEY.encode()).hexdigest() not in caplog.text


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([entry(sha256="abc")], "keys.0.sha256"),
        ([entry(tenant="")], "keys.0.tenant"),
        ([entry(tenant="a\nb")], "printable"),
        ([entry(roles=["root"])], "known roles: erase"),
        ([entry(surprise=1)], "keys.0.surprise"),
        ([entry(stored_bytes=-1)], "keys.0.stored_bytes"),
        ([entry(), entry("other")], "twice"),
        ([entry(), entry(id="other")], "twice"),
    ],
)
def test_a_file_that_cannot_be_used_names_the_place(
    entries: list[dict[str, object]], says: str, tmp_path: Path
) -> None:
    with pytest.raises(KeyFileError, match=says) as raised:
        ApiKeys(write(tmp_path / "keys", *entries), UNLIMITED)
    assert hashlib.sha256(KEY.encode()).hexdigest() not in str(raised.value)


# Signed tokens

RULES = TokenRules("https://issuer.example", "furler")
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def jwk_set(*names: str) -> str:
    keys = []
    for name in names:
        if name.startswith("rsa"):
            public = jwt.algorithms.RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)
        else:
            public = jwt.algorithms.ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True)
        keys.append({**public, "kid": name, "use": "sig"})
    return json.dumps({"keys": keys})


def claims(**changed: object) -> dict[str, object]:
    now = int(time.time())
    found = {
        "iss": "https://issuer.example",
        "aud": ["furler", "other"],
        "sub": "agent-7",
        "tenant": "acme",
        "exp": now + 600,
        **changed,
    }
    return {name: value for name, value in found.items() if value is not None}


def signed(key_id: str = "ec-1", **changed: object) -> str:
    key, algorithm = (RSA_KEY, "RS256") if key_id.startswith("rsa") else (EC_KEY, "ES256")
    return jwt.encode(claims(**changed), key, algorithm, headers={"kid": key_id})


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    file = tmp_path / "jwks.json"
    file.write_text(jwk_set("rsa-1", "ec-1"))
    return Tokens(Jwks(source_of(str(file))), RULES, Quota(requests_per_second=3))


@pytest.mark.parametrize("key_id", ["rsa-1", "ec-1"])
async def test_a_token_gives_what_its_issuer_says(tokens: Tokens, key_id: str) -> None:
    token = signed(key_id, furler_spaces=["team-*"], roles=["admin", "erase"])
    assert await tokens.grant_of(token) == Grant(
        "acme",
        "jwt:agent-7",
        ("team-*",),
        frozenset({"erase"}),
        Quota(requests_per_second=3),
    )
    plain = await tokens.grant_of(signed(key_id))
    assert (plain.spaces, plain.roles) == (("*",), frozenset())


BAD_TOKENS: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "noise": lambda: "a.b.c",
    "expired": lambda: signed(exp=int(time.time()) - 120),
    "not yet": lambda: signed(nbf=int(time.time()) + 120),
    "no expiry": lambda: signed(exp=None),
    "other issuer": lambda: signed(iss="https://evil.example"),
    "other audience": lambda: signed(aud="other"),
    "no audience": lambda: signed(aud=None),
    "no tenant": lambda: signed(tenant=None),
    "empty tenant": lambda: signed(tenant=""),
    "tenant list": lambda: signed(tenant=["acme"]),
    "no subject": lambda: signed(sub=None),
    "unknown key": lambda: signed("ec-2"),
    "wrong key": lambda: jwt.encode(claims(), EC_KEY, "ES256", headers={"kid": "rsa-1"}),
    "unsigned": lambda: jwt.encode(claims(), "", "none", headers={"kid": "ec-1"}),
    "shared secret": lambda: jwt.encode(claims(), "s" * 32, "HS256", headers={"kid": "ec-1"}),
    "changed": lambda: signed()[:-4] + "AAAA",
    "too long": lambda: signed(padding="x" * 20_000),
}


@pytest.mark.parametrize("name", BAD_TOKENS)
async def test_no_other_signed_token_is_let_in(tokens: Tokens, name: str) -> None:
    await refused(tokens, BAD_TOKENS[name]())


async def test_a_new_key_of_the_issuer_is_found_and_made_up_ones_do_not_flood_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, clock, reads = tmp_path / "jwks.json", Clock(), 0
    file.write_text(jwk_set("rsa-1"))
    jwks = Jwks(source_of(str(file)), clock)
    load = jwks._load

    def counted() -> dict[str, jwt.PyJWK]:
        nonlocal reads
        reads += 1
        return load()

    monkeypatch.setattr(jwks, "_load", counted)
    tokens = Tokens(jwks, RULES, UNLIMITED)
    await tokens.grant_of(signed("rsa-1"))
    for number in range(50):
        await refused(tokens, signed(f"ec-{number}"))
    assert reads == 1
    file.write_text(jwk_set("rsa-1", "ec-1"))
    clock.now += 31
    assert (await tokens.grant_of(signed("ec-1"))).tenant == "acme"
    assert reads == 2
    # An issuer that is away does not lock anybody out.
    file.unlink()
    clock.now += 700
    assert (await tokens.grant_of(signed("ec-1"))).tenant == "acme"


async def test_keys_come_from_a_url(tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_text(jwk_set("ec-1"))
    handler = partial(QuietHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            port = server.server_address[1]
            tokens = Tokens(Jwks(source_of(f"http://127.0.0.1:{port}/jwks.json")), RULES, UNLIMITED)
            assert (await tokens.grant_of(signed("ec-1"))).tenant == "acme"
            none = Tokens(Jwks(source_of(f"http://127.0.0.1:{port}/none.json")), RULES, UNLIMITED)
            await refused(none, signed("ec-1"))
        finally:
            server.shutdown()
            thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a directory and logs nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        return


def test_keys_come_over_https_only() -> None:
    for url in (
        "http://issuer.example/jwks",
        "ftp://issuer.example/jwks",
        "https://u:p@i.example/",
    ):
        with pytest.raises(JwksError):
            source_of(url)
    for url in ("https://issuer.example/jwks", "http://127.0.0.1:8080/jwks", "/etc/jwks.json"):
        source_of(url)


async def test_both_kinds_are_taken_side_by_side(tmp_path: Path, tokens: Tokens) -> None:
    both = AnyOf([ApiKeys(write(tmp_path / "keys", entry(tenant="keyed")), UNLIMITED), tokens])
    assert (await both.grant_of(KEY)).tenant == "keyed"
    assert (await both.grant_of(signed())).tenant == "acme"
    await refused(both, "neither")
