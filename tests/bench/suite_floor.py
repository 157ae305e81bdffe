"""Source code beside its floor: what the parser, its query and the exact counts take by themselves.

No view of source code costs less than parsing it, asking the tree for its definitions
once, and counting the tokens before and after. The rest is Furler's own.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import cast

from tree_sitter import Parser, Query, QueryCursor
from tree_sitter_language_pack import SupportedLanguage, get_language

from furler_engine import tokens
from furler_engine.shared.grammars import QUERIES
from furler_engine.shared.languages import language_of_name
from furler_engine.types import DEFAULT_TOKENIZER, Hints

from . import generate
from .clock import repeat
from .corpus import CorpusError, read_text
from .furler_side import engine_times, engine_view
from .generate import KB
from .report import SuiteResult, Table
from .setting import Setting
from .suite_speed import USUAL

_LEAST = 20 * KB
"""Below, what a call takes whatever its size weighs too much."""
_NAME_WIDTH = 32


@dataclass(frozen=True, slots=True)
class _Costs:
    """Milliseconds of one core, medians, for one source of ``kb`` thousand bytes."""

    name: str
    kb: float
    parse: float
    query: float
    counts: float
    engine: float

    @property
    def floor(self) -> float:
        """What the libraries take."""
        return self.parse + self.query + self.counts


def run(setting: Setting) -> SuiteResult:
    """Measure generated code and each source of the corpus that is large enough."""
    sources = [(name, text) for name, text in _sources(setting) if len(text) >= _LEAST]
    costs = [
        found
        for name, text in setting.progress("floor", sources, len(sources))
        if (found := _measure(setting, name, text)) is not None
    ]
    columns = ("source", "KB", "parse", "query", "counts", "together", "engine", "engine / floor")
    rows = tuple(
        (
            c.name,
            f"{c.kb:.0f}",
            *(f"{ms:.1f}" for ms in (c.parse, c.query, c.counts, c.floor, c.engine)),
            f"{c.engine / c.floor:.2f}",
        )
        for c in costs
    )
    table = Table("Source code: one core, ms, beside what its libraries take", columns, rows)
    return SuiteResult("floor", (table,), {"sources": [asdict(c) for c in costs]}, ())


def _sources(setting: Setting) -> list[tuple[str, str]]:
    found = [("generated.py", generate.code(USUAL)), ("dense.py", generate.dense_code(USUAL))]
    try:
        files = [(path.name, read_text(path)) for path in setting.corpus.files("code")]
        files += [
            (item.id.removeprefix("code_").removeprefix("py_"), item.content)
            for item in setting.corpus.inputs
            if item.kind.startswith("code_")
        ]
    except CorpusError:
        files = []
    found += [(name[-_NAME_WIDTH:], text) for name, text in files]
    return [(name, text[: text.rfind("\n", 0, USUAL) + 1]) for name, text in found]


def _measure(setting: Setting, name: str, text: str) -> _Costs | None:
    language = language_of_name(name)
    if language is None or language not in QUERIES:
        return None
    seconds = 0.2 if setting.quick else 0.8
    hints = Hints(filename=name)
    data, view = text.encode(), engine_view(text, hints).text
    grammar = get_language(cast("SupportedLanguage", language))
    parser = Parser(grammar)
    tree, query = parser.parse(data), Query(grammar, QUERIES[language])
    return _Costs(
        name=name,
        kb=len(data) / KB,
        parse=repeat(lambda: parser.parse(data), seconds=seconds).cpu_p50,
        query=repeat(lambda: QueryCursor(query).matches(tree.root_node), seconds=seconds).cpu_p50,
        counts=repeat(
            lambda: [tokens.count(t, DEFAULT_TOKENIZER) for t in (text, view)], seconds=seconds
        ).cpu_p50,
        engine=engine_times(text, hints, seconds=seconds).cpu_p50,
    )
