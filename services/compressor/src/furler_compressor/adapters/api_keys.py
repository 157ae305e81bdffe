"""Static API keys: a file of what each key allows, read again when it changes.

The file is TOML (or JSON of the same shape). It holds digests, not keys: who reads it can use none.

    [[keys]]
    id = "ci"                       # its name in the audit trail
    sha256 = "9f86d081884c7d65…"    # of the key: printf %s "$KEY" | sha256sum
    tenant = "acme"
    spaces = ["build-*", "default"] # globs; left out: all of the tenant's
    roles = ["erase"]               # left out: none
    requests_per_second = 50        # these three: of the tenant; left out: the service's default
    bytes_per_second = 10_000_000
    stored_bytes = 10_000_000_000

    [[certificates]]                # clients that a gateway knows by their certificate
    id = "runner"
    san = "uri:spiffe://acme.example/runner"  # or "dns:runner.acme.example"; no glob
    tenant = "acme"                 # and the rest as above
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from furler_compressor.app.errors import CredentialInvalidError
from furler_compressor.app.identity import MAX_TENANT_LENGTH, ROLES, Grant, is_tenant
from furler_compressor.app.quota import Quota

_LOG: Final = logging.getLogger("furler.credentials")
# One stat() per second is nothing; a key that was taken away works no longer than this.
_LOOK_SECONDS = 1.0


class KeyFileError(ValueError):
    """A key file cannot be used. The message names the place, and holds no digest."""


class _Allowed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(min_length=1, max_length=128)]
    tenant: Annotated[str, Field(min_length=1, max_length=MAX_TENANT_LENGTH)]
    spaces: tuple[Annotated[str, Field(min_length=1, max_length=128)], ...] = ("*",)
    roles: frozenset[str] = frozenset()
    requests_per_second: Annotated[float, Field(ge=0)] | None = None
    bytes_per_second: Annotated[float, Field(ge=0)] | None = None
    stored_bytes: Annotated[int, Field(ge=0)] | None = None
    model_tokens_per_second: Annotated[float, Field(ge=0)] | None = None

    @field_validator("tenant")
    @classmethod
    def _fits(cls, tenant: str) -> str:
        if not is_tenant(tenant):
            raise ValueError("want printable characters")
        return tenant

    @field_validator("roles")
    @classmethod
    def _known(cls, roles: frozenset[str]) -> frozenset[str]:
        if not roles <= ROLES:
            raise ValueError(f"known roles: {', '.join(sorted(ROLES))}")
        return roles

    def grant(self, default: Quota) -> Grant:
        quota = Quota(
            _either(self.requests_per_second, default.requests_per_second),
            _either(self.bytes_per_second, default.bytes_per_second),
            int(_either(self.stored_bytes, default.stored_bytes)),
            _either(self.model_tokens_per_second, default.model_tokens_per_second),
        )
        return Grant(self.tenant, self.id, self.spaces, self.roles, quota)


class _Key(_Allowed):
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Certificate(_Allowed):
    san: Annotated[str, Field(pattern="^(uri|dns):[!-~]{1,2048}$")]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    keys: tuple[_Key, ...] = ()
    certificates: tuple[_Certificate, ...] = ()

    @model_validator(mode="after")
    def _has_any(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("keys: Field required")
        return self


class ApiKeys:
    """Implements app.identity.Authenticator over a file.

    A file that became unreadable or wrong changes nothing: the last good one stays in force, and
    the log says so.

    Args:
        path: The file. Raises KeyFileError if it cannot be used at the start.
        default: Bounds of tenants whose keys name none.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, path: Path, default: Quota, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._default = default
        self._clock = clock
        self._looked_at = clock()
        self._version = _version(path)
        self._grants, self._certificates = self._load()

    async def grant_of(self, token: str) -> Grant:
        self._reload_if_changed()
        digest = hashlib.sha256(token.encode()).digest()
        # Looked up by the digest, whose bytes the bearer cannot choose: what the time of a look-up
        # may tell says nothing about a key.
        entry = self._grants.get(digest)
        if entry is None or not hmac.compare_digest(entry[0], digest):
            raise CredentialInvalidError
        return entry[1]

    def grant_of_certificate(self, name: str) -> Grant:
        """Return what a certificate that a gateway has verified allows.

        Raises CredentialInvalidError.
        """
        self._reload_if_changed()
        grant = self._certificates.get(name)
        if grant is None:
            raise CredentialInvalidError
        return grant

    def _reload_if_changed(self) -> None:
        if self._clock() - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = self._clock()
        version = _version(self._path)
        if version == self._version:
            return
        self._version = version
        try:
            self._grants, self._certificates = self._load()
            _LOG.info("read %s API keys again", len(self._grants))
        except KeyFileError as error:
            _LOG.error("%s; the keys read before stay in force", error)

    def _load(self) -> tuple[dict[bytes, tuple[bytes, Grant]], dict[str, Grant]]:
        file = _read(self._path)
        every = (*file.keys, *file.certificates)
        by_digest = {bytes.fromhex(key.sha256): key for key in file.keys}
        by_name = {each.san: each.grant(self._default) for each in file.certificates}
        if len(by_digest) + len(by_name) < len(every) or len({e.id for e in every}) < len(every):
            raise KeyFileError(f"{self._path}: an id, a digest or a san stands there twice")
        grants = {digest: (digest, key.grant(self._default)) for digest, key in by_digest.items()}
        return grants, by_name


def _read(path: Path) -> _File:
    try:
        text = path.read_text(encoding="utf-8")
        fields = orjson.loads(text) if text.lstrip()[:1] == "{" else tomllib.loads(text)
        return _File.model_validate(fields)
    except (OSError, UnicodeDecodeError):
        raise KeyFileError(f"{path}: cannot be read") from None
    except (orjson.JSONDecodeError, tomllib.TOMLDecodeError):
        raise KeyFileError(f"{path}: neither TOML nor JSON") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise KeyFileError(f"{path}: {place}: {first['msg']}") from None


def _version(path: Path) -> tuple[int, int, int]:
    """Return what changes when the file does, also when a mounted secret is swapped by a link."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def _either(given: float | None, default: float) -> float:
    return default if given is None else given
