"""What an epoch of a conversation is asked for and planned as. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prices:
    """What the sum is made with. Prices are per token, an uncached input token being 1.

    ``expected_reads`` is how many more requests will carry this prefix, ``alive`` the
    probability that the provider still caches it: 0 says that it has lapsed, and then a
    rewrite costs nothing that is not paid anyway.
    """

    expected_reads: float = 10.0
    alive: float = 1.0
    read: float = 0.1
    write: float = 1.25


@dataclass(frozen=True, slots=True)
class Wish:
    """What an epoch may take back: nothing of the last ``keep_last`` results.

    ``budget_tokens``, unless 0, is what the editable blocks may cost in all: the oldest go first.
    """

    keep_last: int = 5
    budget_tokens: int = 0
    prices: Prices = Prices()


@dataclass(frozen=True, slots=True)
class Retired:
    """One block to be taken back."""

    key: str
    pointer: str
    reason: str
    tokens: int
    """What that saves with every request."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An epoch: what goes, and the sum. ``benefit`` and ``cost`` are in uncached tokens."""

    retired: tuple[Retired, ...] = ()
    saved_tokens: int = 0
    rewritten_tokens: int = 0
    benefit: float = 0.0
    cost: float = 0.0

    @property
    def pays(self) -> bool:
        """Whether rewriting the prefix is worth it."""
        return self.benefit > self.cost
