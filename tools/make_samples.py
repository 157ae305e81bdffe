"""Writes the demo's inputs to samples/: a service log, an API reply, search results.

Invented, seeded and repeatable, so that they can ship; the fourth input of the
demo is one of our own source files. Run it again only to change the samples.
"""

from __future__ import annotations

import json
import random
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"
_FIRST_NAMES = ("ada", "björn", "chioma", "dmitri", "elif", "farid", "grace", "hana", "ivo", "jun")
_REGIONS = ("eu-west-1", "eu-north-1", "us-east-2", "ap-south-1")


def service_log(rng: random.Random, lines: int = 900) -> str:
    """Return a checkout service's log: routine work, a few warnings, one fatal error."""
    at = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
    out = []
    for number in range(lines):
        at += timedelta(milliseconds=rng.randint(20, 900))
        stamp = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
        trace = f"{rng.getrandbits(64):016x}"
        if number == 611:
            out.append(
                f"{stamp} FATAL checkout.db [{trace}] connection pool exhausted: 50 of 50 in use,"
                " oldest held 318 s by job reconcile-refunds (pid 4127); giving up"
            )
            continue
        kind = rng.random()
        if kind < 0.55:
            out.append(
                f"{stamp} INFO  checkout.http [{trace}] POST /v1/orders 201"
                f" {rng.randint(11, 90)} ms region={rng.choice(_REGIONS)}"
            )
        elif kind < 0.85:
            out.append(
                f"{stamp} INFO  checkout.stock [{trace}] reserved {rng.randint(1, 9)} of sku"
                f" SKU-{rng.randint(1000, 9999)} in warehouse {rng.randint(1, 7)}"
            )
        elif kind < 0.985:
            out.append(
                f"{stamp} DEBUG checkout.cache [{trace}] hit price:{rng.randint(1000, 9999)}"
                f" ttl={rng.randint(1, 300)}s"
            )
        else:
            out.append(
                f"{stamp} WARN  checkout.db [{trace}] slow query: {rng.randint(1200, 4000)} ms for"
                " select_refunds_by_day"
            )
    return "\n".join(out) + "\n"


def api_reply(rng: random.Random, rows: int = 240) -> str:
    """Return an order list as an API gives it, pretty-printed, with one order that failed."""
    at = datetime(2026, 3, 14, 8, 0, tzinfo=UTC)
    orders = []
    for number in range(rows):
        at += timedelta(seconds=rng.randint(5, 300))
        name = rng.choice(_FIRST_NAMES)
        orders.append(
            {
                "id": f"ord_{rng.getrandbits(48):012x}",
                "created_at": at.isoformat().replace("+00:00", "Z"),
                "customer": {"name": name, "email": f"{name}{number}@shop.example"},
                "currency": "EUR",
                "total": round(rng.uniform(5, 180), 2),
                "items": rng.randint(1, 6),
                "region": rng.choice(_REGIONS),
                "status": "paid",
                "payment": {"provider": "acmepay", "captured": True},
            }
        )
    orders[171].update(status="refund_failed", total=4890.0, note="card expired during refund")
    return json.dumps({"data": orders, "has_more": True, "next": "cur_7Qk2"}, indent=2) + "\n"


def search_results() -> str:
    """Return what grep finds in our own sources."""
    found = subprocess.run(
        ["/usr/bin/grep", "-rn", "--include=*.py", "self._", "services", "clients"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return "\n".join(sorted(found.stdout.splitlines())) + "\n"


def main() -> None:
    """Write all samples."""
    SAMPLES.mkdir(exist_ok=True)
    rng = random.Random(7)  # noqa: S311 - repeatable, not secret
    (SAMPLES / "service.log").write_text(service_log(rng), encoding="utf-8")
    (SAMPLES / "orders.json").write_text(api_reply(rng), encoding="utf-8")
    (SAMPLES / "search.txt").write_text(search_results(), encoding="utf-8")


if __name__ == "__main__":
    main()
