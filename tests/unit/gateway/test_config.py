"""Settings are checked before anything listens."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from furler_gateway import main, telemetry
from furler_gateway.config import Settings, address


@pytest.mark.parametrize(
    "given",
    [
        {"listen": "8787"},
        {"listen": "127.0.0.1:99999"},
        {"operate_listen": "x"},
        {"compressor": ""},
        {"max_body_bytes": 0},
        {"max_body_bytes": 2, "max_buffered_bytes": 1},
        {"compressor_ca": "ca.pem"},
        {"compressor_tls": True, "compressor_certificate": "c.pem"},
        {"trace_share": 2},
    ],
)
def test_what_cannot_work_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(given)


def test_lists_are_comma_separated_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FURLER_GATEWAY_CORS_ORIGINS", "https://a.example, https://b.example")
    assert Settings().cors_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    ("listen", "expected"), [("127.0.0.1:1", ("127.0.0.1", 1)), ("[::1]:80", ("::1", 80))]
)
def test_addresses_are_read(listen: str, expected: tuple[str, int]) -> None:
    assert address(listen) == expected


def test_check_says_whether_the_settings_are_valid(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(telemetry, "configure_logs", lambda: None)
    assert main.main(["--check"]) == 0
    assert capsys.readouterr().out == "configuration is valid\n"
    assert main.main(["--check", "--listen", "nowhere"]) == 2


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_check_fails_on_a_file_of_no_authorities(
    content: bytes | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(telemetry, "configure_logs", lambda: None)
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("FURLER_GATEWAY_UPSTREAM_CA", str(file))
    assert main.main(["--check"]) == 2
    assert "upstream_ca: it holds no authorities" in caplog.text
    monkeypatch.setenv("FURLER_GATEWAY_PROXY", "false")  # nobody asks for it
    assert main.main(["--check"]) == 0


def test_check_fails_on_a_variable_that_names_no_setting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(telemetry, "configure_logs", lambda: None)
    monkeypatch.setenv("FURLER_GATEWAY_MAX_BODY", "1")
    assert main.main(["--check"]) == 2
    assert [record.message for record in caplog.records] == [
        "unknown setting: FURLER_GATEWAY_MAX_BODY"
    ]
