"""Rules and dashboards reach the cluster as they are tested; scrapes find a port, once."""

# mypy: disable-error-code="index,attr-defined,call-overload,arg-type,union-attr"
# Objects have YAML's own shape here: a path that is not there fails the test by itself.
from __future__ import annotations

import json

import pytest
import yaml

from deploy.chart.conftest import Renders
from support.helm import CHART

OBSERVABILITY = CHART.parents[1] / "observability"


def test_the_rules_are_those_that_promtool_tests(renders: Renders) -> None:
    (rule,) = (o for o in renders.of("production").objects if o["kind"] == "PrometheusRule")
    source = yaml.safe_load((OBSERVABILITY / "prometheus/rules.yaml").read_text())
    assert rule["spec"] == source


def test_the_dashboards_are_those_that_are_shown_elsewhere(renders: Renders) -> None:
    maps = [o for o in renders.of("production").objects if o["kind"] == "ConfigMap"]
    found = {name: json.loads(text) for o in maps for name, text in o["data"].items()}
    source = {
        f"furler-{path.name}": json.loads(path.read_text())
        for path in (OBSERVABILITY / "grafana").glob("*.json")
    }
    assert found == source
    assert all(o["metadata"]["labels"]["grafana_dashboard"] == "1" for o in maps)


@pytest.mark.parametrize("feature", ["production", "model-triton"])
def test_every_scrape_finds_its_port_in_exactly_one_service(feature: str, renders: Renders) -> None:
    objects = renders.of(feature).objects
    services = [o for o in objects if o["kind"] == "Service"]
    jobs = []
    for monitor in (o for o in objects if o["kind"] == "ServiceMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        (endpoint,) = monitor["spec"]["endpoints"]
        ports = [
            port["name"]
            for service in services
            if wanted <= service["metadata"]["labels"].items()
            for port in service["spec"]["ports"]
        ]
        assert ports.count(endpoint["port"]) == 1
        jobs.append(endpoint["relabelings"][0]["replacement"])
    rest = ["furler-triton"] if feature == "model-triton" else []
    assert sorted(jobs) == ["furler-compressor", "furler-gateway", *rest]
