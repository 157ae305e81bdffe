"""Who calls: what a credential says about its bearer, and the port that reads credentials."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Protocol

from furler_compressor.app.quota import UNLIMITED, Quota

DEFAULT_TENANT: Final = "default"
"""Tenant of a server without credentials: whoever reaches it shares one cache."""
ERASE: Final = "erase"
"""Role of those who may delete originals before their time."""
ROLES: Final = frozenset({ERASE})
MAX_TENANT_LENGTH: Final = 128


@dataclass(frozen=True, slots=True)
class Grant:
    """What a credential allows.

    Attributes:
        tenant: Whose data its bearer works on.
        credential: Name of the credential for the audit trail; never the secret.
        spaces: Globs of the spaces it covers.
        roles: Names from ROLES.
        quota: The tenant's bounds.
    """

    tenant: str
    credential: str
    spaces: tuple[str, ...] = ("*",)
    roles: frozenset[str] = frozenset()
    quota: Quota = UNLIMITED

    def covers(self, space: str) -> bool:
        """Return whether a space is covered."""
        return any(fnmatchcase(space, glob) for glob in self.spaces)


ANONYMOUS: Final = Grant(DEFAULT_TENANT, "", roles=ROLES)
"""What everybody may who reaches a server without credentials."""


class Authenticator(Protocol):
    """Reads credentials."""

    async def grant_of(self, token: str) -> Grant:
        """Return what a bearer token allows; empty: there was none.

        Raises CredentialInvalidError, with the same message whatever the cause.
        """
        ...


class EdgeAuthenticator(Protocol):
    """Reads what a gateway says of a caller whom it knows by other means than a token."""

    async def grant_of(self, assertion: str, rpc: str) -> Grant:
        """Return what an assertion made for a call of an RPC allows; each is good once.

        Raises CredentialInvalidError, with the same message whatever the cause.
        """
        ...


class Anyone:
    """Lets everybody in as the default tenant: when no credentials are configured."""

    async def grant_of(self, token: str) -> Grant:
        """Return ANONYMOUS, whatever the token."""
        del token
        return ANONYMOUS


def is_tenant(name: object) -> bool:
    """Return whether a value is fit to name a tenant."""
    return isinstance(name, str) and 0 < len(name) <= MAX_TENANT_LENGTH and name.isprintable()
