"""``furler-compressor erase``: what a store holds of a tenant, gone."""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections.abc import Sequence

from pydantic import ValidationError

from furler_compressor.adapters.erase import erase
from furler_compressor.app.errors import StoreUnavailableError
from furler_compressor.assemble import redis_access, store_url
from furler_compressor.config import Settings

_LOG = logging.getLogger("furler.erase")


def main(argv: Sequence[str]) -> int:
    """Erase a tenant. Returns 0 when it is gone, 1 if the store fails, 2 for a wrong command."""
    parser = argparse.ArgumentParser(
        prog="furler-compressor erase",
        description="Erase everything the store holds of a tenant, in all its spaces: originals,"
        " views, conversations, shared entries, counters. It cannot be undone. Take the tenant's"
        " credentials away first, and restart the replicas afterwards.",
    )
    parser.add_argument("--tenant", required=True, help="its name, as credentials have it")
    parser.add_argument("--store", help="as FURLER_STORE has it")
    arguments = parser.parse_args(argv)
    try:
        settings = Settings(**({"store": arguments.store} if arguments.store else {}))
        erased = asyncio.run(erase(store_url(settings), arguments.tenant, redis_access(settings)))
    except (ValidationError, ValueError) as error:
        _LOG.error("configuration: %s", error)
        return 2
    except StoreUnavailableError as error:
        _LOG.error("not all is erased, run it again: %s", error)
        return 1
    print(f"erased {erased} records of the tenant")  # noqa: T201 - the command's answer
    return 0
