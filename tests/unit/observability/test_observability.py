"""Rules, dashboards, runbook and telemetry page speak of the metrics that there are."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from furler_compressor import telemetry
from furler_compressor.telemetry_export import label, prometheus_name

ROOT = Path(__file__).parents[3]
RULES = ROOT / "deploy/observability/prometheus/rules.yaml"
DASHBOARDS = sorted((ROOT / "deploy/observability/grafana").glob("*.json"))
RUNBOOK = ROOT / "docs/runbook"
# What others measure, and what Prometheus adds.
FOREIGN = re.compile(r"process_\w+|nv_inference\w*|up")
ADDED = {"le", "job", "instance"}


@cache
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "generate_telemetry_docs", ROOT / "tools/generate_telemetry_docs.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rule_expressions() -> list[str]:
    """Return the expressions of rules.yaml: one line, or the folded lines that follow."""
    found = re.findall(
        r"^ +expr: (?:>-\n((?: {10,}.*\n)+)|(.*)\n)", RULES.read_text(), re.MULTILINE
    )
    return [folded or line for folded, line in found]


def panel_expressions(dashboard: Path) -> list[str]:
    panels = json.loads(dashboard.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


def expressions() -> list[str]:
    return rule_expressions() + [e for path in DASHBOARDS for e in panel_expressions(path)]


def recorded() -> set[str]:
    return set(re.findall(r"record: (\S+)", RULES.read_text()))


def alerts() -> set[str]:
    return set(re.findall(r"alert: (\S+)", RULES.read_text()))


def metrics_of(expression: str) -> set[str]:
    """Return the metrics an expression reads."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\bby \([^)]*\)|\"[^\"]*\"", " ", expression)
    names = set(re.findall(r"[a-z_][a-z0-9_:]*\b(?!\s*\()", bare))
    words = {
        "and",
        "or",
        "offset",
        "by",
        "sum",
        "d",
        "h",
        "m",
        "s",
    }  # d, h, m, s: units of an offset
    return {
        re.sub(r"_(bucket|count|sum)$", "", n) for n in names if n not in words and "_" in n + "_"
    }


def test_the_telemetry_page_is_the_modules() -> None:
    assert (ROOT / "docs/telemetry.md").read_text() == generator().page()


@pytest.mark.parametrize("expression", expressions())
def test_an_expression_reads_metrics_that_are_measured(expression: str) -> None:
    known = generator().metric_names() | recorded()
    read = {name for name in metrics_of(expression) if not FOREIGN.fullmatch(name)}
    assert read <= known
    assert metrics_of(expression)


@pytest.mark.parametrize("expression", expressions())
def test_an_expression_filters_by_labels_that_the_metric_has(expression: str) -> None:
    labels = {
        prometheus_name(m.name, m.kind, m.unit): {label(a) for a in m.attributes}
        for m in telemetry.METRICS
    }
    for name, filters in re.findall(r"(\w+)\{([^}]*)\}", expression):
        metric = re.sub(r"_(bucket|count|sum)$", "", name)
        if metric in labels:
            used = set(re.findall(r"(\w+)(?:=|!)", filters))
            assert used <= labels[metric] | ADDED


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    pages = {path.stem for path in RUNBOOK.glob("*.md")} - {"README"}
    assert pages == alerts()
    named = set(re.findall(r"runbook_url: docs/runbook/(\w+)\.md", RULES.read_text()))
    assert named == alerts()


@pytest.mark.parametrize("path", sorted(RUNBOOK.glob("Furler*.md")), ids=lambda p: p.stem)
def test_a_page_says_what_to_look_at_and_what_to_do(path: Path) -> None:
    text = path.read_text()
    assert text.startswith(f"# {path.stem}\n")
    assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == ["Look", "Do"]
    for target in re.findall(r"\]\(([\w./-]+\.md)", text):
        assert (RUNBOOK / target).is_file(), target
    for expression in re.findall(r"`([^`]*\((?:rate|increase)\([^`]*)`", text):
        names = {n for n in metrics_of(expression) if not FOREIGN.fullmatch(n)}
        assert names <= generator().metric_names() | recorded()


def test_rules_raise_what_they_should_and_nothing_else() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool: Debian's package prometheus has it")
    tests = RULES.with_name("rules_test.yaml")
    done = subprocess.run(
        [promtool, "test", "rules", tests.name],
        cwd=tests.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case_that_raises_it() -> None:
    text = RULES.with_name("rules_test.yaml").read_text()
    raised = set(re.findall(r"alertname: (\w+)\n +exp_alerts:\n", text))
    assert raised == alerts()
