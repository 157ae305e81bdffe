"""Credentials, TLS, quotas and the audit trail, from the client's end to the server's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import grpc
import pytest
from google.rpc import status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

import servers
from furler import (
    CredentialInvalidError,
    Furler,
    QuotaExceededError,
    SpaceDeniedError,
    Tls,
    UnavailableError,
)
from furler.v1 import (
    compressor_service_pb2,
    content_pb2,
    content_service_pb2,
    info_service_pb2,
    info_service_pb2_grpc,
)
from support.certificates import Authority
from support.inputs import service_log
from support.ports import free_ports
from support.service import Service, running_service
from support.waiting import eventually

LOG = service_log(400)
KEYS: dict[str, dict[str, object]] = {
    "acme-all": {"tenant": "acme", "roles": ["erase"]},
    "acme-build": {"tenant": "acme", "spaces": ["build-*"]},
    "globex": {"tenant": "globex"},
    "slow": {"tenant": "slow", "requests_per_second": 0.01},
    "brief": {"tenant": "brief", "bytes_per_second": 10},
    "narrow": {"tenant": "narrow", "bytes_per_second": 10},
}


def write_keys(file: Path, keys: dict[str, dict[str, object]]) -> None:
    entries = [
        {"id": name, "sha256": hashlib.sha256(name.encode()).hexdigest(), **fields}
        for name, fields in keys.items()
    ]
    file.write_text(json.dumps({"keys": entries}))


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("credentials")


@pytest.fixture(scope="module")
def service(directory: Path) -> Iterator[Service]:
    write_keys(directory / "keys", KEYS)
    with running_service(
        api_keys=str(directory / "keys"), audit=str(directory / "audit")
    ) as running:
        yield running


def details(error: grpc.RpcError) -> list[str]:
    assert isinstance(error, grpc.Call)
    (packed,) = (v for k, v in error.trailing_metadata() if k == "grpc-status-details-bin")
    return [d.type_url.rpartition(".")[2] for d in status_pb2.Status.FromString(packed).details]


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def test_a_key_opens_its_own_tenants_spaces(service: Service) -> None:
    with Furler.connect(service.address, token="acme-all") as acme:  # noqa: S106 - a test's key
        view = acme.compress(LOG)
        assert acme.retrieve(view.ref).text == LOG
    with Furler.connect(service.address, token="globex") as globex:  # noqa: S106 - a test's key
        assert globex.compress(LOG).ref != view.ref


@pytest.mark.parametrize("token", [None, "wrong", "acme-all "[:-1] + "x"])
def test_every_other_credential_gets_one_answer(service: Service, token: str | None) -> None:
    with (
        Furler.connect(service.address, token=token) as client,
        pytest.raises(CredentialInvalidError) as raised,
    ):
        client.compress(LOG)
    assert (raised.value.message, dict(raised.value.metadata)) == (
        "a valid credential is required",
        {},
    )


@pytest.mark.parametrize("header", ["acme-all", "Basic acme-all", "Bearer", "bearer  ", ""])
def test_a_header_that_is_no_bearer_token_is_none(service: Service, header: str) -> None:
    request = content_service_pb2.RetrieveRequest(ref="a" * 16)
    with pytest.raises(grpc.RpcError) as raised:
        service.contents.Retrieve(request, metadata=(("authorization", header),))
    assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert details(raised.value) == ["ErrorInfo"]


def test_a_space_outside_the_credential_is_denied_before_anything_is_looked_up(
    service: Service,
) -> None:
    with Furler.connect(service.address, token="acme-build") as build:  # noqa: S106 - a test's key
        assert build.compress(LOG, space="build-7").ref
        for space in ("default", "builds", "other"):
            with pytest.raises(SpaceDeniedError) as raised:
                build.compress(LOG, space=space)
            assert dict(raised.value.metadata) == {"space": space}


def test_deleting_wants_the_role_for_it(service: Service) -> None:
    request = content_service_pb2.DeleteContentRequest(ref="a" * 16)
    service.contents.DeleteContent(request, metadata=bearer("acme-all"))
    with pytest.raises(grpc.RpcError) as raised:
        service.contents.DeleteContent(request, metadata=bearer("globex"))
    assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_over_a_rate_the_answer_says_when_to_come_back(service: Service) -> None:
    request = content_service_pb2.FindMissingRequest()
    service.contents.FindMissing(request, metadata=bearer("slow"))
    with pytest.raises(grpc.RpcError) as raised:
        service.contents.FindMissing(request, metadata=bearer("slow"))
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details(raised.value) == ["ErrorInfo", "QuotaFailure", "RetryInfo"]
    with (
        Furler.connect(service.address, token="slow", timeout=1) as client,  # noqa: S106 - a test's key
        pytest.raises(QuotaExceededError) as limited,
    ):
        client.compress(LOG)
    assert dict(limited.value.metadata) == {"quota": "requests_per_second", "limit": "0.01"}
    assert limited.value.retry_after is not None
    assert limited.value.retry_after > 60


def test_who_has_to_wait_is_refused_unread_and_may_still_ask_who_it_is(service: Service) -> None:
    request = compressor_service_pb2.CompressRequest(
        content=content_pb2.Content(inline=b"x" * 10_000)
    )
    call = service.channel.unary_unary(
        "/furler.v1.CompressorService/Compress",
        request_serializer=None,
        response_deserializer=None,
    )
    for _ in range(2):
        with suppress(grpc.RpcError):
            call(request.SerializeToString(), metadata=bearer("brief"))
    with pytest.raises(grpc.RpcError) as raised:
        call(b"no message", metadata=bearer("brief"))
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    identity = service.info.GetIdentity(
        info_service_pb2.GetIdentityRequest(), metadata=bearer("brief")
    )
    assert identity.tenant == "brief"


def test_a_batch_counts_as_its_items_and_a_stream_by_its_bytes(service: Service) -> None:
    item = content_pb2.Content(inline=b"x" * 100)
    batch = compressor_service_pb2.BatchCompressRequest(contents=[item] * 3)
    chunk = compressor_service_pb2.StreamCompressRequest(chunk=b"x" * 1000)
    header = compressor_service_pb2.StreamCompressRequest(
        header=compressor_service_pb2.StreamCompressHeader()
    )
    service.compressor.BatchCompress(batch, metadata=bearer("narrow"))
    with pytest.raises(grpc.RpcError) as raised:
        list(
            service.compressor.StreamCompress(
                iter([header, chunk, chunk]), metadata=bearer("narrow")
            )
        )
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_every_attempt_to_read_or_delete_is_in_the_audit_trail(
    service: Service, directory: Path
) -> None:
    metadata = (*bearer("acme-all"), ("furler-agent", "coder-3"))
    content = content_pb2.Content(inline=LOG.encode())
    compress = compressor_service_pb2.CompressRequest(space="audited", content=content)
    ref = service.compressor.Compress(compress, metadata=metadata).view.ref
    lines = content_pb2.Selector(lines=content_pb2.LineRange(first=1, last=2))
    retrieve = content_service_pb2.RetrieveRequest(space="audited", ref=ref, selector=lines)
    with Furler.connect(service.address, token="acme-all", agent="coder-3") as client:  # noqa: S106 - a test's key
        assert client.retrieve(ref, lines="1-2", space="audited").text in LOG
    read = content_service_pb2.ReadContentRequest(space="audited", ref=ref)
    list(service.contents.ReadContent(read, metadata=metadata))
    with pytest.raises(grpc.RpcError):
        service.contents.Retrieve(retrieve, metadata=bearer("globex"))
    delete = content_service_pb2.DeleteContentRequest(space="audited", ref=ref)
    service.contents.DeleteContent(delete, metadata=metadata)
    text = (directory / "audit").read_text()
    entries = [
        entry for line in text.splitlines() if (entry := json.loads(line))["space"] == "audited"
    ]
    assert {entry["ref"] for entry in entries} == {ref}
    columns = ("operation", "tenant", "credential", "agent", "selector", "bytes", "outcome")
    size = len("".join(LOG.splitlines(keepends=True)[:2]))
    assert [tuple(entry[column] for column in columns) for entry in entries] == [
        ("retrieve", "acme", "acme-all", "coder-3", "lines", size, "ok"),
        ("read", "acme", "acme-all", "coder-3", "", len(LOG.encode()), "ok"),
        ("retrieve", "globex", "globex", "", "lines", 0, "content_not_found"),
        ("delete", "acme", "acme-all", "coder-3", "", 0, "ok"),
    ]
    assert "FATAL" not in text


def test_a_key_that_was_taken_away_opens_nothing_within_seconds(
    service: Service, directory: Path
) -> None:
    write_keys(directory / "keys", {**KEYS, "fresh": {"tenant": "fresh"}})
    request = content_service_pb2.FindMissingRequest()

    def code_of(token: str) -> grpc.StatusCode:
        try:
            service.contents.FindMissing(request, metadata=bearer(token))
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    eventually(lambda: code_of("fresh") is grpc.StatusCode.OK or None, "the new key opens")
    write_keys(directory / "keys", KEYS)
    eventually(
        lambda: code_of("fresh") is grpc.StatusCode.UNAUTHENTICATED or None, "it opens no more"
    )


# TLS


def test_a_server_with_a_certificate_is_reached_by_tls_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("server")
    with running_service(
        tls_cert_file=str(pair.certificate), tls_key_file=str(pair.key)
    ) as service:
        with Furler.connect(service.address, tls=Tls(ca=authority.file)) as client:
            view = client.compress(LOG)
            assert client.retrieve(view.ref).text == LOG
        stranger = Authority(tmp_path, "stranger")
        for tls in (False, Tls(ca=stranger.file)):
            with (
                Furler.connect(service.address, tls=tls, timeout=2) as client,
                pytest.raises(UnavailableError),
            ):
                client.compress(LOG)


def test_behind_tls_health_is_answered_in_the_clear_on_its_own_port_and_nothing_else_is(
    tmp_path: Path,
) -> None:
    pair = Authority(tmp_path).issue("server")
    probed = f"127.0.0.1:{free_ports(1)[0]}"
    with (
        running_service(
            health_listen=probed,
            tls_cert_file=str(pair.certificate),
            tls_key_file=str(pair.key),
        ),
        grpc.insecure_channel(probed) as channel,
    ):
        answer = health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(), timeout=10
        )
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as refused:
            info_service_pb2_grpc.InfoServiceStub(channel).GetCapabilities(
                info_service_pb2.GetCapabilitiesRequest(), timeout=10
            )
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_with_mutual_tls_a_client_needs_a_certificate_of_ours(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    server, ours, theirs = (
        authority.issue("server"),
        authority.issue("client"),
        stranger.issue("intruder"),
    )
    with running_service(
        tls_cert_file=str(server.certificate),
        tls_key_file=str(server.key),
        tls_client_ca_file=str(authority.file),
    ) as service:

        def tls(certificate: Path | None, key: Path | None) -> Tls:
            return Tls(ca=authority.file, certificate=certificate, key=key)

        with Furler.connect(service.address, tls=tls(ours.certificate, ours.key)) as client:
            assert client.compress(LOG).ref
        for pair in (tls(None, None), tls(theirs.certificate, theirs.key)):
            with (
                Furler.connect(service.address, tls=pair, timeout=2) as client,
                pytest.raises(UnavailableError),
            ):
                client.compress(LOG)


def test_a_renewed_certificate_is_used_without_a_restart(tmp_path: Path) -> None:
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    pair = old.issue("server")
    with running_service(
        tls_cert_file=str(pair.certificate), tls_key_file=str(pair.key)
    ) as service:
        with Furler.connect(service.address, tls=Tls(ca=old.file)) as client:
            assert client.compress(LOG).ref
        new.issue("server")
        with Furler.connect(service.address, tls=Tls(ca=new.file)) as client:
            assert client.compress(LOG).ref


# What an operator is told


def test_a_service_says_what_is_wrong_with_its_store_and_serves(tmp_path: Path) -> None:
    with (
        servers.valkey("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru") as store,
        (tmp_path / "log").open("w") as log,
        running_service(store.url, stderr=log) as service,
    ):
        assert service.compress(LOG).ref
        eventually(
            lambda: "maxmemory-policy noeviction" in (tmp_path / "log").read_text() or None,
            "the service warns of a store that evicts",
        )
