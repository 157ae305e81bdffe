"""What a gateway says of a caller whom it knows by a client certificate: signed, short-lived, for one call.

An assertion is a JWT (HS256) of a key that only gateways and compressors hold. It names the
certificate, never a tenant: which tenant that is stands in the key file, here.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import jwt

from furler_compressor.adapters.keyring import Keyring
from furler_compressor.app.errors import CredentialInvalidError
from furler_compressor.app.identity import Grant

ALGORITHM: Final = "HS256"
ISSUER: Final = "furler-gateway"
AUDIENCE: Final = "furler-compressor"
MAX_SECONDS: Final = 60.0
"""Longest life that is accepted; gateways give 30."""
_LEEWAY_SECONDS: Final = 5.0
"""What two clocks kept by NTP may differ, and much more."""
_MAX_ASSERTION: Final = 4 * 1024
_MOST_SEEN: Final = 100_000
"""Assertions remembered, 15 MB of them: those of a minute at 1,600 calls per second. Beyond it
the oldest is forgotten, and could be used a second time until it expires."""


class EdgeAssertions:
    """Implements app.identity.EdgeAuthenticator.

    Args:
        keys: Newest first; all verify.
        certificates: Returns what a certificate's name allows, or raises CredentialInvalidError.
        clock: Unix time.
    """

    def __init__(
        self,
        keys: Keyring,
        certificates: Callable[[str], Grant],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = {key.name: key.secret for key in keys.keys}
        self._certificates = certificates
        self._clock = clock
        self._seen: OrderedDict[str, float] = OrderedDict()

    async def grant_of(self, assertion: str, rpc: str) -> Grant:
        claims = self._verified(assertion)
        name, token_id = claims.get("sub"), claims.get("jti")
        if claims.get("rpc") != rpc or not isinstance(name, str) or not isinstance(token_id, str):
            raise CredentialInvalidError
        self._use(token_id, _time(claims["exp"]))
        return self._certificates(name)

    def _verified(self, assertion: str) -> dict[str, object]:
        """Return the claims of an assertion that is ours and of now."""
        if len(assertion) > _MAX_ASSERTION:
            raise CredentialInvalidError
        try:
            key = self._keys.get(str(jwt.get_unverified_header(assertion).get("kid", "")))
            if key is None:
                raise CredentialInvalidError
            claims: dict[str, object] = jwt.decode(
                assertion,
                key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={
                    "require": ["exp", "iat", "iss", "aud", "sub", "jti"],
                    # By our own clock, below.
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except (jwt.PyJWTError, ValueError):
            raise CredentialInvalidError from None
        now, issued, expires = self._clock(), _time(claims["iat"]), _time(claims["exp"])
        if not issued - _LEEWAY_SECONDS <= now <= expires + _LEEWAY_SECONDS:
            raise CredentialInvalidError
        if expires - issued > MAX_SECONDS:
            raise CredentialInvalidError
        return claims

    def _use(self, token_id: str, expires: float) -> None:
        """Remember an assertion; each is good for one call."""
        if token_id in self._seen:
            raise CredentialInvalidError
        now = self._clock()
        self._seen[token_id] = expires + _LEEWAY_SECONDS
        # They come nearly in the order in which they expire.
        while self._seen and next(iter(self._seen.values())) < now:
            self._seen.popitem(last=False)
        if len(self._seen) > _MOST_SEEN:
            self._seen.popitem(last=False)


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CredentialInvalidError
    return float(value)
