"""Helm's own life of a release: lint, package, install, upgrade, go back, take away."""

from __future__ import annotations

import asyncio
import tarfile
from pathlib import Path

from support.helm import CHART, Helm, values_of


def chosen_by_deployments(helm: Helm) -> dict[str, object]:
    """Return the selectors of the deployments that the server has, by name."""
    found = helm.api.of_kind("Deployment").items()
    return {name: deployment["spec"]["selector"] for name, deployment in found}  # type: ignore[index]


def test_lint_has_nothing_to_say(helm: Helm) -> None:
    import helm_sdkpy  # noqa: PLC0415 - the fixture skips where it is missing

    told = asyncio.run(helm_sdkpy.Lint(helm.configuration).run(str(CHART)))
    assert [m for m in told.get("Messages") or [] if m.get("Severity", 0) > 1] == []


def test_a_package_holds_what_is_needed_and_no_values_of_ours(helm: Helm, tmp_path: Path) -> None:
    import helm_sdkpy  # noqa: PLC0415 - the fixture skips where it is missing

    packed = asyncio.run(helm_sdkpy.Package(helm.configuration).run(str(CHART), str(tmp_path)))
    with tarfile.open(packed) as archive:
        names = {name.removeprefix("furler/") for name in archive.getnames()}
    assert {
        "Chart.yaml",
        "values.yaml",
        "values.schema.json",
        "README.md",
        "UPGRADING.md",
        "files/roundtrip.py",
    } <= names
    # Rules and dashboards are links in the repository, and files in a package.
    assert {"files/rules.yaml", "files/dashboards/service.json"} <= names
    assert not any(name.startswith("ci/") for name in names)
    helm.api.objects.clear()
    assert helm.install({}, chart=Path(packed)).revision == 1


def test_a_release_is_upgraded_and_back_and_taken_away(helm: Helm) -> None:
    helm.api.objects.clear()
    first = helm.install({})
    assert set(helm.api.of_kind("Deployment")) == {
        "furler-compressor",
        "furler-gateway",
        "furler-redis",
    }
    selectors = chosen_by_deployments(helm)

    second = helm.upgrade(values_of(CHART / "ci/production-values.yaml"))
    assert (first.revision, second.revision) == (1, 2)
    # The trial's store is gone, and nothing that selects pods has changed: Kubernetes forbids that.
    upgraded = chosen_by_deployments(helm)
    assert set(upgraded) == {"furler-compressor", "furler-gateway"}
    assert upgraded == {name: selectors[name] for name in upgraded}
    assert set(helm.api.of_kind("Certificate")) == {"furler-compressor"}

    # Back to the first values; the library that Helm is here offers no rollback.
    assert helm.upgrade({}).manifest == first.manifest
    assert set(helm.api.of_kind("Deployment")) == set(selectors)

    helm.uninstall()
    assert helm.api.objects == {}
