"""What an epoch would take back of a conversation, what that saves, what it costs.

What lives here: finding results that a later message made worthless, and the sum that decides
whether rewriting the prefix pays. What does not: doing it (the caller of fold retires the keys).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from furler_engine import calls
from furler_engine.causal import RETIRED, Seen
from furler_engine.dialects.block import Body, Role
from furler_engine.epochs import Plan, Prices, Retired, Wish

LINE: Final = 40
"""Tokens of the line that stands for what was taken back, reference included."""


def plan(body: Body, seen: Sequence[Seen], sizes: Sequence[int], wish: Wish) -> Plan:
    """Return the epoch that pays most, or the one that loses least if none does.

    ``sizes`` are the tokens of each of the body's blocks as they are forwarded. What changes
    late in a conversation costs little to rewrite, so every suffix is looked at.
    """
    found = _worthless(body, seen, wish)
    if not found:
        return Plan()
    position = {id(block): at for at, block in enumerate(body.blocks)}
    order = sorted(found, key=lambda each: position[id(each[0].block)], reverse=True)
    after = [0]
    for size in reversed(sizes):
        after.append(after[-1] + size)
    best: Plan | None = None
    retired: list[Retired] = []
    saved = 0
    for each, reason in order:
        gain = each.view.tokens_after - LINE
        saved += gain
        retired.insert(0, Retired(each.key, each.block.pointer, reason, gain))
        rewritten = max(0, after[len(sizes) - position[id(each.block)]] - saved)
        candidate = _priced(tuple(retired), saved, rewritten, wish.prices)
        if best is None or candidate.benefit - candidate.cost > best.benefit - best.cost:
            best = candidate
    return best or Plan()


def _priced(retired: tuple[Retired, ...], saved: int, rewritten: int, prices: Prices) -> Plan:
    if prices.alive <= 0:
        return Plan(retired, saved, rewritten, saved * max(1.0, prices.expected_reads), 0.0)
    benefit = saved * prices.expected_reads * prices.alive * prices.read
    cost = rewritten * (prices.write - prices.read)
    return Plan(retired, saved, rewritten, benefit, cost)


def _worthless(body: Body, seen: Sequence[Seen], wish: Wish) -> list[tuple[Seen, str]]:
    """Return what may go, with the reason, in order."""
    results = [each for each in seen if each.block.role is Role.RESULT]
    old = results[: max(0, len(results) - wish.keep_last)]
    old = [e for e in old if e.view.tokens_after > LINE and e.view.compressors != (RETIRED,)]
    reasons = _superseded(body)
    found = [(each, reasons[each.block.pointer]) for each in old if each.block.pointer in reasons]
    if wish.budget_tokens:
        gone = {each.key for each, _ in found}
        total = sum(e.view.tokens_after for e in seen)
        total -= sum(e.view.tokens_after - LINE for e, _ in found)
        for each in old:
            if total <= wish.budget_tokens:
                break
            if each.key not in gone:
                found.append((each, "among the oldest, over budget"))
                total -= each.view.tokens_after - LINE
    return sorted(found, key=lambda each: each[0].block.span.start)


def _superseded(body: Body) -> dict[str, str]:
    """Return by pointer why a result is of no more use: read, asked, or edited again since."""
    reasons: dict[str, str] = {}
    asked: dict[object, list[str]] = {}
    read: dict[str, list[str]] = {}
    for block in body.blocks:
        at = block.message + 1
        path = calls.path(block.call)
        match block.role:
            case Role.CALL if path and not calls.is_read(block.call):
                _mark(reasons, read.pop(path, ()), f"{path} was edited in message {at}")
            case Role.RESULT:
                question = calls.signature(block.call)
                if block.call.name:
                    _mark(reasons, asked.pop(question, ()), f"asked again in message {at}")
                    asked.setdefault(question, []).append(block.pointer)
                if path and calls.is_read(block.call):
                    if not calls.is_ranged(block.call):
                        _mark(reasons, read.pop(path, ()), f"{path} was read again in message {at}")
                    read.setdefault(path, []).append(block.pointer)
    return reasons


def _mark(reasons: dict[str, str], pointers: Iterable[str], reason: str) -> None:
    for pointer in pointers:
        reasons.setdefault(pointer, reason)
