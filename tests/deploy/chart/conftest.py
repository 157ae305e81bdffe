"""Helm against one stand-in of an API server, and every feature rendered once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from support.helm import FEATURES, Helm, Release, running_helm, values_of


class Renders:
    """What the chart makes of each file under ci/, rendered when it is first asked for."""

    def __init__(self, helm: Helm) -> None:
        self.helm = helm
        self.of = cache(self._render)

    def _render(self, feature: str) -> Release:
        path = next(p for p in FEATURES if p.name == f"{feature}-values.yaml")
        return self.helm.render(values_of(path))


@pytest.fixture(scope="session")
def helm() -> Iterator[Helm]:
    pytest.importorskip("helm_sdkpy", reason="Helm is installed by make chart-test")
    with running_helm() as helm:
        yield helm


@pytest.fixture(scope="session")
def renders(helm: Helm) -> Renders:
    return Renders(helm)
