"""The way to the providers: one pool of connections, nothing added, nothing followed."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from furler_gateway import telemetry
from furler_gateway.config import Settings
from furler_gateway.errors import Failure, RequestError
from furler_gateway.proxy.carry import Connector

_LOG: Final = logging.getLogger("furler.gateway")
_POOL: Final = 1024
"""Connections to providers; more wait their turn."""
_KEEP_SECONDS: Final = 15.0
"""Much less than providers wait before they close an idle connection: a request must not meet its end."""
_READ_BYTES: Final = 256 * 1024
_NOTHING_ADDED: Final = (hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE)
_WRITE_BYTES: Final = 256 * 1024
"""A longer body is written piece by piece: in one piece it is encrypted before anything else is served."""
Body = bytes | AsyncIterator[bytes] | AsyncIterator[memoryview] | None


@dataclass(slots=True)
class Forwarder:
    """Sends requests on. Its pool opens at the first one."""

    settings: Settings
    trusted: ssl.SSLContext
    _session: aiohttp.ClientSession | None = None

    @classmethod
    def of(cls, settings: Settings) -> Forwarder:
        """Return one that trusts whom the settings say. Raises OSError for a file of no use."""
        try:
            trusted = ssl.create_default_context(cafile=settings.upstream_ca or None)
        except OSError as error:  # of TLS as well
            why = error.strerror or type(error).__name__
            raise OSError(f"upstream_ca: it holds no authorities ({why})") from None
        return cls(settings, trusted)

    async def sent(
        self, method: str, url: str, headers: Sequence[tuple[str, str]], body: Body
    ) -> aiohttp.ClientResponse:
        """Send a request; return its response, to be entered, with the body still to come.

        Leaving it early, as a client that goes away makes us do, closes the connection, and the
        provider stops. Raises RequestError with 502 or 504.
        """
        session = self._opened()
        fields = CIMultiDict(headers)
        if isinstance(body, bytes) and len(body) > _WRITE_BYTES:
            fields[hdrs.CONTENT_LENGTH] = str(len(body))
            body = _pieces(body)
        try:
            return await session.request(
                method,
                URL(url, encoded=True),  # as it came: no path is normalised, no escape rewritten
                headers=fields,
                data=body,
                allow_redirects=False,  # a redirect is the client's to follow, with its own eyes
            )
        except TimeoutError:
            telemetry.PROXY_TROUBLE.labels("timeout").inc()
            failure = Failure("deadline_exceeded", "the provider did not answer in time")
            raise RequestError(failure) from None
        except aiohttp.ClientError as error:
            if isinstance(error.__cause__, RequestError):
                raise error.__cause__ from None  # the body's, while it was written
            telemetry.PROXY_TROUBLE.labels("unreachable").inc()
            # The host is of the settings. What an error says may quote more, its name does not.
            why = {"host": URL(url).host, "cause": type(error).__name__}
            _LOG.warning("the provider cannot be reached", extra={"fields": why})
            failure = Failure("unavailable", "the provider cannot be reached", status=502)
            raise RequestError(failure) from None

    async def close(self, _app: web.Application) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=Connector(limit=_POOL, keepalive_timeout=_KEEP_SECONDS, ssl=self.trusted),
                # One client's cookies are no other's.
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(
                    total=self.settings.upstream_total_seconds,
                    sock_connect=self.settings.upstream_connect_seconds,
                    sock_read=self.settings.upstream_idle_seconds,
                ),
                skip_auto_headers=_NOTHING_ADDED,
                auto_decompress=False,
                trust_env=False,  # only config.py reads the environment
                read_bufsize=_READ_BYTES,
                max_line_size=64 * 1024,
                max_field_size=64 * 1024,
            )
        return self._session


async def _pieces(body: bytes) -> AsyncIterator[memoryview]:
    held = memoryview(body)
    for at in range(0, len(held), _WRITE_BYTES):
        yield held[at : at + _WRITE_BYTES]
