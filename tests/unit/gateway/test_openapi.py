"""The OpenAPI document is what proto/ generates, and says what is served."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import cast

import pytest

from furler_gateway.methods import ROWS

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "services/gateway/src/furler_gateway/openapi.json"

Schemas = dict[str, dict[str, dict[str, dict[str, object]]]]


def _generated() -> str:
    spec = importlib.util.spec_from_file_location(
        "generate_openapi", ROOT / "tools/generate_openapi.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    text: str = module.generate()
    return text


@pytest.fixture(scope="module")
def document() -> dict[str, object]:
    value: dict[str, object] = json.loads(DOCUMENT.read_text())
    return value


def test_the_checked_in_document_is_what_the_protos_generate() -> None:
    assert DOCUMENT.read_text() == _generated(), "openapi.json is stale: run make proto"


def test_every_rpc_that_is_served_is_described(document: dict[str, object]) -> None:
    served = {path for path, row in ROWS.items() if not row.client_streams}
    described = cast("dict[str, object]", document["paths"])
    assert served == {path for path in described if path.startswith("/furler.v1.")}


def test_every_reference_leads_somewhere(document: dict[str, object]) -> None:
    components = cast("Schemas", document["components"])
    text = json.dumps(document)
    wanted = {part.partition('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert wanted <= set(components["schemas"])


def test_comments_of_the_protos_are_its_descriptions(document: dict[str, object]) -> None:
    components = cast("Schemas", document["components"])
    field = components["schemas"]["RetrieveRequest"]["properties"]["ref"]
    assert field == {"description": "Reference from a view.", "type": "string"}
