"""Asking the model of prose: in the time that is left, within a tenant's quota, never at its mercy.

What lives here: whether a request's policy means a model, what asking costs, how long it may
take. What does not: what to ask and what to do with an answer (the engine).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from furler_compressor import telemetry
from furler_compressor.app.caller import Caller
from furler_compressor.app.model_port import (
    Judgement,
    Model,
    ModelUnavailableError,
    NoModel,
    Trouble,
    checked,
)
from furler_compressor.app.quota import LocalMeter, Meter, Quota
from furler_engine.types import Fidelity, Policy

CHARACTERS_PER_TOKEN: Final = 4
"""Of English; exact counts are the engine's, and a quota needs none."""
_SHARE: Final = 0.6
"""Of the time left that a model may take; the rest is for the engine, the store and the way home."""


@dataclass(frozen=True, slots=True)
class Judging:
    """The model, and what bounds its use. ``seconds`` is the longest that one answer may take."""

    model: Model = field(default_factory=NoModel)
    meter: Meter = field(default_factory=LocalMeter)
    seconds: float = 10.0

    def policy(self, policy: Policy, *, may_ask: bool = True) -> Policy:
        """Return the policy with the version of the model that it allows to be asked."""
        allows = may_ask and policy.allow_model and policy.fidelity is not Fidelity.LOSSLESS
        version = self.model.version if allows else ""
        return policy if policy.model == version else replace(policy, model=version)

    async def ask(self, caller: Caller, texts: Sequence[str], reserve: float) -> Judgement:
        """Return what the model says of texts.

        ``reserve`` are the seconds that the answer's use will need. Raises
        ModelUnavailableError, by the caller's deadline.
        """
        words = sum(len(text.split()) for text in texts)
        try:
            await self._charge(caller, texts)
            seconds = min(self.seconds, _SHARE * (caller.time_left() - reserve))
            said = await self._judge(texts, seconds)
        except ModelUnavailableError as error:
            telemetry.record_words(words, error.trouble)
            raise
        telemetry.record_words(words, Trouble.NONE)
        return said

    async def _judge(self, texts: Sequence[str], seconds: float) -> Judgement:
        if seconds <= 0:
            raise ModelUnavailableError(Trouble.TIMEOUT)
        try:
            # An adapter keeps its time itself; this is for one that has a bug.
            async with asyncio.timeout(1.1 * seconds):
                return checked(texts, await self.model.judge(texts, seconds))
        except TimeoutError:
            raise ModelUnavailableError(Trouble.TIMEOUT) from None

    async def _charge(self, caller: Caller, texts: Sequence[str]) -> None:
        """Charge the tokens to the tenant. A tenant over its quota does without the model."""
        rate = caller.grant.quota.model_tokens_per_second
        if not rate:
            return
        tokens = sum(map(len, texts)) // CHARACTERS_PER_TOKEN
        bucket = Quota(bytes_per_second=rate)
        if await self.meter.take(caller.tenant, bucket, 0, tokens) is not None:
            raise ModelUnavailableError(Trouble.OVER_QUOTA)
