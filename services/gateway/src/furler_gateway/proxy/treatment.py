"""What is done with a request: the one place where a policy decides, and what bounds its decision.

``Treating`` is the seam; the gateway's policy file decides by default. Pure, but for what it asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from furler.conversations import Dialect, Mode
from furler.values import Fidelity, Policy
from furler_gateway.governed import Governor
from furler_gateway.policy.document import RetrieveTool

BYPASS_HEADERS: Final = ("x-furler-bypass", "x-headroom-bypass")
RETRIEVE_HEADER: Final = "x-furler-retrieve-tool"
TENANT_UNKNOWN: Final = "tenant_unknown"
"""The rule of a request that is left alone because nobody can say whose it is."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is known of a request before it is treated.

    Attributes:
        dialect: Of its body.
        upstream: Name of the upstream it goes to.
        model: As the body names it; empty if it does not.
        conversation: Its conversation's name; empty if it has none.
        space: Space of storage that it names.
        is_subscription: Whether a person's subscription pays for it.
        headers: Its headers, found without case.
    """

    dialect: Dialect
    upstream: str
    model: str
    conversation: str
    space: str
    is_subscription: bool
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is done with a request.

    Attributes:
        mode: APPLY, AUDIT (measure, change nothing) or BYPASS.
        policy: How to compress.
        retrieve: Whether the retrieve tool is offered, where that is possible.
        is_pinned: Whether the conversation keeps it. False for what one request asks for itself,
            and for what must be in force at once, such as a kill switch.
        is_confined: Whether nothing may be left out, whatever anybody decides.
        rule: What decided; goes to the ledger, never to the provider.
    """

    mode: Mode = Mode.APPLY
    policy: Policy = field(default_factory=Policy)
    retrieve: bool = True
    is_pinned: bool = True
    is_confined: bool = False
    rule: str = "settings"


class Treating(Protocol):
    """Decides. May ask others; must be quick, because every turn waits for it."""

    async def treatment(self, traffic: Traffic) -> Treatment:
        """Return what is done with a request. A conversation's first one counts."""
        ...


@dataclass(frozen=True, slots=True)
class ByPolicy:
    """Decides by the policy file, then by what the request's headers ask for, then by the settings.

    How far a view may go, and which tools' results are left alone, the policy says at the call
    to the compressor (governed.py), for this surface as for all.
    """

    governor: Governor
    policy: Policy
    retrieve: bool

    async def treatment(self, traffic: Traffic) -> Treatment:
        """Return what is done with a request. Raises CredentialInvalidError."""
        if is_bypassed(traffic.headers):
            return Treatment(Mode.BYPASS, retrieve=False, is_pinned=False, rule="header")
        held = await self.governor.treatment(traffic.space, traffic.conversation)
        if held.killed:
            rule = TENANT_UNKNOWN if held.is_unknown else "kill_switch"
            return Treatment(Mode.BYPASS, retrieve=False, is_pinned=False, rule=rule)
        wish = traffic.headers.get(RETRIEVE_HEADER, "").strip().lower()
        retrieve = {"always": True, "never": False}.get(wish, self.retrieve)
        if held.retrieve_tool is not RetrieveTool.CALLER:
            retrieve = held.retrieve_tool is RetrieveTool.ALWAYS
        return Treatment(
            held.mode,
            self.policy,
            # Where nothing is changed no tool is added, and where nothing is left out none is needed.
            retrieve=retrieve
            and held.mode is Mode.APPLY
            and Fidelity.LOSSLESS not in (self.policy.fidelity, held.terms.fidelity),
            rule=held.rules[-1] if held.rules else "default",
        )


def is_bypassed(headers: Mapping[str, str]) -> bool:
    """Return whether a request asks to be left alone."""
    return any(headers.get(name, "").strip().lower() == "true" for name in BYPASS_HEADERS)


def offers(treatment: Treatment, traffic: Traffic) -> bool:
    """Return whether the retrieve tool may be offered: a subscription's traffic gets no field of ours."""
    return treatment.retrieve and treatment.mode is not Mode.BYPASS and not traffic.is_subscription


def confined(treatment: Treatment, traffic: Traffic, *, can_retrieve: bool) -> Treatment:
    """Return a treatment within what no policy may exceed.

    Where nobody can ask for what is left out, and in a subscription's traffic, nothing is: views are
    lossless.
    """
    if can_retrieve and not traffic.is_subscription:
        return treatment
    policy = replace(treatment.policy, fidelity=Fidelity.LOSSLESS)
    return replace(treatment, policy=policy, is_confined=True)
