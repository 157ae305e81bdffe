"""Signed tokens (JWT): what an identity provider says about the bearer becomes a grant."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import jwt

from furler_compressor.adapters.jwks import Jwks
from furler_compressor.app.errors import CredentialInvalidError
from furler_compressor.app.identity import ROLES, Grant, is_tenant
from furler_compressor.app.quota import Quota

# Public-key signatures only: with HS256 allowed, a public key would pass for a shared secret.
ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "EdDSA",
)
_LEEWAY_SECONDS = 30.0
_MAX_TOKEN = 16 * 1024
_MAX_SPACES = 256


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must say.

    Attributes:
        issuer: Its iss.
        audience: One of its aud.
        tenant_claim: The claim that names the tenant.
        spaces_claim: The claim that lists globs of spaces; absent from a token: all of the tenant's.
        roles_claim: The claim that lists roles, among whatever else.
    """

    issuer: str
    audience: str
    tenant_claim: str = "tenant"
    spaces_claim: str = "furler_spaces"
    roles_claim: str = "roles"


class Tokens:
    """Implements app.identity.Authenticator over signed tokens. ``clock`` is Unix time."""

    def __init__(
        self, jwks: Jwks, rules: TokenRules, quota: Quota, clock: Callable[[], float] = time.time
    ) -> None:
        self._jwks = jwks
        self._rules = rules
        self._quota = quota
        self._clock = clock

    async def grant_of(self, token: str) -> Grant:
        if not token or len(token) > _MAX_TOKEN:
            raise CredentialInvalidError
        try:
            header = jwt.get_unverified_header(token)
            key = await self._jwks.key(str(header.get("kid", "")))
            if key is None or header.get("alg") not in ALGORITHMS:
                raise CredentialInvalidError
            claims: dict[str, object] = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self._rules.audience,
                issuer=self._rules.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, ValueError):
            raise CredentialInvalidError from None
        return self._grant(claims)

    def _grant(self, claims: dict[str, object]) -> Grant:
        tenant, subject = claims.get(self._rules.tenant_claim), claims.get("sub")
        if not is_tenant(tenant) or not isinstance(subject, str):
            raise CredentialInvalidError
        spaces = _texts(claims.get(self._rules.spaces_claim, ["*"]))
        roles = _texts(claims.get(self._rules.roles_claim, []))
        return Grant(
            str(tenant),
            f"jwt:{subject[:120]}",
            tuple(spaces[:_MAX_SPACES]),
            ROLES & frozenset(roles),
            self._quota,
        )


def _texts(claim: object) -> list[str]:
    """Return a claim as a list of texts; one text is words, as OAuth's scope is."""
    if isinstance(claim, str):
        return claim.split()
    if isinstance(claim, list):
        return [item for item in claim if isinstance(item, str)]
    return []
