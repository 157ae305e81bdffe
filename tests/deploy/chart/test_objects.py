"""Every object that the chart renders, with every feature: labelled, and as safe as promised."""

# mypy: disable-error-code="index,call-overload,operator,attr-defined,arg-type,misc,return-value,union-attr,comparison-overlap,assignment"
# Objects have YAML's own shape here: a path that is not there fails the test by itself.
from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.chart.conftest import Renders
from support.helm import FEATURES, NAMESPACE
from support.kube_api import Json

NAMES = [path.name.removesuffix("-values.yaml") for path in FEATURES]
RECOMMENDED = {
    "app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component",
    "app.kubernetes.io/version", "app.kubernetes.io/part-of", "app.kubernetes.io/managed-by",
    "helm.sh/chart",
}  # fmt: skip

pytestmark = pytest.mark.parametrize("name", NAMES)


def objects(renders: Renders, name: str, *kinds: str) -> list[dict[str, Json]]:
    return [o for o in renders.of(name).objects if not kinds or o["kind"] in kinds]


def pods(renders: Renders, name: str) -> Iterator[tuple[str, Json, Json]]:
    """Yield name, labels and spec of every pod, those of deployments too."""
    for found in objects(renders, name, "Deployment", "Pod"):
        template = found if str(found["kind"]) == "Pod" else found["spec"]["template"]
        labels, spec = template["metadata"]["labels"], template["spec"]
        yield str(found["metadata"]["name"]), labels, spec


def containers(spec: Json) -> list[Json]:
    found = spec["containers"]
    assert isinstance(found, list)
    return found


def test_every_object_has_the_recommended_labels_and_a_namespace(
    name: str, renders: Renders
) -> None:
    for found in objects(renders, name):
        metadata = found["metadata"]
        assert RECOMMENDED - set(metadata["labels"]) == set(), metadata["name"]
        assert metadata["namespace"] == NAMESPACE


def test_no_two_objects_share_a_name(name: str, renders: Renders) -> None:
    named = [(o["kind"], o["metadata"]["name"]) for o in objects(renders, name)]
    assert len(named) == len(set(named))


def test_every_pod_is_restricted_and_has_no_rights_of_the_api(name: str, renders: Renders) -> None:
    for pod, _, spec in pods(renders, name):
        assert spec["automountServiceAccountToken"] is False, pod
        assert spec["enableServiceLinks"] is False, pod
        context = spec["securityContext"]
        assert isinstance(context, dict)
        assert context["runAsNonRoot"] is True, pod
        assert context["runAsUser"] > 0, pod
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, pod
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            assert key not in spec, pod
        for container in containers(spec):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, pod
            resources = container["resources"]
            assert isinstance(resources, dict)
            assert {"cpu", "memory"} <= set(resources["requests"]), pod
            assert "memory" in resources["limits"], pod


def test_no_pod_mounts_the_host(name: str, renders: Renders) -> None:
    for pod, _, spec in pods(renders, name):
        volumes = spec.get("volumes", [])
        assert isinstance(volumes, list)
        for volume in volumes:
            assert set(volume) - {"name"} <= {"secret", "configMap", "emptyDir"}, pod


def test_a_rollout_takes_no_replica_away_before_another_is_ready(
    name: str, renders: Renders
) -> None:
    for found in objects(renders, name, "Deployment"):
        deployment = found["metadata"]["name"]
        if str(deployment).endswith("-redis"):
            assert found["spec"]["strategy"] == {"type": "Recreate"}
            continue
        update = found["spec"]["strategy"]["rollingUpdate"]
        assert update["maxUnavailable"] == 0, deployment
        spec = found["spec"]["template"]["spec"]
        (container,) = containers(spec)
        assert {"startupProbe", "readinessProbe", "livenessProbe", "lifecycle"} <= set(container)
        drain = [e for e in container.get("env", []) if str(e["name"]).endswith("DRAIN_SECONDS")]
        seconds = int(drain[0]["value"]) if drain else 30
        # preStop waits five seconds before the drain begins.
        assert spec["terminationGracePeriodSeconds"] >= seconds + 5 + 5, deployment


def test_the_compressors_health_is_its_own_and_asked_by_grpc(name: str, renders: Renders) -> None:
    for pod, _, spec in pods(renders, name):
        if pod.endswith("-compressor"):
            (container,) = containers(spec)
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                assert container[probe]["grpc"] == {"port": 50052}


def test_selectors_find_the_pods_they_are_meant_for(name: str, renders: Renders) -> None:
    every = list(pods(renders, name))

    def matching(selector: Json) -> list[str]:
        return [pod for pod, labels, _ in every if selector.items() <= labels.items()]

    for found in objects(renders, name, "Service"):
        chosen = matching(found["spec"]["selector"])
        assert len(chosen) == 1, found["metadata"]["name"]
        (spec,) = [s for pod, _, s in every if pod == chosen[0]]
        offered = {port["name"] for c in containers(spec) for port in c["ports"]}
        for port in found["spec"]["ports"]:
            assert port["targetPort"] in offered
    for found in objects(renders, name, "PodDisruptionBudget", "Deployment"):
        assert len(matching(found["spec"]["selector"]["matchLabels"])) == 1
    deployments = {str(o["metadata"]["name"]) for o in objects(renders, name, "Deployment")}
    for found in objects(renders, name, "HorizontalPodAutoscaler", "ScaledObject"):
        assert found["spec"]["scaleTargetRef"]["name"] in deployments


def test_what_is_scaled_by_an_autoscaler_has_no_fixed_number(name: str, renders: Renders) -> None:
    scaled = {
        str(o["spec"]["scaleTargetRef"]["name"])
        for o in objects(renders, name, "HorizontalPodAutoscaler", "ScaledObject")
    }
    for found in objects(renders, name, "Deployment"):
        assert ("replicas" in found["spec"]) == (found["metadata"]["name"] not in scaled)


def test_all_is_denied_to_every_pod_but_what_a_policy_names(name: str, renders: Renders) -> None:
    policies = objects(renders, name, "NetworkPolicy")
    if name == "grpc-only":
        assert policies == []
        return
    (deny,) = [
        p["spec"] for p in policies if "ingress" not in p["spec"] and "egress" not in p["spec"]
    ]
    assert deny["policyTypes"] == ["Ingress", "Egress"]
    for pod, labels, _ in pods(renders, name):
        assert deny["podSelector"]["matchLabels"].items() <= labels.items(), pod
    chosen: list[Json] = [o["spec"]["podSelector"]["matchLabels"] for o in policies]
    ends = {labels.get("app.kubernetes.io/component") for labels in chosen}
    assert ends - {None} == {
        str(labels["app.kubernetes.io/component"]) for _, labels, _ in pods(renders, name)
    }
