"""The images, run without an engine: what a container would see and do, and what it may not.

One rehearsal (tools/rehearse_compose.py) serves all tests here; it takes about a minute.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SERVICES = ["redis", "compressor", "gateway"]
CANNOT = 75


@pytest.fixture(scope="module")
def report() -> dict[str, object]:
    pytest.importorskip("dockerfile_parse", reason="installed by make compose-test")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/rehearse_compose.py")],
        capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    if done.returncode == CANNOT:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert isinstance(told, dict)
    return told


def step(report: dict[str, object], number: int) -> dict[str, object]:
    steps = report["steps"]
    assert isinstance(steps, list), report
    found = steps[number]
    assert isinstance(found, dict)
    return found


def test_every_service_of_the_default_profile_becomes_healthy_in_a_network_without_a_way_out(
    report: dict[str, object],
) -> None:
    assert report["ready"] == [{"name": name, "healthy": True} for name in SERVICES], report["logs"]


def test_what_helm_test_runs_compresses_and_retrieves_by_grpc_and_http(
    report: dict[str, object],
) -> None:
    done = step(report, 0)
    assert done["status"] == 0, done["output"]
    lines = str(done["output"]).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["gRPC", "HTTP"]
    assert all(line.endswith("every byte came back") for line in lines)


def test_the_root_cannot_be_written(report: dict[str, object]) -> None:
    done = step(report, 1)
    assert "Read-only file system" in str(done["output"])


def test_the_process_is_nobody_in_particular_and_finds_no_shell_and_no_installer(
    report: dict[str, object],
) -> None:
    user, group, programs = str(step(report, 2)["output"]).split(" ", 2)
    assert (user, group) == ("65532", "65532")
    assert ast.literal_eval(programs) == ["python3", "python3.11"]


def test_the_gateways_image_has_no_engine(report: dict[str, object]) -> None:
    assert "No module named 'furler_engine'" in str(step(report, 3)["output"])


def test_the_model_for_prose_serves_and_every_grammar_and_vocabulary_is_there(
    report: dict[str, object],
) -> None:
    checks = {c["name"]: c for c in json.loads(str(step(report, 4)["output"]))["checks"]}
    for name in ("engine", "tokenizers", "grammars", "server compressor:50051", "model"):
        assert checks[name]["state"] == "ok", checks[name]


def test_a_stop_ends_every_service_by_itself(report: dict[str, object]) -> None:
    assert report["exits"] == dict.fromkeys(SERVICES, 0)


def test_the_installed_files_stay_within_their_budgets(report: dict[str, object]) -> None:
    sizes = report["sizes_mb"]
    assert isinstance(sizes, dict)
    assert sizes["compressor"] <= 350
    assert sizes["gateway"] <= 120


@pytest.mark.parametrize("image", ["compressor", "gateway"])
def test_the_bill_of_materials_is_cyclonedx_and_names_what_is_pinned(
    image: str, report: dict[str, object]
) -> None:
    validation = pytest.importorskip("cyclonedx.validation.json")
    schema = pytest.importorskip("cyclonedx.schema")
    bills = report["bills"]
    assert isinstance(bills, dict)
    bill = bills[image]
    assert (
        validation.JsonStrictValidator(schema.SchemaVersion.V1_6).validate_str(json.dumps(bill))
        is None
    )
    listed = {
        c["name"].lower().replace("_", "-"): c["version"]
        for c in bill["components"]
        if "version" in c
    }
    ours = {"furler", f"furler-{image}"} | ({"furler-kompress"} if image == "compressor" else set())
    locked = dict(
        line.split(" ")[0].split("==")
        for line in (ROOT / f"requirements/{image}.txt").read_text().splitlines()
        if "==" in line and not line.startswith(" ")
    )
    assert {name: version for name, version in listed.items() if name not in ours} == locked
    assert ours <= set(listed)


def test_the_compressors_bill_names_vocabularies_grammars_and_the_model(
    report: dict[str, object],
) -> None:
    bills = report["bills"]
    assert isinstance(bills, dict)
    kinds = [
        Path(c["name"]).name.split(".", 1)[1]
        for c in bills["compressor"]["components"]
        if c["type"] != "library"
    ]
    assert {"tiktoken.gz", "abi3.so", "onnx"} <= set(kinds)


def test_the_model_servers_image_gets_a_whole_repository(report: dict[str, object]) -> None:
    assert report["models"] == [
        "/models/kompress/1/model.int8.onnx",
        "/models/kompress/config.pbtxt",
        "/models/kompress/configs/cpu.pbtxt",
    ]
