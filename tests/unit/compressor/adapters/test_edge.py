"""A gateway's word counts if it is signed by a known key, fresh, for this call, and new."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest

from contract.places import Clock
from furler_compressor.adapters import edge
from furler_compressor.adapters.api_keys import ApiKeys, KeyFileError
from furler_compressor.adapters.edge import EdgeAssertions
from furler_compressor.adapters.keyring import Keyring, MasterKey
from furler_compressor.app.errors import CredentialInvalidError
from furler_compressor.app.quota import UNLIMITED
from furler_gateway.assertions import EdgeKeyError, Signer, load_signer, name_of

pytestmark = pytest.mark.anyio

RPC = "/furler.v1.InfoService/GetStats"
NAME = "uri:spiffe://acme.example/runner"
KEY, OTHER = b"k" * 32, b"o" * 32


def certificates(path: Path, *entries: dict[str, object]) -> Path:
    path.write_text(json.dumps({"certificates": entries}))
    return path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reader(tmp_path: Path, clock: Clock) -> EdgeAssertions:
    file = certificates(
        tmp_path / "keys", {"id": "runner", "san": NAME, "tenant": "acme", "spaces": ["build-*"]}
    )
    keys = Keyring((MasterKey("new", KEY), MasterKey("old", OTHER)))
    return EdgeAssertions(keys, ApiKeys(file, UNLIMITED).grant_of_certificate, clock)


async def refused(reader: EdgeAssertions, assertion: str, rpc: str = RPC) -> None:
    with pytest.raises(CredentialInvalidError) as raised:
        await reader.grant_of(assertion, rpc)
    assert (raised.value.message, raised.value.metadata) == ("a valid credential is required", {})


def forged(
    clock: Clock, key: bytes = KEY, name: str = "new", without: str = "", **claims: object
) -> str:
    now = int(clock())
    honest = {
        "iss": edge.ISSUER, "aud": edge.AUDIENCE, "sub": NAME, "rpc": RPC,
        "iat": now, "exp": now + 30, "jti": "1",
    }  # fmt: skip
    kept = {claim: value for claim, value in (honest | claims).items() if claim != without}
    return jwt.encode(kept, key, "HS256", headers={"kid": name})


async def test_what_a_gateway_signs_is_the_grant_of_its_certificate(
    reader: EdgeAssertions, clock: Clock
) -> None:
    for name, key in (("new", KEY), ("old", OTHER)):
        grant = await reader.grant_of(Signer(name, key, clock).assertion(NAME, RPC), RPC)
        assert (grant.tenant, grant.credential, grant.spaces) == ("acme", "runner", ("build-*",))


async def test_an_assertion_is_good_for_one_call_of_one_rpc(
    reader: EdgeAssertions, clock: Clock
) -> None:
    signer = Signer("new", KEY, clock)
    await refused(reader, signer.assertion(NAME, RPC), "/furler.v1.ContentService/Retrieve")
    once = signer.assertion(NAME, RPC)
    await reader.grant_of(once, RPC)
    await refused(reader, once)


async def test_an_assertion_is_good_for_its_seconds(reader: EdgeAssertions, clock: Clock) -> None:
    signer = Signer("new", KEY, clock)
    early, late = signer.assertion(NAME, RPC), signer.assertion(NAME, RPC)
    clock.now += 34
    await reader.grant_of(early, RPC)
    clock.now += 2
    await refused(reader, late)


async def test_what_was_used_is_forgotten_after_it_expired(
    reader: EdgeAssertions, clock: Clock
) -> None:
    signer = Signer("new", KEY, clock)
    for _ in range(3):
        await reader.grant_of(signer.assertion(NAME, RPC), RPC)
        clock.now += 40
    assert len(reader._seen) == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda clock: forged(clock, OTHER),
        lambda clock: forged(clock, name="nobodys"),
        lambda clock: forged(clock, name=""),
        lambda clock: forged(clock, iss="another"),
        lambda clock: forged(clock, aud="another"),
        lambda clock: forged(clock, sub="uri:spiffe://acme.example/other"),
        lambda clock: forged(clock, sub=""),
        lambda clock: forged(clock, exp=int(clock()) + 61),
        lambda clock: forged(clock, iat=int(clock()) + 10, exp=int(clock()) + 40),
        lambda clock: forged(clock, iat=True),
        lambda clock: forged(clock, exp="soon"),
        *[lambda clock, gone=gone: forged(clock, without=gone)
          for gone in ("iss", "aud", "sub", "rpc", "iat", "exp", "jti")],
        lambda _: jwt.encode({"sub": NAME, "rpc": RPC}, "", "none", headers={"kid": "new"}),
        lambda clock: forged(clock) + "x",
        lambda clock: forged(clock, more="x" * 5000),
        lambda _: "",
        lambda _: "a.b.c",
        lambda _: "\xff",
    ],
)  # fmt: skip
async def test_whatever_else_is_refused_with_one_answer(
    make: Callable[[Clock], str], reader: EdgeAssertions, clock: Clock
) -> None:
    await refused(reader, make(clock))


async def test_an_empty_key_verifies_nothing(reader: EdgeAssertions, clock: Clock) -> None:
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"nobodys"}').rstrip(b"=").decode()
    _, claims, signature = forged(clock).split(".")
    await refused(reader, f"{head}.{claims}.{signature}")


def test_a_certificate_that_stands_twice_is_told(tmp_path: Path) -> None:
    one: dict[str, object] = {"id": "a", "san": NAME, "tenant": "acme"}
    with pytest.raises(KeyFileError, match="twice"):
        ApiKeys(certificates(tmp_path / "keys", one, {**one, "id": "b"}), UNLIMITED)
    with pytest.raises(KeyFileError, match=r"certificates\.0\.san"):
        ApiKeys(certificates(tmp_path / "keys", {**one, "san": "runner"}), UNLIMITED)


@pytest.mark.parametrize(
    ("names", "name"),
    [
        ([("URI", "spiffe://a/b"), ("DNS", "b.example")], "uri:spiffe://a/b"),
        ([("DNS", "b.example"), ("IP Address", "127.0.0.1")], "dns:b.example"),
        ([("URI", "spiffe://a/b"), ("URI", "spiffe://a/c"), ("DNS", "b.example")], ""),
        ([("DNS", "a.example"), ("DNS", "b.example")], ""),
        ([("URI", "spiffe://a/\nb")], ""),
        ([("email", "a@b.example")], ""),
        ([], ""),
    ],
)
def test_a_certificates_name_is_its_one_uri_or_its_one_dns_name(
    names: list[tuple[str, str]], name: str
) -> None:
    assert name_of({"subjectAltName": tuple(names)}) == name
    assert name_of({"subject": ()}) == name_of(None) == ""


def test_the_key_is_the_files_first_and_never_in_an_error(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    encoded = base64.b64encode(KEY).decode()
    file.write_text(f"# rotated in May\nnew:{encoded}\nold:{base64.b64encode(OTHER).decode()}\n")
    signer = load_signer(file)
    assert (signer.name, signer.secret) == ("new", KEY)
    assert encoded not in repr(signer)
    for text in ("", "# none\n", f"{encoded}\n", f"new:{encoded[:20]}\n", ":" + encoded):
        file.write_text(text)
        with pytest.raises(EdgeKeyError) as raised:
            load_signer(file)
        assert encoded[:20] not in str(raised.value)
