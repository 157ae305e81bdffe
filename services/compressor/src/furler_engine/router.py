"""Which compressors serve which kind. A table, nothing else; the pipeline reads it."""

from __future__ import annotations

from typing import Final

from furler_engine.compressors import (
    code,
    diagnostics,
    diff,
    diff_stat,
    git_log,
    git_oneline,
    listing,
    log,
    name_list,
    path_list,
    search,
    tree,
)
from furler_engine.types import Compressor, Fidelity, Kind

_LOG: Final = Compressor("log", Fidelity.REVERSIBLE, log.plan)
_DIAGNOSTICS: Final = Compressor("diagnostics", Fidelity.REVERSIBLE, diagnostics.plan)

ROUTES: Final[dict[Kind, tuple[Compressor, ...]]] = {
    Kind.DIFF: (
        Compressor("diff", Fidelity.LOSSLESS, diff.plan),
        Compressor("diff_stat", Fidelity.LOSSLESS, diff_stat.plan),
        Compressor("diff_brief", Fidelity.REVERSIBLE, diff.plan_eliding),
    ),
    Kind.GIT_LOG: (
        Compressor("git_log", Fidelity.LOSSLESS, git_log.plan),
        Compressor("git_log_brief", Fidelity.REVERSIBLE, git_log.plan_eliding),
        Compressor("git_oneline", Fidelity.REVERSIBLE, git_oneline.plan),
    ),
    Kind.LISTING: (
        Compressor("listing", Fidelity.LOSSLESS, listing.plan),
        Compressor("path_list", Fidelity.LOSSLESS, path_list.plan),
        Compressor("name_list", Fidelity.LOSSLESS, name_list.plan),
        Compressor("tree", Fidelity.LOSSLESS, tree.plan),
    ),
    Kind.SEARCH_RESULTS: (
        Compressor("search", Fidelity.LOSSLESS, search.plan),
        Compressor("search_brief", Fidelity.REVERSIBLE, search.plan_eliding),
    ),
    Kind.CODE: (Compressor("code", Fidelity.REVERSIBLE, code.plan),),
    Kind.LOG: (_LOG,),
    Kind.TEST_OUTPUT: (_LOG,),
    Kind.BUILD_OUTPUT: (_DIAGNOSTICS,),
    Kind.DIAGNOSTICS: (_DIAGNOSTICS,),
    Kind.STACK_TRACE: (_LOG,),
    Kind.TEXT: (_DIAGNOSTICS,),
}
"""Kind to compressors. Lossless ones are all tried before the first lossy one."""
