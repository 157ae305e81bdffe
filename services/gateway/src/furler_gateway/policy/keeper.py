"""Keeps the policy file's document in force, and reads the file again when it changes."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from furler_gateway import telemetry
from furler_gateway.policy.document import NO_POLICY, Document

_LOG: Final = logging.getLogger("furler.gateway")
LOOK_SECONDS: Final = 1.0
"""One stat() per second is nothing; a kill switch works this soon."""


@dataclass(slots=True)
class PolicyKeeper:
    """The document in force; ``problem`` says why a newer file is not."""

    document: Document = NO_POLICY
    problem: str = ""
    path: Path | None = None
    _version: tuple[int, int, int] = (0, 0, 0)

    @classmethod
    def of(cls, path: Path | None) -> PolicyKeeper:
        """Return the keeper of a file; of none, the policy that there is none.

        Raises PolicyFileError: a gateway does not start with a file that it cannot use.
        """
        if path is None:
            return cls()
        from furler_gateway.policy.reading import read_file  # noqa: PLC0415 - without a file, no YAML

        version = _version_of(path)
        keeper = cls(read_file(path), "", path, version)
        keeper._report()
        return keeper

    async def watch(self) -> None:
        """Look for changes until cancelled."""
        while self.path is not None:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Read the file again if it changed. One that cannot be used changes nothing."""
        if self.path is None:
            return
        version = _version_of(self.path)
        if version == self._version:
            return
        self._version = version
        from furler_gateway.policy.reading import PolicyFileError, read_file  # noqa: PLC0415 - as above

        try:
            # Off the event loop: a large file takes a second.
            self.document = await asyncio.to_thread(read_file, self.path)
        except PolicyFileError as error:
            self.problem = str(error)
            telemetry.POLICY_RELOADS.labels("refused").inc()
            _LOG.error("policy: %s; revision %s stays in force", error, self.document.revision)
        else:
            self.problem = ""
            telemetry.POLICY_RELOADS.labels("read").inc()
            _LOG.info("policy: revision %s is in force", self.document.revision)
        self._report()

    def _report(self) -> None:
        telemetry.POLICY_STALE.set(bool(self.problem))
        telemetry.POLICY_KILLED.set(self.document.kill_switch)
        telemetry.POLICY_REVISION.clear()
        telemetry.POLICY_REVISION.labels(self.document.revision).set(1)


def _version_of(path: Path) -> tuple[int, int, int]:
    """Return what changes when the file does, also when a mounted one is swapped by a link."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
