"""What a policy file says: its schema, strict, every field with its bounds."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, model_validator

from furler.conversations import Mode
from furler.values import Fidelity, Kind, Level

MAX_RULES: Final = 1000
MAX_TOOLS: Final = 64
"""As many as a call's policy may hold."""
MAX_NAME: Final = 64

Name = Annotated[StrictStr, Field(min_length=1, max_length=MAX_NAME)]
Revision = Annotated[
    StrictStr, Field(max_length=MAX_NAME, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:+/@-]*$")
]
"""Fit for a metric's label, a header and a conversation's tag."""
Glob = Annotated[StrictStr, Field(min_length=1, max_length=128)]
Globs = Annotated[tuple[Glob, ...], Field(min_length=1, max_length=256)]


class RetrieveTool(StrEnum):
    """Whether the proxy offers the retrieve tool; a conversation keeps what it began with."""

    CALLER = "caller"
    """As the request's header or the gateway's setting says."""
    ALWAYS = "always"
    NEVER = "never"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Terms(_Strict):
    """What holds for a request; a field left out is decided elsewhere.

    Fidelity, levels, tools, model and retention bound what a caller may ask for, who may always
    ask for less. The others stand where the caller says nothing.
    """

    mode: Mode | None = None
    """apply, audit (measure, change nothing) or bypass."""
    canary_percent: Annotated[float, Field(ge=0, le=100, strict=True)] | None = None
    """Share of conversations that ``mode`` holds for, chosen by their ids. The rest, and below
    100 whatever has no id, gets ``outside_canary``."""
    outside_canary: Literal[Mode.BYPASS, Mode.AUDIT] | None = None
    """What holds outside; bypass unless it says audit."""
    fidelity: Fidelity | None = None
    levels: dict[Kind, Level] = Field(default_factory=dict)
    """By kind of content."""
    tools: Annotated[dict[Glob, Level], Field(max_length=MAX_TOOLS)] = Field(default_factory=dict)
    """By the tool that gave the content; the first that fits beats levels by kind."""
    min_tokens: Annotated[StrictInt, Field(ge=0, le=2**40)] | None = None
    target_tokens: Annotated[StrictInt, Field(ge=1, le=2**40)] | None = None
    disabled_compressors: Annotated[tuple[Name, ...], Field(max_length=256)] | None = None
    allow_model: StrictBool | None = None
    keep: Annotated[float, Field(ge=0.3, le=1, strict=True)] | None = None
    """Share of the words of prose that a model keeps, at least."""
    retention_seconds: Annotated[StrictInt, Field(ge=1, le=10**9)] | None = None
    retrieve_tool: RetrieveTool | None = None


class Match(_Strict):
    """Which requests a rule is for: all that is given must fit, one glob of each."""

    tenants: Globs | None = None
    routes: Globs | None = None
    """Such as /v1/compress, /v1/messages, /mcp, /furler.v1.CompressorService/*."""
    spaces: Globs | None = None
    models: Globs | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(
                "want tenants, routes, spaces or models; what holds for all is default"
            )
        return self


class Rule(_Strict):
    """Terms for some requests. Of the rules that fit, a later one has the last word on a field."""

    name: Name
    match: Match
    set: Terms


class Document(_Strict):
    """A policy file."""

    version: Literal[1]
    """Of this schema."""
    revision: Revision
    """The file's own name: in explanations, logs and metrics, and kept with each conversation."""
    kill_switch: StrictBool = False
    """True leaves everything alone at once, in conversations under way as well."""
    default: Terms = Terms()
    rules: Annotated[tuple[Rule, ...], Field(max_length=MAX_RULES)] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        seen: set[str] = {"default"}
        for rule in self.rules:
            if rule.name in seen:
                raise ValueError(f"rules: the name {rule.name!r} is taken")
            seen.add(rule.name)
        return self


NO_POLICY: Final = Document(version=1, revision="none")
"""What holds without a file: every caller as they ask."""
