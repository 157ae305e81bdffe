"""Make the chart's values.schema.json and README.md from values.yaml and its comments.

A value's comment is its documentation. A comment line ``@schema {…}`` gives JSON Schema keywords
beside what the default implies; ``@schema settings compressor`` takes the names, types and bounds
of that program's own settings, so that a chart never offers what a program does not know.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from furler_compressor.config import Settings as CompressorSettings
from furler_gateway.config import Settings as GatewaySettings

CHART: Final = Path(__file__).resolve().parent.parent / "deploy/helm/furler"
_KEY: Final = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z][A-Za-z0-9]*):")
_MARK: Final = "@schema "
# What the chart sets from values of its own.
_OWNED: Final = {
    "compressor": [
        "listen",
        "health_listen",
        "metrics_listen",
        "engine_processes",
        "drain_seconds",
        "store",
        "connection_age_seconds",
        "redis_user",
        "redis_password",
        "redis_sentinel_user",
        "redis_sentinel_password",
        "redis_ca_file",
        "redis_cert_file",
        "redis_key_file",
        "seal_keyring",
        "api_keys",
        "jwks",
        "jwt_issuer",
        "jwt_key_hosts",
        "jwt_ca_file",
        "jwt_audience",
        "jwt_tenant_claim",
        "tls_cert_file",
        "tls_key_file",
        "tls_client_ca_file",
        "master_key",
        "otlp_endpoint",
        "trace_share",
        "model",
        "triton_urls",
    ],
    "gateway": [
        "listen",
        "operate_listen",
        "compressor",
        "compressor_tls",
        "compressor_ca",
        "compressor_certificate",
        "compressor_key",
        "drain_seconds",
        "policy_file",
        "otlp_endpoint",
        "trace_share",
    ],
}
# What no value sets, and why.
_WITHHELD: Final = {
    "compressor": {
        "workers": "a replica is one worker, which its probe and its port of metrics speak for; "
        "`compressor.replicas` says how many there are"
    },
    "gateway": {},
}
_SETTINGS: Final = {"compressor": CompressorSettings, "gateway": GatewaySettings}


@dataclass(frozen=True)
class Value:
    """One key of values.yaml: its path, its default, and what its comment says."""

    path: tuple[str, ...]
    default: object
    text: str
    narrowed: str

    @property
    def is_group(self) -> bool:
        """Whether it holds documented values rather than being one."""
        return isinstance(self.default, dict) and bool(self.default) and not self.narrowed


def values(source: str) -> Iterator[Value]:
    """Yield the values of a values.yaml in order. Raises ValueError for one without a comment."""
    loaded = yaml.safe_load(source)
    path: list[tuple[int, str]] = []
    comment: list[str] = []
    inside: int | None = None
    for line in source.splitlines():
        stripped = line.strip()
        match = _KEY.match(line)
        depth = len(line) - len(line.lstrip())
        if inside is not None and stripped and depth > inside:
            continue  # below a value that is documented as one
        if stripped.startswith("#"):
            comment.append(stripped.lstrip("# "))
        elif match is None:
            comment = []
        else:
            inside = None
            path = [entry for entry in path if entry[0] < depth] + [(depth, match["key"])]
            names = tuple(name for _, name in path)
            text = " ".join(part for part in comment if not part.startswith(_MARK))
            marks = [part.removeprefix(_MARK) for part in comment if part.startswith(_MARK)]
            found = Value(names, _at(loaded, names), text, marks[0] if marks else "")
            if not found.is_group and not text:
                raise ValueError(f"{'.'.join(names)}: has no comment")
            inside = None if found.is_group else depth
            comment = []
            yield found


def _at(loaded: object, path: tuple[str, ...]) -> object:
    for name in path:
        if not isinstance(loaded, dict):
            raise TypeError(f"{'.'.join(path)}: {name} is below a value that holds none")
        loaded = loaded[name]
    return loaded


def schema(found: list[Value]) -> dict[str, object]:
    """Return the JSON Schema: strict, nothing but what values.yaml names."""
    root: dict[str, object] = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the Furler chart",
        **_group(),
    }
    for value in found:
        holder = root
        for name in value.path[:-1]:
            holder = holder["properties"][name]  # type: ignore[index]
        holder["properties"][value.path[-1]] = (
            _group(value.text) if value.is_group else _leaf(value)
        )  # type: ignore[index]
    # Helm adds what parent charts share.
    root["properties"]["global"] = {"type": "object"}  # type: ignore[index]
    return root


def _group(text: str = "") -> dict[str, object]:
    described = {"description": text} if text else {}
    return {**described, "type": "object", "additionalProperties": False, "properties": {}}


def _leaf(value: Value) -> dict[str, object]:
    described: dict[str, object] = {"description": value.text}
    if value.narrowed.startswith("settings "):
        return {**described, **_settings(value.narrowed.removeprefix("settings "))}
    match value.default:
        case bool():
            implied: dict[str, object] = {"type": "boolean"}
        case int() | float():
            implied = {"type": "integer"}
        case str():
            implied = {"type": "string"}
        case list():
            implied = {"type": "array", "items": {"type": "string"}}
        case _:
            implied = {}
    return {**described, **implied, **(json.loads(value.narrowed) if value.narrowed else {})}


def _settings(program: str) -> dict[str, object]:
    """Return the schema of a program's settings, less what the chart sets itself."""
    told = _SETTINGS[program].model_json_schema()["properties"]
    properties = {}
    for name, field in sorted(told.items()):
        if name not in (*_OWNED[program], *_WITHHELD[program]):
            kept = {k: v for k, v in field.items() if k not in ("title", "default")}
            if kept.get("type") == "array":
                kept = {"type": "array", "items": {"type": "string"}}
            properties[name] = kept
    return {"type": "object", "additionalProperties": False, "properties": properties}


def readme(found: list[Value]) -> str:
    """Return README.md: the introduction by hand, then a table per part."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    lines = [
        (CHART / "README.head.md").read_text().replace("{version}", chart["version"]).rstrip(),
        "",
        "## Values",
        "",
    ]
    lines += ["Made from [values.yaml](values.yaml) by `make chart`.", ""]
    lines += ["| value | default | what |", "|---|---|---|"]
    for value in found:
        name = ".".join(value.path)
        if value.is_group:
            if value.text:
                lines.append(f"| **{name}** | | **{_cell(value.text)}** |")
        else:
            lines.append(
                f"| `{name}` | `{_cell(json.dumps(value.default))}` | {_cell(value.text)} |"
            )
    lines += ["", "Every setting of the programs is one of these values, or stands below"]
    lines[-1] += " `compressor.settings` and `gateway.settings`, but for:"
    lines.append("")
    for program, withheld in _WITHHELD.items():
        lines += [f"- {program}: `{name}`: {why}." for name, why in withheld.items()]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def documents() -> dict[Path, str]:
    """Return what should stand in the made files."""
    found = list(values((CHART / "values.yaml").read_text()))
    return {
        CHART / "values.schema.json": json.dumps(schema(found), indent=2, ensure_ascii=False)
        + "\n",
        CHART / "README.md": readme(found),
    }


def main() -> int:
    """Write the files; with --check only say which are stale."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = [
        path for path, text in documents().items() if not path.exists() or path.read_text() != text
    ]
    for path in stale:
        print(f"{'stale' if check else 'written'}: {path.relative_to(CHART)}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(documents()[path])
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
