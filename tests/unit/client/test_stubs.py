"""The checked-in stubs are what proto/ generates."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]
STUBS = ROOT / "clients" / "python" / "src" / "furler" / "v1"


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "generate_stubs", ROOT / "tools/generate_stubs.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("stubs")
    _generator().generate(target)
    return target / "furler" / "v1"


def test_the_checked_in_stubs_are_what_the_protos_generate(generated: Path) -> None:
    expected = {path.name: path.read_text() for path in generated.iterdir()}
    actual = {path.name: path.read_text() for path in STUBS.glob("*_pb2*.py*")}
    assert sorted(expected) == sorted(actual)
    for name, text in expected.items():
        assert text == actual[name], f"{name} is stale: run make proto"


def test_stubs_need_no_newer_protobuf_than_the_client_declares(generated: Path) -> None:
    text = (generated / "content_pb2.py").read_text()
    assert "# Protobuf Python Version: 6.30.0\n" in text


def test_stubs_import_each_other_through_the_package(generated: Path) -> None:
    text = (generated / "compressor_service_pb2.py").read_text()
    assert "from furler.v1 import content_pb2" in text
