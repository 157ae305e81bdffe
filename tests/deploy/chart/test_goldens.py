"""What each feature of the chart changes, as a person reviewed it.

The default is kept whole; every other feature as its difference from the default. `make chart`
writes them again.
"""

from __future__ import annotations

import difflib
import os
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from deploy.chart.conftest import Renders
from support.helm import FEATURES, Release

GOLDENS = Path(__file__).parent / "goldens"
NAMES = [path.name.removesuffix("-values.yaml") for path in FEATURES]


def whole(release: Release) -> str:
    """Return the objects as YAML; of files that are kept elsewhere, too, the names alone."""
    objects = deepcopy(release.objects)
    for found in objects:
        if found["kind"] == "PrometheusRule":
            found["spec"] = "files/rules.yaml"
        elif found["kind"] == "ConfigMap" and "dashboard" in str(found["metadata"]):
            assert isinstance(found["data"], dict)
            found["data"] = dict.fromkeys(found["data"], "files/dashboards")
        elif found["kind"] == "Pod":
            found["spec"]["containers"][0]["args"] = ["files/roundtrip.py"]  # type: ignore[index]
    objects.sort(key=lambda o: (str(o["kind"]), str(o["metadata"]["name"])))  # type: ignore[index]
    return yaml.safe_dump_all(objects, sort_keys=True, width=120, allow_unicode=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_feature_changes_what_was_reviewed_and_nothing_else(name: str, renders: Renders) -> None:
    default = whole(renders.of("default"))
    text = default
    if name != "default":
        lines = difflib.unified_diff(
            default.splitlines(keepends=True),
            whole(renders.of(name)).splitlines(keepends=True),
            "default",
            name,
        )
        text = "".join(lines)
    golden = GOLDENS / f"{name}.{'yaml' if name == 'default' else 'diff'}"
    if os.environ.get("FURLER_WRITE_GOLDENS"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert golden.read_text() == text


def test_there_is_a_golden_for_every_feature_and_none_for_another() -> None:
    assert sorted(path.stem for path in GOLDENS.iterdir()) == sorted(NAMES)
