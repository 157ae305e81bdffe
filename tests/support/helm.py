"""The chart, rendered by Helm itself: installed into a stand-in of an API server, and read back."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

from support.kube_api import Json, KubeApi, running_kube_api

if TYPE_CHECKING:
    from helm_sdkpy import Configuration

CHART: Final = Path(__file__).resolve().parents[2] / "deploy/helm/furler"
FEATURES: Final = sorted((CHART / "ci").glob("*-values.yaml"))
NAMESPACE: Final = "agents"
# libyaml's, ten times as fast, where there is one.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Release:
    """What Helm kept of a revision: its objects, those of its hooks, and its notes."""

    revision: int
    manifest: str
    hooks: tuple[str, ...]
    notes: str

    @cached_property
    def objects(self) -> list[Json]:
        """The objects, hooks last."""
        texts = (self.manifest, *self.hooks)
        return [o for text in texts for o in yaml.load_all(text, _LOADER) if o]


class Helm:
    """Helm against one stand-in."""

    def __init__(self, api: KubeApi) -> None:
        import helm_sdkpy  # noqa: PLC0415 - installed by make chart-test alone

        self._helm = helm_sdkpy
        self.api = api
        self.configuration: Configuration = helm_sdkpy.Configuration(
            namespace=NAMESPACE, kubeconfig=api.kubeconfig
        )

    def install(self, values: Json, name: str = "furler", chart: Path = CHART) -> Release:
        """Install a release, and return its revision. Raises InstallError."""
        action = self._helm.Install(self.configuration)
        asyncio.run(action.run(name, str(chart), values=values, wait=False))
        return self.release(name)

    def upgrade(self, values: Json, name: str = "furler", chart: Path = CHART) -> Release:
        """Upgrade a release to these values alone, and return its revision. Raises UpgradeError."""
        action = self._helm.Upgrade(self.configuration)
        asyncio.run(action.run(name, str(chart), values=values, wait=False, reset_values=True))
        return self.release(name)

    def uninstall(self, name: str = "furler") -> None:
        """Take a release away."""
        asyncio.run(self._helm.Uninstall(self.configuration).run(name, wait=False))

    def release(self, name: str = "furler") -> Release:
        """Return the newest revision, as Helm keeps it in a secret."""
        kept = [
            n for n in self.api.of_kind("Secret") if n.startswith(f"sh.helm.release.v1.{name}.v")
        ]
        newest = max(kept, key=lambda n: int(n.rpartition("v")[2]))
        data = self.api.of_kind("Secret")[newest]["data"]
        assert isinstance(data, dict)
        told = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(data["release"]))))
        return Release(
            told["version"],
            told["manifest"],
            tuple(hook["manifest"] for hook in told.get("hooks") or ()),
            told["info"].get("notes", ""),
        )

    def render(self, values: Json, name: str = "furler") -> Release:
        """Return what the chart makes of values; nothing of it stays."""
        self.api.objects.clear()
        return self.install(values, name)


@contextmanager
def running_helm(version: str = "1.34") -> Iterator[Helm]:
    """Run Helm against a stand-in of a Kubernetes version."""
    with running_kube_api(version) as api:
        yield Helm(api)


def values_of(feature: Path) -> Json:
    """Return the values of a file under ci/."""
    loaded = yaml.safe_load(feature.read_text())
    assert isinstance(loaded, dict)
    return loaded
