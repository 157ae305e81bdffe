"""The server's certificate: read anew at each handshake, so that a renewed one needs no restart."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import grpc

_LOG: Final = logging.getLogger("furler.rpc")


@dataclass(frozen=True, slots=True)
class ServerTls:
    """Files, PEM. With ``client_ca`` only clients whose certificate it signed get in (mutual TLS)."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def credentials(self) -> grpc.ServerCredentials:
        """Return gRPC's form. Raises OSError for a file that cannot be read."""
        # None, for "no change", is missing in the stubs.
        renew = cast("Callable[[], grpc.ServerCertificateConfiguration]", self._renewed)
        return grpc.dynamic_ssl_server_credentials(
            self._configuration(), renew, require_client_authentication=self.mutual
        )

    @property
    def mutual(self) -> bool:
        """Whether clients must show a certificate."""
        return self.client_ca is not None

    def _configuration(self) -> grpc.ServerCertificateConfiguration:
        pair = (self.key.read_bytes(), self.certificate.read_bytes())
        roots = self.client_ca.read_bytes() if self.client_ca is not None else None
        return grpc.ssl_server_certificate_configuration([pair], roots)

    def _renewed(self) -> grpc.ServerCertificateConfiguration | None:
        try:
            return self._configuration()
        except OSError as error:
            # In the middle of a renewal: the last one serves.
            _LOG.warning("the server's certificate cannot be read: %s", error.strerror)
            return None
