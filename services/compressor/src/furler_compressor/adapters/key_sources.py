"""Where an issuer's public keys are read from: a file, an https URL, or what its discovery document names.

Discovery is OpenID Connect's (Discovery 1.0, section 4). What comes from outside is bounded in
time and bytes, comes from where it was asked for, and an error names what is wrong, never what was read.
"""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import IO, Final, Protocol
from urllib.parse import SplitResult, urlsplit

_WELL_KNOWN: Final = "/.well-known/openid-configuration"
_TIMEOUT_SECONDS: Final = 3.0
"""For a connection, and for each of its reads."""
_TOTAL_SECONDS: Final = 10.0
_MAX_BYTES: Final = 1024 * 1024
_DISCOVERED_SECONDS: Final = 3600.0
"""How long the place of the keys is taken for known. Keys themselves are read far more often."""
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class JwksError(ValueError):
    """Keys cannot be had; the message holds nothing that was read."""


class KeySource(Protocol):
    """Where keys come from."""

    def read(self) -> bytes:
        """Return a JWK set. Blocks, within bounds. Raises JwksError."""
        ...


class KeyFile:
    """A file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes:
        """Return a JWK set. Raises JwksError."""
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise JwksError(f"the file cannot be read ({error.strerror})") from None


class KeyUrl:
    """An https URL; http for loopback only. Raises JwksError for another.

    ``authorities`` is as Issuer has it.
    """

    def __init__(self, url: str, authorities: Path | None = None) -> None:
        _checked(url, "the JWK set")
        self._url = url
        self._authorities = _readable(authorities)

    def read(self) -> bytes:
        """Return a JWK set. Raises JwksError."""
        return _fetched(self._url, self._authorities)


class Issuer:
    """An issuer whose discovery document says where its keys are.

    Args:
        issuer: An https URL, http for loopback only, as tokens and the document have it in ``iss``.
        hosts: Whose hosts may have the keys besides the issuer's own.
        clock: Seconds, monotonic.
        authorities: PEM file of those who may sign the servers' certificates, read again with the
            keys; None: the system's.

    Raises:
        JwksError: For an issuer that is no such URL, and authorities that cannot be read.
    """

    def __init__(
        self,
        issuer: str,
        hosts: Iterable[str] = (),
        clock: Callable[[], float] = time.monotonic,
        authorities: Path | None = None,
    ) -> None:
        parts = _checked(issuer, "the issuer")
        if parts.query or parts.fragment:
            raise JwksError("the issuer: want a URL without a query")
        self._issuer = issuer
        self._hosts = {parts.hostname, *(host.lower() for host in hosts)}
        self._is_https = parts.scheme == "https"
        self._clock = clock
        self._authorities = _readable(authorities)
        self._keys_at = ""
        self._asked_at = float("-inf")

    def read(self) -> bytes:
        """Return a JWK set, from where the issuer has it. Raises JwksError."""
        if not self._keys_at or self._clock() - self._asked_at >= _DISCOVERED_SECONDS:
            self._discover()
        try:
            return _fetched(self._keys_at, self._authorities)
        except JwksError:
            self._keys_at = ""  # they may have moved
            raise

    def _discover(self) -> None:
        """Ask where the keys are. Raises JwksError."""
        try:
            place = self._issuer.rstrip("/") + _WELL_KNOWN
            found: object = json.loads(_fetched(place, self._authorities))
        except (ValueError, RecursionError) as error:
            why = f": {error}" if isinstance(error, JwksError) else " is no JSON"
            raise JwksError(f"the issuer's discovery document{why}") from None
        known = found if isinstance(found, dict) else {}
        # Section 4.3: anything else would let one issuer speak for another.
        if known.get("issuer") != self._issuer:
            raise JwksError("the discovery document names another issuer than FURLER_JWT_ISSUER")
        keys_at = known.get("jwks_uri")
        if not isinstance(keys_at, str):
            raise JwksError("the discovery document names no jwks_uri")
        parts = _checked(keys_at, "the discovery document's jwks_uri")
        if self._is_https and parts.scheme != "https":
            raise JwksError("the discovery document's jwks_uri: want https")
        if parts.hostname not in self._hosts:
            raise JwksError(
                f"the issuer has its keys at {parts.hostname}: name it in FURLER_JWT_KEY_HOSTS"
            )
        self._keys_at, self._asked_at = keys_at, self._clock()


def source_of(text: str, authorities: Path | None = None) -> KeySource:
    """Return the source that a setting names. Raises JwksError."""
    scheme = urlsplit(text).scheme
    if scheme in ("", "file"):
        return KeyFile(Path(text.removeprefix("file://")))
    return KeyUrl(text, authorities)


def _checked(url: str, what: str) -> SplitResult:
    """Return a URL's parts. Raises JwksError for one that cannot be trusted to be what it says."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise JwksError(f"{what}: want a URL") from None
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    if not is_safe or not host or parts.username is not None:
        raise JwksError(f"{what}: want an https URL, or http for loopback")
    return parts


class _Unfollowed(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: keys come from where they were asked for."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> None:
        """Return None: the redirect is the answer."""


_OPENER: Final = urllib.request.build_opener(_Unfollowed)


def _readable(authorities: Path | None) -> Path | None:
    """Return a file of authorities, or None. Raises JwksError for one that cannot be used."""
    _opener(authorities)
    return authorities


def _opener(authorities: Path | None) -> urllib.request.OpenerDirector:
    """Return what opens URLs of servers that authorities vouch for. Raises JwksError."""
    if authorities is None:
        return _OPENER
    try:
        trusted = ssl.create_default_context(cafile=authorities)
    except OSError as error:  # of TLS as well
        why = error.strerror or type(error).__name__
        raise JwksError(f"FURLER_JWT_CA_FILE: it holds no authorities ({why})") from None
    return urllib.request.build_opener(_Unfollowed, urllib.request.HTTPSHandler(context=trusted))


def _fetched(url: str, authorities: Path | None) -> bytes:
    """Return what a URL, which was checked, has. Raises JwksError."""
    until = time.monotonic() + _TOTAL_SECONDS
    data = bytearray()
    try:
        with _opener(authorities).open(url, timeout=_TIMEOUT_SECONDS) as answer:
            while chunk := answer.read1(_MAX_BYTES):
                data += chunk
                if len(data) > _MAX_BYTES:
                    raise JwksError(f"the answer has more than {_MAX_BYTES:,} bytes")
                if time.monotonic() >= until:
                    raise JwksError(f"no whole answer within {_TOTAL_SECONDS:g} s")
    except urllib.error.HTTPError as error:
        with error:
            what = "redirects, which are not followed" if 300 <= error.code < 400 else error.code
            raise JwksError(f"the server answered: {what}") from None
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else None
        if isinstance(reason, ssl.SSLCertVerificationError):
            why = f"its certificate is not trusted ({reason.verify_message})"
            raise JwksError(f"{why}: FURLER_JWT_CA_FILE names who may sign it") from None
        raise JwksError(f"the server cannot be reached ({type(error).__name__})") from None
    return bytes(data)
