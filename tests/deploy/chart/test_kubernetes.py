"""Every object that the chart renders is valid, by Kubernetes' own schemas, strictly."""

from __future__ import annotations

import json

import pytest

from deploy.chart.conftest import Renders
from support.helm import FEATURES

# Their schemas belong to other projects and are in no offline bundle.
CUSTOM = {"Certificate", "HTTPRoute", "ScaledObject", "ServiceMonitor", "PrometheusRule"}


@pytest.mark.parametrize("version", ["1.29", "1.30", "1.31", "1.32", "1.33", "1.34"])
def test_every_object_of_every_feature_is_valid(version: str, renders: Renders) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    features = [path.name.removesuffix("-values.yaml") for path in FEATURES]
    # Most objects are the same in most features: each is looked at once.
    distinct = {
        json.dumps(o, sort_keys=True) for name in features for o in renders.of(name).objects
    }
    looked_at = 0
    for text in sorted(distinct):
        found = json.loads(text)
        if found["kind"] not in CUSTOM:
            kubernetes_validate.validate(found, version, strict=True)
            looked_at += 1
    assert looked_at > 50


def test_strict_schemas_refuse_a_slip(renders: Renders) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    (found,) = (
        o for o in renders.of("default").objects
        if o["kind"] == "PodDisruptionBudget" and "gateway" in str(o["metadata"])
    )  # fmt: skip
    slip = {**found, "spec": {**found["spec"], "maxUnavailabel": 1}}  # type: ignore[dict-item]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(slip, "1.34", strict=True)
