"""What every key of a scope begins with."""

from __future__ import annotations

from urllib.parse import quote

from furler_compressor.app.ports import Scope


def scope_prefix(scope: Scope) -> str:
    """Return ``furler:{tenant/space}:``. Quoting keeps any two scopes apart: a/b + c, a + b/c."""
    # The braces are a hash tag: all keys of a scope lie on one slot of a Cluster.
    return f"furler:{{{quote(scope.tenant, safe='')}/{quote(scope.space, safe='')}}}:"


def tenant_prefix(tenant: str) -> str:
    """Return ``furler:{tenant}:``, for what is kept per tenant. No scope's tag lacks its slash."""
    return f"furler:{{{quote(tenant, safe='')}}}:"
