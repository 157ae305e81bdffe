"""From a document and a request to what holds for it, and why. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Final

from furler.conversations import Mode
from furler.values import Kind, Level
from furler_gateway.policy.document import Document, Match, RetrieveTool, Terms

_FIELDS: Final = tuple(Terms.model_fields)
_BUCKETS: Final = 10_000
"""A canary's share has two decimals."""
_MOST_REMEMBERED: Final = 1024
"""Clients name models as they like."""
_Laid = tuple[Terms, Mapping[str, str], tuple[str, ...]]
"""Terms, which rule set each field of them, and the names of all rules that fit."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What of a request rules may look at; empty: unknown, which no rule that names it fits."""

    tenant: str = ""
    route: str = ""
    space: str = "default"
    model: str = ""
    conversation: str = ""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What holds for a request.

    ``terms`` bound its compression. ``origins`` says by field which rule set it. ``killed``:
    nothing is touched, whatever a conversation began with. ``is_unknown``: because it cannot be told
    whose request it is.
    """

    mode: Mode = Mode.APPLY
    terms: Terms = field(default_factory=Terms)
    revision: str = ""
    rules: tuple[str, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    why: str = ""
    killed: bool = False
    is_unknown: bool = False

    @property
    def retrieve_tool(self) -> RetrieveTool:
        """Whether a conversation that begins now is offered the retrieve tool."""
        return self.terms.retrieve_tool or RetrieveTool.CALLER

    def tag(self) -> str:
        """Return what a conversation that begins now keeps of this."""
        return json.dumps([self.revision, self.retrieve_tool], separators=(",", ":"))

    def kept(self, tag: str) -> Treatment:
        """Return this with what a conversation's tag says it began with."""
        try:
            revision, tool = json.loads(tag)
            terms = self.terms.model_copy(update={"retrieve_tool": RetrieveTool(tool)})
        except (ValueError, TypeError):
            return self  # begun without a policy, or by another caller
        return replace(self, revision=str(revision), terms=terms)


@dataclass(slots=True)
class Decisions:
    """Decides, and remembers what rules give to whom for as long as the document is the same."""

    _document: Document | None = None
    _known: dict[tuple[str, str, str, str], Treatment | _Laid] = field(default_factory=dict)
    """Treatments; where the conversation counts, too, what they are made of."""

    def decide(self, document: Document, situation: Situation) -> Treatment:
        """Return what holds, as ``decide`` does."""
        if document is not self._document or len(self._known) >= _MOST_REMEMBERED:
            self._document, self._known = document, {}
        key = (situation.tenant, situation.route, situation.space, situation.model)
        known = self._known.get(key)
        if known is None:
            known = laid = _laid(document, situation)
            if laid[0].canary_percent is None:
                known = _treatment(document, laid, situation.conversation)
            self._known[key] = known
        if isinstance(known, Treatment):
            return known
        return _treatment(document, known, situation.conversation)


def decide(document: Document, situation: Situation) -> Treatment:
    """Return what holds: the default, then all rules that fit, the later over the earlier."""
    return _treatment(document, _laid(document, situation), situation.conversation)


def _laid(document: Document, situation: Situation) -> _Laid:
    """Return what the document gives whatever the conversation."""
    fitting = [rule for rule in document.rules if _fits(rule.match, situation)]
    layers = [("default", document.default), *((rule.name, rule.set) for rule in fitting)]
    terms, origins = _laid_over(layers)
    return terms, origins, tuple(rule.name for rule in fitting)


def _treatment(document: Document, laid: _Laid, conversation: str) -> Treatment:
    terms, origins, names = laid
    mode, why = _mode(terms, conversation)
    if document.kill_switch:
        mode, why = Mode.BYPASS, "kill_switch"
    why = why or f"mode of {origins.get('mode', 'default')}"
    return Treatment(mode, terms, document.revision, names, origins, why, document.kill_switch)


def bucket(conversation: str) -> float:
    """Return where in 0 to 100 a conversation stands, for ever and on every replica."""
    digest = hashlib.sha256(conversation.encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % _BUCKETS * 100 / _BUCKETS


def _mode(terms: Terms, conversation: str) -> tuple[Mode, str]:
    """Return the mode, and why it is not the rules' own, if so."""
    wanted = terms.mode or Mode.APPLY
    share = terms.canary_percent
    if share is None or share == 100 or wanted is Mode.BYPASS:
        return wanted, ""
    outside = Mode(terms.outside_canary or Mode.BYPASS)
    if not conversation:
        return outside, f"outside the canary of {share:g} %: the request names no conversation"
    place = bucket(conversation)
    if place < share:
        return wanted, f"in the canary: {place:g} is below {share:g} %"
    return outside, f"outside the canary: {place:g} is not below {share:g} %"


def _fits(match: Match, situation: Situation) -> bool:
    return all(
        globs is None or any(value and fnmatchcase(value, glob) for glob in globs)
        for globs, value in (
            (match.tenants, situation.tenant),
            (match.routes, situation.route),
            (match.spaces, situation.space),
            (match.models, situation.model),
        )
    )


def _laid_over(layers: Iterable[tuple[str, Terms]]) -> tuple[Terms, dict[str, str]]:
    """Return the terms that layers give together, and which of them set each field."""
    fields: dict[str, object] = {}
    origins: dict[str, str] = {}
    levels: dict[Kind, Level] = {}
    tools: dict[str, Level] = {}
    for name, terms in layers:
        for each in _FIELDS:
            value = getattr(terms, each)
            if value is not None and each not in ("levels", "tools"):
                fields[each], origins[each] = value, name
        for kind, level in terms.levels.items():
            levels[kind], origins[f"levels.{kind}"] = level, name
        # The first that fits is in force, so a later layer's come first.
        tools = {**terms.tools, **{k: v for k, v in tools.items() if k not in terms.tools}}
        origins |= {f"tools.{tool}": name for tool in terms.tools}
    # Every value has been checked in the layer that it comes from.
    return Terms.model_construct(**fields, levels=levels, tools=tools), origins  # type: ignore[arg-type]
