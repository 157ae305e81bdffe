"""A compressor with write-before-reveal switched off: it answers first and stores a moment later.

It exists to prove that the chaos test's checker notices.
"""

from __future__ import annotations

import asyncio
import sys

from furler_compressor import main
from furler_compressor.app import making
from furler_compressor.app.context import Caller, Context
from furler_compressor.app.making import Wanted
from furler_compressor.app.ports import Record, StoredView
from furler_compressor.app.views import pack_view
from furler_engine.types import View

LATER_SECONDS = 0.5


async def _keep(context: Context, caller: Caller, wanted: Wanted, view: View) -> bool:
    record = Record(wanted.ref, wanted.sha256, len(wanted.request.data), wanted.request.data)

    async def later() -> None:
        await asyncio.sleep(LATER_SECONDS)
        stored = StoredView(view.recipe, pack_view(view))
        await context.store.commit(wanted.scope, record, stored, wanted.retention)

    task = asyncio.create_task(later())
    context.background.add(task)
    task.add_done_callback(context.background.discard)
    return True


if __name__ == "__main__":
    making._keep = _keep
    sys.exit(main.main())
