"""The server's certificate, and whose client certificates it accepts."""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from furler_gateway.config import Settings

_LOG: Final = logging.getLogger("furler.gateway")
LOOK_SECONDS: Final = 5.0
"""A renewed certificate serves this soon; old ones are good for days more."""


@dataclass(slots=True)
class ServerTls:
    """One TLS context; a renewed certificate is loaded into it, for the handshakes that follow."""

    context: ssl.SSLContext
    certificate: Path
    key: Path
    _version: tuple[int, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> ServerTls | None:
        """Return the configured one; None for plain HTTP. Raises OSError, ssl.SSLError."""
        if not settings.tls_cert_file:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        if settings.tls_client_ca_file:
            context.load_verify_locations(settings.tls_client_ca_file)
            required = settings.tls_client_required
            context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
        made = cls(context, Path(settings.tls_cert_file), Path(settings.tls_key_file))
        made.load()
        return made

    def load(self) -> None:
        """Load the files. Raises OSError, ssl.SSLError."""
        version = self._now()
        self.context.load_cert_chain(self.certificate, self.key)
        self._version = version

    async def watch(self) -> None:
        """Look for a renewed certificate until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Load the files if they changed. In the middle of a renewal the last ones serve."""
        try:
            if self._now() != self._version:
                self.load()
        except (OSError, ssl.SSLError) as error:
            _LOG.warning("the certificate cannot be read: %s", type(error).__name__)

    def _now(self) -> tuple[int, ...]:
        found = [path.stat() for path in (self.certificate, self.key)]
        return tuple(n for each in found for n in (each.st_ino, each.st_mtime_ns, each.st_size))
