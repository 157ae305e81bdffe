"""Which compressors serve which kind. A table, nothing else; the pipeline reads it."""

from __future__ import annotations

from typing import Final

from furler_engine.compressors import (
    code,
    diagnostics,
    log,
    long_lines,
    search,
    sql_dump,
)
from furler_engine.types import Compressor, Fidelity, Kind

_LOG: Final = Compressor("log", Fidelity.REVERSIBLE, log.plan)
_DIAGNOSTICS: Final = Compressor("diagnostics", Fidelity.REVERSIBLE, diagnostics.plan)

ROUTES: Final[dict[Kind, tuple[Compressor, ...]]] = {
    Kind.SEARCH_RESULTS: (
        Compressor("search", Fidelity.LOSSLESS, search.plan),
        Compressor("search_brief", Fidelity.REVERSIBLE, search.plan_eliding),
    ),
    Kind.CODE: (
        Compressor("code", Fidelity.REVERSIBLE, code.plan),
        Compressor("long_lines", Fidelity.REVERSIBLE, long_lines.plan),
        Compressor("sql_dump", Fidelity.REVERSIBLE, sql_dump.plan),
    ),
    Kind.LOG: (_LOG,),
    Kind.TEST_OUTPUT: (_LOG,),
    Kind.BUILD_OUTPUT: (_DIAGNOSTICS,),
    Kind.DIAGNOSTICS: (_DIAGNOSTICS,),
    Kind.STACK_TRACE: (_LOG,),
    Kind.TEXT: (_DIAGNOSTICS,),
}
"""Kind to compressors. Lossless ones are all tried before the first lossy one."""
