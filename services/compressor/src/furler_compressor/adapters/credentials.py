"""Which credentials a server takes: API keys, signed tokens, both, or, configured with none, none."""

from __future__ import annotations

from collections.abc import Sequence

from furler_compressor.app.errors import CredentialInvalidError
from furler_compressor.app.identity import Authenticator, Grant


class AnyOf:
    """Implements app.identity.Authenticator: the first that knows the token says what it allows."""

    def __init__(self, members: Sequence[Authenticator]) -> None:
        self._members = tuple(members)

    async def grant_of(self, token: str) -> Grant:
        if token:
            for member in self._members:
                try:
                    return await member.grant_of(token)
                except CredentialInvalidError:
                    continue
        raise CredentialInvalidError
