"""docker-compose.yml: valid, bounded, bound to loopback; its files agree with it."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic_settings import BaseSettings

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = ROOT / "docker-compose.yml"
TOOL = runpy.run_path(str(ROOT / "tools/generate_compose_env.py"))
PROGRAMS: dict[str, type[BaseSettings]] = TOOL["PROGRAMS"]
SETTINGS: dict[Path, str] = TOOL["documents"]()
PROFILES = {
    "": {"redis", "compressor", "gateway"},
    "gpu": {"triton"},
    "observability": {"collector", "traces", "prometheus", "grafana"},
    "cluster": {
        "redis-1", "redis-2", "redis-3", "redis-cluster",
        "compressor-1", "compressor-2", "compressor-3", "gateway-of-cluster",
    },
}  # fmt: skip
# Its image has no shell, no client of its own port and no check built in.
NO_HEALTH_CHECK = {"collector", "traces"}


def services() -> dict[str, dict[str, object]]:
    loaded = yaml.safe_load(COMPOSE.read_text())["services"]
    assert isinstance(loaded, dict)
    return loaded


def versions() -> dict[str, str]:
    lines = (
        line for line in (ROOT / ".env").read_text().splitlines() if "=" in line and line[0] != "#"
    )
    return dict(line.split("=", 1) for line in lines)


def test_the_profiles_have_the_services_that_the_head_of_the_file_names() -> None:
    found: dict[str, set[str]] = {}
    for name, service in services().items():
        for profile in service.get("profiles", [""]):  # type: ignore[attr-defined]
            found.setdefault(profile, set()).add(name)
    assert found == PROFILES


@pytest.mark.parametrize("name", sorted(services()))
def test_a_service_is_bounded_confined_and_reached_through_loopback_alone(name: str) -> None:
    service = services()[name]
    assert re.fullmatch(r"\d+[mg]", str(service["mem_limit"]))
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    for port in service.get("ports", []):  # type: ignore[attr-defined]
        assert str(port).startswith("127.0.0.1:"), port
    assert ("healthcheck" in service) == (name not in NO_HEALTH_CHECK)


@pytest.mark.parametrize("name", sorted(services()))
def test_a_service_waits_for_the_health_of_what_it_needs(name: str) -> None:
    needed = services()[name].get("depends_on", {})
    assert isinstance(needed, dict)
    for other, how in needed.items():
        wanted = "service_started" if other in NO_HEALTH_CHECK else "service_healthy"
        assert how == {"condition": wanted}, other


@pytest.mark.parametrize("name", sorted(services()))
def test_an_image_has_a_version_of_ours_or_of_env(name: str) -> None:
    image = str(services()[name]["image"])
    variables = re.findall(r"\$\{(\w+)\}", image)
    assert len(variables) == 1
    assert set(variables) <= set(versions())


def test_every_version_of_env_is_used() -> None:
    text = COMPOSE.read_text()
    assert [name for name in versions() if f"${{{name}}}" not in text] == []


def test_what_is_mounted_from_the_repository_is_there() -> None:
    for name, service in services().items():
        for mount in service.get("volumes", []):  # type: ignore[attr-defined]
            source = str(mount).partition(":")[0]
            if source.startswith("."):
                assert (ROOT / source).exists(), f"{name}: {source}"
                assert str(mount).endswith(":ro"), f"{name}: {source}"


def test_ports_of_probes_and_scrapes_are_those_that_the_images_open() -> None:
    scraped = yaml.safe_load((ROOT / "deploy/compose/prometheus.yaml").read_text())
    by_name = {
        host: config["dns_sd_configs"][0]["port"]
        for config in scraped["scrape_configs"]
        for host in config["dns_sd_configs"][0]["names"]
    }
    metrics = str(services()["compressor"]["environment"]["FURLER_METRICS_LISTEN"])  # type: ignore[index]
    assert by_name["compressor"] == int(metrics.rpartition(":")[2])
    assert (
        "FURLER_GATEWAY_OPERATE_LISTEN=0.0.0.0:8788"
        in (ROOT / "services/gateway/Dockerfile").read_text()
    )
    assert by_name["gateway"] == 8788


def test_compose_has_the_shape_of_its_specification() -> None:
    pytest.importorskip("check_jsonschema", reason="installed by make compose-test")
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_docker_compose_reads_it(profile: str) -> None:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("docker-compose is not installed (Debian: apt-get install docker-compose)")
    chosen = ["--profile", profile] if profile else []
    done = subprocess.run(
        [program, *chosen, "config", "--services"], cwd=ROOT, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert PROFILES[profile] <= set(done.stdout.split())


def test_prometheus_takes_its_file_and_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    done = subprocess.run(
        [promtool, "check", "config", "--syntax-only", str(ROOT / "deploy/compose/prometheus.yaml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_grafana_finds_its_data_by_the_names_that_the_dashboards_use() -> None:
    sources = yaml.safe_load(
        (ROOT / "deploy/compose/grafana/datasources/datasources.yaml").read_text()
    )
    assert [s["type"] for s in sources["datasources"] if s.get("isDefault")] == ["prometheus"]
    dashboards = sorted((ROOT / "deploy/observability/grafana").glob("*.json"))
    assert len(dashboards) >= 3
    for dashboard in dashboards:
        assert json.loads(dashboard.read_text())["title"]


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("compressor", "furler_compressor.main"),
        ("compressor-1", "furler_compressor.main"),
        ("gateway", "furler_gateway.main"),
        ("gateway-of-cluster", "furler_gateway.main"),
    ],
)
def test_the_programs_accept_every_variable_of_compose_and_of_their_images(
    name: str, module: str
) -> None:
    service = services()[name]
    dockerfile = (ROOT / str(service["build"]["dockerfile"])).read_text()  # type: ignore[index]
    image = dict(re.findall(r"\b(FURLER_\w+)=(\S+)", dockerfile))
    given = {
        key: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value))
        for key, value in service["environment"].items()  # type: ignore[attr-defined]
    }
    assert image
    done = subprocess.run(
        [sys.executable, "-m", module, "--check"],
        env={"PATH": "/usr/bin:/bin", **image, **given},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "configuration is valid\n", "")


def test_every_setting_of_the_programs_can_be_set() -> None:
    for path, text in SETTINGS.items():
        assert path.read_text(encoding="utf-8") == text, "run `make docs`"
        program = path.stem
        names = set(re.findall(r"^#(FURLER_\w+)=", text, re.MULTILINE))
        service = services()[program]
        assert service["env_file"] == [f"deploy/compose/{path.name}"]
        dockerfile = (ROOT / f"services/{program}/Dockerfile").read_text()
        fixed = {*service["environment"], *re.findall(r"\b(FURLER_\w+)=", dockerfile)}  # type: ignore[misc]
        prefix = PROGRAMS[program].model_config.get("env_prefix", "")
        every = {prefix + name.upper() for name in PROGRAMS[program].model_fields}
        assert names | fixed == every
        assert names & fixed == set()


@pytest.mark.parametrize("program", PROGRAMS)
def test_settings_as_they_are_written_for_compose_are_the_defaults(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = next(text for path, text in SETTINGS.items() if path.stem == program)
    written = dict(re.findall(r"^#(FURLER_\w+)=(.*)$", text, re.MULTILINE))
    default = PROGRAMS[program]()
    for name, value in written.items():
        monkeypatch.setenv(name, value)
    assert PROGRAMS[program]() == default
