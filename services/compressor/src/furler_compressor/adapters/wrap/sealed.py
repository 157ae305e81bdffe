"""Originals and views are kept encrypted: AES-256-GCM under a key of their tenant.

A sealed record is: 3 bytes of magic, the master key's id (8), a random nonce (12), ciphertext and
tag. The tenant's key is HKDF-SHA-256 of the master key. What is authenticated besides: tenant,
space, reference and, for a view, recipe; so a record that was moved or swapped does not open.

Nonces are random: NIST SP 800-38D allows 2^32 records per key, here per tenant and master key.
"""

from __future__ import annotations

import contextlib
import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from furler_compressor.adapters.keyring import ID_BYTES, KEY_BYTES, Keyring
from furler_compressor.adapters.wrap.forward import ForwardingStore
from furler_compressor.adapters.wrap.offload import offload
from furler_compressor.app.errors import ContentCorruptError, StoreRefusedError
from furler_compressor.app.ports import Held, Lease, Pin, Record, Scope, Store, StoredView

# No zstd frame begins so: what is not sealed is known by it.
_MAGIC = b"FS\x01"
_MARK_BYTES = len(_MAGIC) + ID_BYTES
_NONCE_BYTES = 12
_TAG_BYTES = 16
_MOST_TENANTS = 1024


class UnknownKeyError(Exception):
    """A record was sealed with a key that the keyring does not have."""


class SealedStore(ForwardingStore):
    """Seals what is committed with the newest key, opens what is read with the key it names.

    ``fetch`` raises ContentCorruptError for an original that was tampered with (wrap.verified
    removes it), and StoreRefusedError for one whose key is missing here: it stays, another replica
    may have the key. A view that does not open is a miss. An original sealed with an older key is
    sealed anew when it is committed again.

    Args:
        inner: The store that keeps what is sealed.
        keyring: Keys, newest first.
        only: Whether an original that is not sealed counts as damage. Else it is read, so that
            sealing can be switched on while originals are held; unsealed views are misses.
    """

    def __init__(self, inner: Store, keyring: Keyring, *, only: bool = False) -> None:
        super().__init__(inner)
        self._secrets = {key.key_id: key.secret for key in keyring.keys}
        self._newest = keyring.keys[0].key_id
        self._only = only
        self._ciphers: OrderedDict[tuple[bytes, str], AESGCM] = OrderedDict()

    async def recall(
        self, scope: Scope, ref: str, recipe: str, retention: float, lease: Lease | None = None
    ) -> bytes | None:
        sealed = await self._inner.recall(scope, ref, recipe, retention, lease)
        if sealed is None or not sealed.startswith(_MAGIC):
            return None
        try:
            return await self._open(scope, _bound(scope, ref, recipe), sealed)
        except (InvalidTag, UnknownKeyError):
            return None

    async def commit(
        self, scope: Scope, record: Record, view: StoredView | None, retention: float
    ) -> None:
        data = await self._seal(scope, _bound(scope, record.ref), record.data)
        sealed = replace(record, data=data, mark=data[:_MARK_BYTES])
        if view is not None:
            bound = _bound(scope, record.ref, view.recipe)
            view = StoredView(view.recipe, await self._seal(scope, bound, view.data))
        await self._inner.commit(scope, sealed, view, retention)

    async def commit_all(self, scope: Scope, records: Sequence[Record], retention: float) -> None:
        sealed: list[Record] = []
        for record in records:
            data = await self._seal(scope, _bound(scope, record.ref), record.data)
            sealed.append(replace(record, data=data, mark=data[:_MARK_BYTES]))
        await self._inner.commit_all(scope, sealed, retention)

    async def pins(self, scope: Scope, conversation: str, retention: float) -> dict[str, bytes]:
        held = await self._inner.pins(scope, conversation, retention)
        return await self._opened(scope, conversation, held)

    async def pin(
        self, scope: Scope, conversation: str, pins: Mapping[str, Pin], retention: float
    ) -> dict[str, bytes]:
        sealed = {
            key: Pin(pin.ref, await self._seal(scope, _pinned(scope, conversation, key), pin.data))
            for key, pin in pins.items()
        }
        held = await self._inner.pin(scope, conversation, sealed, retention)
        return await self._opened(scope, conversation, held)

    async def _opened(
        self, scope: Scope, conversation: str, sealed: Mapping[str, bytes]
    ) -> dict[str, bytes]:
        """Open pins; one that does not open is none."""
        opened: dict[str, bytes] = {}
        for key, data in sealed.items():
            with contextlib.suppress(InvalidTag, UnknownKeyError):
                opened[key] = await self._open(scope, _pinned(scope, conversation, key), data)
        return opened

    async def fetch(self, scope: Scope, ref: str) -> Held | None:
        held = await self._inner.fetch(scope, ref)
        if held is None:
            return None
        if not held.record.data.startswith(_MAGIC):
            if self._only:
                raise ContentCorruptError("the stored original is not sealed")
            return held
        try:
            data = await self._open(scope, _bound(scope, ref), held.record.data)
        except InvalidTag:
            raise ContentCorruptError("the stored original does not open") from None
        except UnknownKeyError:
            raise StoreRefusedError("the original is sealed with a key that is not here") from None
        return Held(replace(held.record, data=data, mark=b""), held.expires_at)

    async def _seal(self, scope: Scope, bound: bytes, data: bytes) -> bytes:
        cipher, nonce = self._cipher(self._newest, scope.tenant), os.urandom(_NONCE_BYTES)
        head = _MAGIC + self._newest + nonce
        return await offload(len(data), lambda: head + cipher.encrypt(nonce, data, bound))

    async def _open(self, scope: Scope, bound: bytes, sealed: bytes) -> bytes:
        """Return the content. Raises InvalidTag, UnknownKeyError."""
        at = _MARK_BYTES + _NONCE_BYTES
        if len(sealed) < at + _TAG_BYTES or not sealed.startswith(_MAGIC):
            raise InvalidTag
        key_id = sealed[len(_MAGIC) : _MARK_BYTES]
        if key_id not in self._secrets:
            raise UnknownKeyError
        cipher = self._cipher(key_id, scope.tenant)
        nonce, rest = sealed[_MARK_BYTES:at], memoryview(sealed)[at:]
        return await offload(len(sealed), lambda: cipher.decrypt(nonce, rest, bound))

    def _cipher(self, key_id: bytes, tenant: str) -> AESGCM:
        known = self._ciphers.pop((key_id, tenant), None)
        if known is None:
            derive = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"furler seal " + tenant.encode())
            known = AESGCM(derive.derive(self._secrets[key_id]))
        self._ciphers[key_id, tenant] = known
        if len(self._ciphers) > _MOST_TENANTS:
            self._ciphers.popitem(last=False)
        return known


def _pinned(scope: Scope, conversation: str, key: str) -> bytes:
    """Return what a pin's seal is bound to: one part more than any original's or view's."""
    return _bound(scope, conversation, key, "pin")


def _bound(scope: Scope, *names: str) -> bytes:
    """Return what a seal is bound to, each part with its length: ("ab", "c") is not ("a", "bc")."""
    parts = [scope.tenant, scope.space, *names]
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
