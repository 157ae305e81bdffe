"""values.yaml, its schema, its README and the templates agree; what cannot work is refused by name."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from pydantic_settings import BaseSettings

from deploy.chart.conftest import Renders
from furler_compressor.config import Settings as CompressorSettings
from furler_gateway.config import Settings as GatewaySettings
from support.helm import CHART, FEATURES, Helm, values_of
from support.kube_api import Json

ROOT = CHART.parents[2]
_SET = re.compile(r"\bname: (FURLER_\w+)")
_USE = re.compile(r"\$?\.Values((?:\.[A-Za-z0-9]+)+)")


def schema() -> Json:
    loaded = yaml.safe_load((CHART / "values.schema.json").read_text())
    assert isinstance(loaded, dict)
    return loaded


def documented() -> set[str]:
    """Return the paths of all values, as the schema has them: those made of others left out."""

    def walk(node: Json, path: str) -> list[str]:
        properties = node.get("properties")
        if not isinstance(properties, dict) or path.endswith((".settings", ".issuerRef")):
            return [path]
        return [
            leaf for name, below in properties.items() for leaf in walk(below, f"{path}.{name}")
        ]

    return {path.lstrip(".") for path in walk(schema(), "")} - {"global"}


def used() -> set[str]:
    """Return the paths that the templates name."""
    texts = (
        path.read_text() for path in sorted((CHART / "templates").rglob("*")) if path.is_file()
    )
    return {match[1].lstrip(".") for text in texts for match in _USE.finditer(text)}


def test_schema_and_readme_are_made_from_their_sources() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/chart_docs.py"), "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, ""), "run `make chart`"


@pytest.mark.parametrize(
    ("program", "settings"), [("compressor", CompressorSettings), ("gateway", GatewaySettings)]
)
def test_every_setting_of_a_program_can_be_given_by_one_value(
    program: str, settings: type[BaseSettings]
) -> None:
    prefix = settings.model_config.get("env_prefix", "")
    every = {prefix + name.upper() for name in settings.model_fields}
    offered = schema()["properties"][program]["properties"]["settings"]["properties"]  # type: ignore[index]
    by_name = {prefix + name.upper() for name in offered}
    texts = [path.read_text() for path in (CHART / "templates").glob("*.*")]
    by_template = {name for text in texts for name in _SET.findall(text)}
    readme = (CHART / "README.md").read_text()
    withheld = {
        prefix + name.upper()
        for name in re.findall(rf"^- {program}: `(\w+)`: ", readme, re.MULTILINE)
    }
    assert by_name & by_template == set()
    assert every - by_name - by_template == withheld


def test_every_value_is_used_by_a_template() -> None:
    names = used()
    # scaling.yaml goes over both programs and names their values below "$part".
    scaling = (CHART / "templates/scaling.yaml").read_text()
    for part in ("compressor", "gateway"):
        names |= {
            f"{part}{match[1]}" for match in re.finditer(r"\$part((?:\.[A-Za-z]+)+)", scaling)
        }
    helpers = (CHART / "templates/_helpers.tpl").read_text()
    for holder in (n for n in list(names) if n.endswith("image")):
        names |= {f"{holder}{match[1]}" for match in re.finditer(r"\$image(\.[A-Za-z]+)", helpers)}
    unused = {
        leaf
        for leaf in documented()
        if not any(
            leaf == n or leaf.startswith(f"{n}.")
            for n in names - {"compressor", "gateway", "image"}
        )
    }
    assert unused == set()


def test_every_value_that_a_template_names_is_documented() -> None:
    leaves = documented()
    unknown = {
        n
        for n in used()
        if n not in leaves and not any(leaf.startswith(f"{n}.") for leaf in leaves)
    }
    # Below values that are given as one.
    assert unknown - {"tls.certManager.issuerRef.name", "gateway.settings.proxy"} == set()


@pytest.mark.parametrize("path", FEATURES, ids=lambda path: path.stem)
def test_the_values_of_every_feature_fit_the_schema(path: Path) -> None:
    jsonschema.validate(values_of(path), schema())


@pytest.mark.parametrize(
    "values",
    [
        {"replicas": 2},
        {"compressor": {"replica": 2}},
        {"compressor": {"replicas": 0}},
        {"compressor": {"settings": {"engine_que": 1}}},
        {"compressor": {"settings": {"engine_queue": -1}}},
        {"compressor": {"settings": {"master_key": "in the clear"}}},
        {"gateway": {"settings": {"max_body_bytes": "32MiB"}}},
        {"redis": {"mode": "clustered"}},
        {"redis": {"addresses": ["redis://h:1"]}},
        {"model": {"mode": "auto"}},
        {"model": {"triton": {"urls": ["http://triton:8000"]}}},
        {"auth": {"jwt": {"jwks": "http://issuer.example"}}},
        {"auth": {"jwt": {"keyHosts": ["https://keys.example/"]}}},
        {"telemetry": {"traceShare": 1.5}},
        {"compressor": {"image": {"digest": "latest"}}},
    ],
)
def test_a_value_that_no_template_knows_or_no_program_takes_is_refused(values: Json) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, schema())


def test_helm_applies_the_schema(helm: Helm) -> None:
    with pytest.raises(Exception, match="replica"):
        helm.render({"compressor": {"replica": 2}})


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"redis": {"mode": "cluster"}}, "redis.addresses"),
        ({"redis": {"addresses": ["h:1"]}}, "redis.addresses"),
        ({"redis": {"tls": {"enabled": True}}}, "redis.mode"),
        ({"redis": {"mode": "standalone", "addresses": ["a:1", "b:1"]}}, "redis.addresses"),
        ({"redis": {"mode": "cluster", "addresses": ["a:1"], "database": 1}}, "redis.database"),
        ({"redis": {"mode": "standalone", "addresses": ["a:1"], "tls": {"enabled": True, "clientCertificate": True}}}, "redis.tls.clientCertificate"),
        ({"tls": {"enabled": True}}, "tls.existingSecret"),
        ({"tls": {"enabled": True, "certManager": {"enabled": True}}}, "tls.certManager.issuerRef.name"),
        ({"tls": {"mutual": True}}, "tls.mutual"),
        ({"auth": {"keyring": {"existingSecret": "k"}}}, "auth.keyring.existingSecret"),
        ({"auth": {"jwt": {"jwks": "https://i.example"}}}, "auth.jwt.jwks"),
        ({"auth": {"jwt": {"issuer": "https://i.example"}}}, "auth.jwt.audience"),
        ({"auth": {"jwt": {"issuer": "i", "audience": "furler"}}}, "auth.jwt.issuer: wants https"),
        ({"auth": {"jwt": {"ca": {"existingSecret": "ca"}}}}, "auth.jwt.ca: wants auth.jwt.issuer"),
        ({"auth": {"jwt": {"ca": {"existingSecret": "ca", "existingConfigMap": "ca"}}}}, "auth.jwt.ca: want existingSecret or"),
        ({"gateway": {"httpRoute": {"enabled": True}}}, "gateway.httpRoute.parentRefs"),
        ({"compressor": {"autoscaling": {"minReplicas": 30}}}, "compressor.autoscaling.minReplicas"),
    ],
)  # fmt: skip
def test_values_that_do_not_go_together_are_refused_by_name(
    values: Json, says: str, helm: Helm
) -> None:
    with pytest.raises(Exception, match=re.escape(says)):
        helm.render(values)


def test_the_notes_give_the_first_command_and_warn_of_a_trial(renders: Renders) -> None:
    default, production = renders.of("default").notes, renders.of("production").notes
    assert "helm test furler --namespace agents" in default
    assert "kubectl --namespace agents port-forward service/furler-gateway 8787:80" in default
    assert default.count("WARNING") == 3
    assert production.count("WARNING") == 0
