"""``GET /v1/policy``: what the policy says about a request like this, and which rule says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson
from aiohttp import web

from furler.conversations import Conversation, Dialect, Mode
from furler.errors import CredentialInvalidError, FurlerError, SpaceDeniedError
from furler_gateway import caller
from furler_gateway.errors import invalid
from furler_gateway.policy.decide import Treatment
from furler_gateway.requests import is_utf8, space_of
from furler_gateway.upstream import Upstream

PATH: Final = "/v1/policy"
_MOST: Final = 256
"""Characters of a parameter."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Serves /v1/policy."""

    upstream: Upstream

    def add_routes(self, app: web.Application) -> None:
        """Add the route."""
        app.router.add_get(PATH, self.answer)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer for the caller's own tenant; the rest of the request is as the parameters say."""
        space, name = space_of(request), _parameter(request, "session_id")
        place = caller.place()
        place.route = _parameter(request, "route") or "/v1/compress"
        place.model = _parameter(request, "model")
        treatment = await self.upstream.governor.treatment(space, name)
        began = await self._beginning(space, name) if name else None
        keeper = self.upstream.governor.keeper
        reply = {
            "request": {
                "tenant": place.tenant,
                "route": place.route,
                "space": space,
                "model": place.model,
                "session_id": name,
            },
            "revision": treatment.revision,
            "stale": bool(keeper.problem),
            "kill_switch": keeper.document.kill_switch,
            **effective(treatment),
            "conversation": _kept(treatment, began),
        }
        return web.Response(body=orjson.dumps(reply), content_type="application/json")

    async def _beginning(self, space: str, name: str) -> Conversation | None:
        """Return what a conversation began with; None if nobody can tell now."""
        try:
            # Without a body it only asks, whatever the dialect.
            return await self.upstream.plain.compress_conversation(
                b"", Dialect.OPENAI_CHAT, conversation=name, space=space, mode=Mode.AUDIT
            )
        except (CredentialInvalidError, SpaceDeniedError):
            raise
        except FurlerError:
            return None


def effective(treatment: Treatment) -> dict[str, object]:
    """Return mode, terms and their origins, as explanations write them."""
    terms = treatment.terms.model_dump(mode="json", exclude_none=True)
    return {
        "mode": treatment.mode,
        "why": treatment.why,
        "rules": treatment.rules,
        "terms": {name: value for name, value in terms.items() if value not in ({}, [])},
        "set_by": treatment.origins,
    }


def _kept(treatment: Treatment, began: Conversation | None) -> dict[str, object] | None:
    """Return what a conversation keeps, whatever the policy says by now."""
    if began is None or began.mode is None:
        return None
    kept = treatment.kept(began.tag)
    return {
        "mode": began.mode,
        "revision": kept.revision if began.tag else None,
        "retrieve_tool": kept.retrieve_tool,
    }


def _parameter(request: web.Request, name: str) -> str:
    value = request.query.get(name, "")
    if len(value) > _MOST or not (value.isprintable() and is_utf8(value)):
        raise invalid(name, f"{name}: want at most {_MOST} printable characters")
    return value
