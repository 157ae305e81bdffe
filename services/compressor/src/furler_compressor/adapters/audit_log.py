"""The audit trail as lines of JSON, through the logger ``furler.audit``: to a file or to stderr."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Final

import orjson

from furler_compressor.app.audit import Entry

_LOG: Final = logging.getLogger("furler.audit")


class AuditLog:
    """Implements app.audit.AuditTrail. ``target`` is a file, or "stderr"."""

    def __init__(self, target: str) -> None:
        handler: logging.Handler
        if target == "stderr":
            handler = logging.StreamHandler(sys.stderr)
        else:
            # Opened at the first entry, and again when a log rotator moved it away.
            handler = WatchedFileHandler(Path(target).expanduser(), encoding="utf-8", delay=True)
        handler.setFormatter(logging.Formatter("%(message)s"))
        for old in _LOG.handlers[:]:
            _LOG.removeHandler(old)
            old.close()
        _LOG.addHandler(handler)
        _LOG.setLevel(logging.INFO)
        # An entry is for whoever keeps the trail, not for the process' log.
        _LOG.propagate = False

    def write(self, entry: Entry) -> None:
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "operation": entry.operation,
            "tenant": entry.tenant,
            "credential": entry.credential,
            "agent": entry.agent,
            "space": entry.space,
            "ref": entry.ref,
            "selector": entry.selector,
            "bytes": entry.size,
            "outcome": entry.outcome,
        }
        _LOG.info("%s", orjson.dumps(line).decode())
