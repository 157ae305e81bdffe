"""Which compressors serve which kind. A table, nothing else; the pipeline reads it.

A row is a kind, and a compressor: its name, the weakest fidelity of its drafts,
its plan. All lossless compressors of a kind are tried before the first lossy one.
"""

from __future__ import annotations

from typing import Final

from furler_engine.compressors import (
    blob,
    code,
    columned_paths,
    config,
    diagnostics,
    diff,
    diff_stat,
    events,
    git_blame,
    git_files,
    git_log,
    git_objects,
    git_oneline,
    git_status,
    json_broken,
    json_paths,
    json_rows,
    json_tables,
    line_rows,
    listing,
    lock_file,
    log,
    long_lines,
    markdown,
    markup,
    name_list,
    path_list,
    prose,
    records,
    search,
    search_json,
    search_plain,
    sized_paths,
    sql_dump,
    table,
    test_output,
    tree,
    xml,
)
from furler_engine.types import Compressor, Fidelity, Kind

_LOSSLESS: Final = Fidelity.LOSSLESS
_ELIDING: Final = Fidelity.REVERSIBLE

_TABLE: Final = (
    (Kind.JSON, Compressor("json_tables", _LOSSLESS, json_tables.plan)),
    (Kind.JSON, Compressor("json_tables_2", _LOSSLESS, json_tables.plan_tight)),
    (Kind.JSON, Compressor("json_paths", _LOSSLESS, json_paths.plan)),
    (Kind.JSON, Compressor("json_rows", _ELIDING, json_rows.plan)),
    (Kind.JSON, Compressor("json_broken", _ELIDING, json_broken.plan)),
    (Kind.DIFF, Compressor("diff", _LOSSLESS, diff.plan)),
    (Kind.DIFF, Compressor("diff_stat", _LOSSLESS, diff_stat.plan)),
    (Kind.DIFF, Compressor("diff_brief", _ELIDING, diff.plan_eliding)),
    (Kind.GIT_LOG, Compressor("git_log", _LOSSLESS, git_log.plan)),
    (Kind.GIT_LOG, Compressor("git_log_brief", _ELIDING, git_log.plan_eliding)),
    (Kind.GIT_LOG, Compressor("git_blame", _LOSSLESS, git_blame.plan)),
    (Kind.GIT_LOG, Compressor("git_files", _LOSSLESS, git_files.plan)),
    (Kind.GIT_LOG, Compressor("git_files_brief", _ELIDING, git_files.plan_eliding)),
    (Kind.GIT_LOG, Compressor("git_oneline", _ELIDING, git_oneline.plan)),
    (Kind.GIT_LOG, Compressor("diff_brief", _ELIDING, diff.plan_eliding)),
    (Kind.LISTING, Compressor("listing", _LOSSLESS, listing.plan)),
    (Kind.LISTING, Compressor("path_list", _LOSSLESS, path_list.plan)),
    (Kind.LISTING, Compressor("sized_paths", _LOSSLESS, sized_paths.plan)),
    (Kind.LISTING, Compressor("columned_paths", _LOSSLESS, columned_paths.plan)),
    (Kind.LISTING, Compressor("name_list", _LOSSLESS, name_list.plan)),
    (Kind.LISTING, Compressor("tree", _LOSSLESS, tree.plan)),
    (Kind.LISTING, Compressor("git_status", _LOSSLESS, git_status.plan)),
    (Kind.LISTING, Compressor("git_objects", _ELIDING, git_objects.plan)),
    (Kind.SEARCH_RESULTS, Compressor("search", _LOSSLESS, search.plan)),
    (Kind.SEARCH_RESULTS, Compressor("search_brief", _ELIDING, search.plan_eliding)),
    (Kind.SEARCH_RESULTS, Compressor("search_plain", _LOSSLESS, search_plain.plan)),
    (Kind.SEARCH_RESULTS, Compressor("search_json", _LOSSLESS, search_json.plan)),
    (Kind.SEARCH_RESULTS, Compressor("search_json_brief", _ELIDING, search_json.plan_eliding)),
    (Kind.TABLE, Compressor("table", _ELIDING, table.plan)),
    (Kind.TABLE, Compressor("records", _ELIDING, records.plan)),
    (Kind.CONFIG, Compressor("records", _ELIDING, records.plan)),
    (Kind.CONFIG, Compressor("lock_file", _ELIDING, lock_file.plan)),
    (Kind.CONFIG, Compressor("config", _ELIDING, config.plan)),
    (Kind.BLOB, Compressor("blob", _ELIDING, blob.plan)),
    (Kind.MARKUP, Compressor("markup", _ELIDING, markup.plan)),
    (Kind.MARKUP, Compressor("xml", _ELIDING, xml.plan)),
    (Kind.PROSE, Compressor("prose", _ELIDING, prose.plan)),
    (Kind.CODE, Compressor("code", _ELIDING, code.plan)),
    (Kind.CODE, Compressor("long_lines", _ELIDING, long_lines.plan)),
    (Kind.CODE, Compressor("sql_dump", _ELIDING, sql_dump.plan)),
    (Kind.LOG, Compressor("events", _LOSSLESS, events.plan)),
    (Kind.LOG, Compressor("line_rows", _LOSSLESS, line_rows.plan_whole)),
    (Kind.LOG, Compressor("log", _ELIDING, log.plan)),
    (Kind.TEST_OUTPUT, Compressor("test_output", _ELIDING, test_output.plan)),
    (Kind.BUILD_OUTPUT, Compressor("line_rows", _LOSSLESS, line_rows.plan)),
    (Kind.TEXT, Compressor("line_rows", _LOSSLESS, line_rows.plan)),
    (Kind.BUILD_OUTPUT, Compressor("diagnostics", _ELIDING, diagnostics.plan)),
    (Kind.DIAGNOSTICS, Compressor("diagnostics", _ELIDING, diagnostics.plan)),
    (Kind.STACK_TRACE, Compressor("log", _ELIDING, log.plan)),
    (Kind.MARKDOWN, Compressor("markdown", _ELIDING, markdown.plan)),
    (Kind.TEXT, Compressor("diagnostics", _ELIDING, diagnostics.plan)),
)

ROUTES: Final[dict[Kind, tuple[Compressor, ...]]] = {
    kind: tuple(compressor for served, compressor in _TABLE if served is kind) for kind in Kind
}
