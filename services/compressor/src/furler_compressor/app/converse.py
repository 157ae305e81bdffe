"""The engine's job for a whole conversation: body in, splices and new pins out. No I/O.

What lives here: how fold, volatile text, epochs and pins come together. Where the job runs is
the runner's affair, what is stored and given out conversation's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from furler_compressor.app import ledger
from furler_compressor.app.conversed import ConversationJob, Conversed, Mode, Splice, Volatile
from furler_compressor.app.ledger import Ledger
from furler_compressor.app.ports import Pin
from furler_compressor.app.refs import reference
from furler_engine import compaction, tokens, volatile
from furler_engine.causal import Seen, Turn, as_is, chain, fold
from furler_engine.dialects import read
from furler_engine.dialects.block import Block, Body, Role
from furler_engine.dialects.json_scan import encode
from furler_engine.epochs import Plan
from furler_engine.recipe import recipe
from furler_engine.types import Hints, Policy, View
from furler_engine.volatile import Trace

MAX_VOLATILE: Final = 1000
_TAIL_ROLES: Final = (Role.USER, Role.RESULT, Role.DOCUMENT)


def converse(job: ConversationJob) -> Conversed:
    """Return what becomes of a request.

    Raises:
        BodyError: The body is none of the dialect.
        UnknownTokenizerError: The policy's tokenizer is not installed.
    """
    body = read(job.body, job.dialect)
    held = ledger.read(job.pins or {})
    policy, query = _in_force(job, held), job.query
    if job.begun.mode is Mode.AUDIT:
        return _audited(job, body, held, replace(policy, model=""))
    turn = Turn(
        policy,
        lambda sha256: reference(job.tenant_key, sha256),
        query,
        None if job.pins is None else held.views,
        job.first_message,
        answers=job.answers,
    )
    seen = fold(body, turn)
    plan, applied, epoch = None, False, held.epoch
    if job.epoch is not None:
        sizes = _sizes(body, seen, policy)
        plan = compaction.plan(body, seen, [after for _, after in sizes], job.epoch.wish)
        applied = bool(job.epoch.apply and plan.retired and (plan.pays or job.epoch.force))
    if plan is not None and applied:
        epoch = held.epoch + 1
        policy = job.policy
        turn = _rewriting(turn, body, plan, policy)
        seen = fold(body, turn)
    sizes = _sizes(body, seen, policy)
    found = _find(body, held, [after for _, after in sizes])
    pins = _new_pins(job, held, seen, epoch, policy)
    if not held.epoch and "prefix" not in (job.pins or {}) and job.pins is not None:
        key, pin = ledger.prefix_pin(found.trace)
        pins[key] = pin
    splices = [_splice(each, epoch, applied=applied) for each in seen if each.is_edited]
    if job.relocate or held.tails:
        splices = _relocated(job, body, held, splices, pins)
    return Conversed(
        tuple(sorted(splices, key=lambda splice: splice.offset)),
        pins,
        body.end,
        sum(before for before, _ in sizes),
        found.volatile,
        plan,
        applied,
        recipe(policy, Hints(query=query)),
        is_relocated=bool(job.relocate or held.tails),
        asks=tuple(dict.fromkeys(text for each in seen for text in each.view.asks)),
    )


def _in_force(job: ConversationJob, held: Ledger) -> Policy:
    """Return the policy that the conversation keeps, with the model that serves now."""
    policy = held.policy or job.policy
    return replace(policy, model=job.policy.model if policy.allow_model else "")


def _audited(job: ConversationJob, body: Body, held: Ledger, policy: Policy) -> Conversed:
    """Return what compressing the whole of a request would give; only the mode is pinned."""
    turn = Turn(
        policy,
        lambda sha256: reference(job.tenant_key, sha256),
        job.query,
        first_message=job.first_message,
    )
    seen = fold(body, turn)
    sizes = _sizes(body, seen, policy)
    pins: dict[str, Pin] = {}
    if job.pins is not None and held.policy is None:
        key, pin = ledger.policy_pin(held.epoch, policy, job.begun)
        pins[key] = pin
    return Conversed(
        tuple(_splice(each, held.epoch, applied=False) for each in seen if each.is_edited),
        pins,
        body.end,
        sum(before for before, _ in sizes),
        _find(body, held, [after for _, after in sizes]).volatile,
        recipe=recipe(policy, Hints(query=job.query)),
    )


def _rewriting(turn: Turn, body: Body, plan: Plan, policy: Policy) -> Turn:
    """Return the turn that begins an epoch: what lies before its first change stays pinned."""
    first = {each.key for each in plan.retired}
    kept: dict[str, View] = {}
    for link in chain(body):
        if link.key in first:
            break
        if turn.pins is not None and link.key in turn.pins:
            kept[link.key] = turn.pins[link.key]
    retired = {each.key: each.reason for each in plan.retired}
    return replace(turn, policy=policy, pins=kept, retired=retired, is_epoch=True)


def _new_pins(
    job: ConversationJob, held: Ledger, seen: list[Seen], epoch: int, policy: Policy
) -> dict[str, Pin]:
    if job.pins is None:
        return {}
    pins: dict[str, Pin] = {}
    for each in seen:
        if not each.is_pinned or epoch != held.epoch:
            key, pin = ledger.view_pin(epoch, each.key, each.view)
            pins[key] = pin
    if held.policy is None or epoch != held.epoch:
        key, pin = ledger.policy_pin(epoch, policy, job.begun)
        pins[key] = pin
    if epoch != held.epoch:
        key, pin = ledger.epoch_pin(epoch)
        pins[key] = pin
    return pins


def _splice(each: Seen, epoch: int, *, applied: bool) -> Splice:
    span = each.block.span
    is_new = applied or not each.is_pinned
    return Splice(
        span.start,
        span.end - span.start,
        encode(each.view.text),
        each.block.pointer,
        each.view,
        each.sha256,
        each.size,
        f"b/{epoch}/{each.key}" if is_new else "",
        each.block.call.name,
    )


def _sizes(body: Body, seen: list[Seen], policy: Policy) -> list[tuple[int, int]]:
    """Return tokens before and after of every block; estimates where there is no view."""
    views = {each.block.pointer: each.view for each in seen}
    sizes: list[tuple[int, int]] = []
    for block in body.blocks:
        view = views.get(block.pointer)
        if view is not None:
            sizes.append((view.tokens_before, view.tokens_after))
        else:
            size = tokens.estimate(body.text(block) or "", policy.tokenizer)
            sizes.append((size, size))
    return sizes


@dataclass(frozen=True, slots=True)
class _Found:
    volatile: tuple[Volatile, ...]
    trace: Trace


def _find(body: Body, held: Ledger, sizes: list[int]) -> _Found:
    """Find the volatile text of the system prompt, and say what it costs."""
    places: list[tuple[Block, volatile.Finding, int]] = []
    skeletons: list[str] = []
    values: list[str] = []
    after = sum(sizes)
    for block, size in zip(body.blocks, sizes, strict=True):
        after -= size
        text = body.text(block) if block.role is Role.SYSTEM else None
        if text is None:
            continue
        found = volatile.find(text)
        seen = volatile.trace(text, found)
        skeletons.append(seen.skeleton)
        values += seen.values
        places += [(block, f, after + size - size * f.end // max(1, len(text))) for f in found]
    now = Trace("/".join(skeletons[:64]), tuple(values[:MAX_VOLATILE]))
    told = volatile.changed(now, held.prefix)
    return _Found(
        tuple(
            Volatile(block.pointer, f.form, f.start, f.end, is_changed, cost)
            for (block, f, cost), is_changed in zip(places, told, strict=False)
        ),
        now,
    )


def _relocated(
    job: ConversationJob, body: Body, held: Ledger, splices: list[Splice], pins: dict[str, Pin]
) -> list[Splice]:
    """Move volatile text from the system prompt to the end of the last message, when asked.

    What an earlier turn added to its last message stays there: it is part of the prefix now.
    """
    by_pointer = {splice.pointer: splice for splice in splices}
    links = list(chain(body))
    tails = {
        link.block.pointer: (link, held.tails[link.key]) for link in links if link.key in held.tails
    }
    last = links[-1] if links and links[-1].block.role in _TAIL_ROLES else None
    if job.relocate and last is not None:
        note = ""
        for block in body.blocks:
            text = body.text(block) if block.role is Role.SYSTEM else None
            found = volatile.find(text) if text is not None else []
            if text is not None and found:
                short, told = volatile.relocated(text, found)
                note += told
                by_pointer[block.pointer] = _own(block, short, job.policy)
        if note and last.key not in held.tails:
            tails[last.block.pointer] = (last, note)
            if job.pins is not None:
                view = by_pointer.get(last.block.pointer)
                key, pin = ledger.tail_pin(last.key, view.view.ref if view else "", note)
                pins[key] = pin
    for pointer, (link, tail) in tails.items():
        edit = by_pointer.get(pointer) or _own(link.block, link.text, job.policy)
        text = (edit.view.text if pointer in by_pointer else link.text) + tail
        by_pointer[pointer] = replace(
            edit, replacement=encode(text), view=replace(edit.view, text=text)
        )
    return list(by_pointer.values())


def _own(block: Block, text: str, policy: Policy) -> Splice:
    """Return the edit of a block that is no view of it: nothing of it is stored."""
    view = replace(as_is(text, policy), text=text, compressors=("relocated",))
    span = block.span
    return Splice(span.start, span.end - span.start, encode(text), block.pointer, view)
