"""The scenarios, by the name that scenarios.toml gives them."""

from __future__ import annotations

from loadtests.scenario import Scenario
from loadtests.scenarios import crowd, gateways, rollout, soak, steady

SCENARIOS: dict[str, Scenario] = {
    "hits": steady.hits,
    "cold": steady.cold,
    "large": steady.large,
    "conversations": steady.conversations,
    "prose": steady.prose,
    "streams": steady.streams,
    "retrievals": steady.retrievals,
    "gateway": steady.gateway,
    "neighbour": crowd.neighbour,
    "overload": crowd.overload,
    "replicas": rollout.replicas,
    "restart": rollout.restart,
    "gateway_restart": gateways.gateway_restart,
    "soak": soak.soak,
}
"""In the order they are run."""
