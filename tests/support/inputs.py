"""Small inputs of the kinds that tests need, made here."""

from __future__ import annotations

import json


def service_log(lines: int) -> str:
    """Return a log whose lines are alike but for one fatal error in the middle."""
    out = [
        f"2026-03-14T09:{n // 60 % 60:02d}:{n % 60:02d}Z INFO http request {n} took {n % 97} ms"
        for n in range(lines)
    ]
    out[lines // 2] = "2026-03-14T09:30:00Z FATAL db pool exhausted by job reconcile-refunds"
    return "\n".join(out) + "\n"


def orders(rows: int) -> str:
    """Return a JSON array of orders, one of which failed."""
    items = [
        {"id": n, "name": f"customer {n}", "status": "paid", "total": n * 1.5} for n in range(rows)
    ]
    items[rows // 2]["status"] = "refund_failed"
    return json.dumps(items, indent=1)
