"""What the chart gives the programs, they take: every rendered variable goes through their --check."""

# mypy: disable-error-code="index,attr-defined"
# Objects have YAML's own shape here: a path that is not there fails the test by itself.
from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.chart.conftest import Renders
from support.certificates import Authority
from support.helm import FEATURES
from support.kube_api import Json

NAMES = [path.name.removesuffix("-values.yaml") for path in FEATURES]
MODULES = {"compressor": "furler_compressor.main", "gateway": "furler_gateway.main"}
KEY = "k" * 40
API_KEYS = f'[[keys]]\nid = "ci"\nsha256 = "{"0" * 64}"\ntenant = "acme"\n'


@pytest.fixture(scope="module")
def mounted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with what the chart mounts at /etc/furler."""
    root = tmp_path_factory.mktemp("etc")
    authority = Authority(root)
    pair = authority.issue("server")
    for place in ("tls", "redis", "triton", "gateway"):
        (root / place).mkdir()
        (root / place / "ca.crt").write_bytes(authority.file.read_bytes())
        (root / place / "tls.crt").write_bytes(pair.certificate.read_bytes())
        (root / place / "tls.key").write_bytes(pair.key.read_bytes())
    (root / "jwt-ca").mkdir()
    (root / "jwt-ca/bundle.pem").write_bytes(authority.file.read_bytes())
    for file, text in {
        "api-keys/api-keys.toml": API_KEYS,
        "keyring/keyring": f"first:{base64.b64encode(bytes(32)).decode()}\n",
        "edge/edge-keys": f"first:{base64.b64encode(bytes(32)).decode()}\n",
        "policy/policy.yaml": "version: 1\nrevision: first\n",
        "prices/prices.yaml": "currency: USD\nas_of: 2026-11-20\nmodels: {large: {input: 4.0, cached_input: 0.4}}\n",
    }.items():
        (root / file).parent.mkdir()
        (root / file).write_text(text)
    return root


def variables(container: Json, mounted: Path) -> dict[str, str]:
    """Return a container's variables, with secrets and files of this test put in."""
    given = {}
    mounts = {str(m["mountPath"]) for m in container.get("volumeMounts", [])}
    for entry in container["env"]:
        value = str(entry.get("value", KEY))
        if value.startswith("/etc/furler/"):
            assert value.rpartition("/")[0] in mounts, f"{entry['name']}: nothing is mounted there"
            value = value.replace("/etc/furler", str(mounted))
        given[entry["name"]] = value
    return given


@pytest.mark.parametrize("name", NAMES)
def test_the_programs_accept_every_variable_that_the_chart_sets(
    name: str, renders: Renders, mounted: Path
) -> None:
    checked = set()
    for found in renders.of(name).objects:
        if found["kind"] != "Deployment":
            continue
        spec = found["spec"]["template"]["spec"]
        for container in spec["containers"]:
            module = MODULES.get(container["name"])
            if module is None:
                continue
            done = subprocess.run(
                [sys.executable, "-m", module, "--check"],
                env={"PATH": os.environ["PATH"], **variables(container, mounted)},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert (done.returncode, done.stderr) == (0, ""), container["name"]
            assert done.stdout == "configuration is valid\n"
            checked.add(container["name"])
    assert checked == ({"compressor"} if name == "grpc-only" else set(MODULES))


def test_a_setting_that_no_program_knows_would_be_found(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "furler_compressor.main", "--check", "--store", str(tmp_path)],
        env={"PATH": os.environ["PATH"], "FURLER_ENGINE_PROCESS": "2"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "unknown setting: FURLER_ENGINE_PROCESS" in done.stderr
