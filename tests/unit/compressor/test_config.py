"""Settings that do not go together are refused with their names; secrets are repeated nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

import redis_fleets
from furler_compressor.adapters.onnx_model import OnnxModel
from furler_compressor.adapters.triton_model import TritonModel
from furler_compressor.app.model_port import Model, NoModel
from furler_compressor.assemble import backend, prose_model, redis_access
from furler_compressor.config import Settings, unknown_settings
from furler_compressor.main import main

SECRET = "hunter2hunter2hunter2hunter2hunter2"  # noqa: S105 - a test's


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"master_key": "short"}, "FURLER_MASTER_KEY"),
        ({"tls_cert_file": "cert"}, "FURLER_TLS_CERT_FILE and FURLER_TLS_KEY_FILE"),
        ({"tls_key_file": "key"}, "FURLER_TLS_CERT_FILE and FURLER_TLS_KEY_FILE"),
        ({"tls_client_ca_file": "ca"}, "FURLER_TLS_CLIENT_CA_FILE"),
        ({"jwks": "file"}, "FURLER_JWT_ISSUER and FURLER_JWT_AUDIENCE"),
        ({"jwks": "file", "jwt_issuer": "x"}, "FURLER_JWT_ISSUER and FURLER_JWT_AUDIENCE"),
        ({"jwt_issuer": "https://x"}, "FURLER_JWT_ISSUER and FURLER_JWT_AUDIENCE: want both"),
        ({"jwt_audience": "x"}, "FURLER_JWT_ISSUER and FURLER_JWT_AUDIENCE: want both"),
        ({"metrics_listen": "9464"}, "FURLER_METRICS_LISTEN: want HOST:PORT"),
        ({"metrics_listen": "0.0.0.0:65535", "workers": 2}, "FURLER_METRICS_LISTEN"),
        ({"redis_key_file": "key"}, "FURLER_REDIS_CERT_FILE and FURLER_REDIS_KEY_FILE"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(given: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Settings.model_validate(given).check()


def test_the_defaults_and_a_full_set_go_together() -> None:
    Settings().check()
    Settings(
        tls_cert_file="c",
        tls_key_file="k",
        tls_client_ca_file="a",
        jwks="file",
        jwt_issuer="i",
        jwt_audience="a",
        master_key=SECRET,
    ).check()


def test_no_secret_is_in_a_setting_that_is_printed() -> None:
    settings = Settings(
        master_key=SECRET, redis_password=SECRET, redis_sentinel_password=SECRET, store="memory:"
    )
    assert SECRET not in repr(settings)
    assert SECRET not in repr(redis_access(settings))
    with pytest.raises(ValidationError) as raised:
        Settings.model_validate({"workers": SECRET})
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ({}, ""),
        ({"audit": "stderr"}, "stderr"),
        ({"audit": "off", "api_keys": "file"}, ""),
        ({"api_keys": "file"}, "stderr"),
        ({"jwks": "file"}, "stderr"),
        ({"audit": "/var/log/furler.jsonl", "api_keys": "file"}, "/var/log/furler.jsonl"),
    ],
)
def test_the_audit_trail_is_on_where_credentials_are_asked_for(
    given: dict[str, str], target: str
) -> None:
    assert Settings.model_validate(given).audit_target() == target


def test_every_kind_of_store_can_be_configured() -> None:
    for url in ("memory:", "redis://h", "redis+cluster://a,b", "redis+sentinel://a/main/0"):
        backend(Settings(store=url))


def test_the_access_list_that_is_documented_is_the_one_that_is_tested() -> None:
    page = Path(__file__).resolve().parents[3] / "docs/threat-model.md"
    assert redis_fleets.ACL in page.read_text()


def test_variables_that_name_no_setting_are_found_and_those_of_other_parts_are_not() -> None:
    environment = {
        "FURLER_MASTER_KEY": SECRET,
        "FURLER_MASTERKEY": SECRET,
        "furler_stroe": "memory:",
        "FURLER_GATEWAY_LISTEN": "127.0.0.1:8787",
        "FURLER_SERVER": "127.0.0.1:50051",
        "FURLER_TOKEN": SECRET,
        "HOME": "/",
    }
    assert unknown_settings(environment) == ["FURLER_MASTERKEY", "furler_stroe"]


def test_check_fails_on_a_variable_that_names_no_setting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FURLER_STORE", "memory:")
    assert main(["--check"]) == 0
    monkeypatch.setenv("FURLER_MASTERKEY", SECRET)
    assert main(["--check"]) == 2
    assert [record.message for record in caplog.records] == ["unknown setting: FURLER_MASTERKEY"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model": "triton"}, "FURLER_MODEL: triton wants FURLER_TRITON_URLS"),
        ({"triton_cert_file": "cert"}, "FURLER_TRITON_KEY_FILE: want both or neither"),
    ],
)
def test_settings_of_triton_that_do_not_go_together_are_refused(
    given: dict[str, str], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Settings.model_validate(given).check()


@pytest.mark.parametrize(
    ("given", "answers"),
    [
        ({"model": "none"}, NoModel),
        ({"model": "onnx"}, OnnxModel),
        ({"model": "triton", "triton_urls": "a"}, TritonModel),
        ({"model": "auto", "triton_urls": "grpcs://a,b:9000"}, TritonModel),
    ],
)
def test_what_judges_prose_is_what_is_configured(
    given: dict[str, str], answers: type[Model]
) -> None:
    assert type(prose_model(Settings.model_validate(given))) is answers


def test_addresses_that_are_none_and_certificates_that_are_not_there_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FURLER_STORE", "memory:")
    monkeypatch.setenv("FURLER_TRITON_URLS", "http://triton:8000")
    assert main(["--check"]) == 2
    monkeypatch.setenv("FURLER_TRITON_URLS", "grpcs://triton")
    monkeypatch.setenv("FURLER_TRITON_CA_FILE", "/nowhere/ca.pem")
    assert main(["--check"]) == 2
    first, second = (record.message for record in caplog.records)
    assert "FURLER_TRITON_URLS: address 1: want the scheme" in first
    assert "/nowhere/ca.pem" in second
