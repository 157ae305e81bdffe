"""What ``furler doctor`` looks at: one function per check, each with what to do about a failure."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from furler.cli.connection import Connection, Connector
from furler.errors import FurlerError
from furler.sync import Furler
from furler.values import Digest

SPACE: Final = "furler-doctor"
"""A space of its own: what is tried there shows in nobody's figures."""
_REINSTALL: Final = "install it again: pip install --force-reinstall 'furler[embedded]'"
_NO_MODEL: Final = "none serves; prose is shortened without one"


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    MISSING = "missing"
    """Not there, and not needed."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding; ``advice`` says what to do, where there is something to do."""

    name: str
    state: State
    found: str
    advice: str = ""


def check_engine() -> Check:
    """Look for the engine of this Python."""
    try:
        found = version("furler-compressor")
        import furler_compressor.embedded  # noqa: F401, PLC0415 - whether it imports is the check
    except (PackageNotFoundError, ImportError) as error:
        return Check(
            "engine", State.FAILED, str(error),
            "pip install 'furler[embedded]', or name a server with --server",
        )  # fmt: skip
    return Check("engine", State.OK, found)


def check_tokenizers() -> Check:
    """Load every vocabulary; loading compares its checksum."""
    from furler_engine import tokens, types  # noqa: PLC0415 - an optional part

    for name in types.TOKENIZERS:
        try:
            tokens.verify(name)
        except (tokens.VocabularyCorruptError, OSError, EOFError) as error:
            return Check("tokenizers", State.FAILED, f"{name}: {error}", _REINSTALL)
    return Check("tokenizers", State.OK, ", ".join(types.TOKENIZERS))


def check_grammars() -> Check:
    """Load the grammar of every language that source code is read in."""
    try:
        from tree_sitter_language_pack import get_language  # noqa: PLC0415

        from furler_engine.shared.syntax import LANGUAGES  # noqa: PLC0415 - an optional part

        for language in LANGUAGES:
            get_language(language)  # type: ignore[arg-type]  # the engine's table, as plain text
    except (ImportError, LookupError, OSError) as error:
        return Check("grammars", State.FAILED, str(error), _REINSTALL)
    return Check("grammars", State.OK, f"{len(LANGUAGES)} languages: {', '.join(LANGUAGES)}")


def check_store(connector: Connector, connection: Connection) -> Check:
    """Store a sample in the store of this machine, read it back, and delete it."""
    try:
        with connector(connection) as furler:
            furler.stats(space=SPACE)  # fails in the store's words; a view is only degraded
            problem = _round_trip(furler)
    except FurlerError as error:
        return Check(
            "store", State.FAILED, error.message,
            "name a directory you may write to with --data, or a redis:// URL that answers",
        )  # fmt: skip
    if problem:
        return Check("store", State.FAILED, problem, "look at the store's own log; it may be full")
    return Check(
        "store",
        State.OK,
        connection.data or "the default (FURLER_STORE, or your data directory)",
        " ".join(_store_advice(connection)),
    )


def _store_advice(connection: Connection) -> list[str]:
    """Return what is wrong with a store that works all the same, such as one that evicts."""
    from furler_compressor import embedded  # noqa: PLC0415 - an optional part

    try:
        return asyncio.run(embedded.store_advice(connection.data))
    except embedded.CallError as error:
        return [f"its settings cannot be read: {error}"]


def check_model_here() -> Check:
    """Load the model of prose that a service on this machine would use."""
    from furler_compressor import embedded  # noqa: PLC0415 - an optional part

    try:
        found = asyncio.run(embedded.model_state())
    except (embedded.ModelUnavailableError, ValueError) as error:
        return Check("model", State.FAILED, str(error), _REINSTALL)
    if found:
        return Check("model", State.OK, found)
    return Check("model", State.MISSING, _NO_MODEL)


def check_model(connector: Connector, connection: Connection) -> Check:
    """Ask a server whether a model of prose serves."""
    try:
        with connector(connection) as furler:
            model = furler.capabilities(space=SPACE).model
    except FurlerError as error:
        return Check("model", State.FAILED, error.message, "see the checks above")
    if model:
        return Check("model", State.OK, model)
    return Check("model", State.MISSING, _NO_MODEL)


def check_triton() -> Check | None:
    """Ask the Triton servers what they serve; None where none is configured."""
    from furler_compressor import embedded  # noqa: PLC0415 - an optional part

    try:
        found = asyncio.run(embedded.triton_report())
    except (embedded.ModelUnavailableError, OSError, ValueError) as error:
        return Check(
            "triton", State.FAILED, str(error),
            "is it up, are FURLER_TRITON_URLS right, and did furler_kompress.repository write its"
            " models? Until it answers, prose is judged in the compressor or kept",
        )  # fmt: skip
    return Check("triton", State.OK, found) if found else None


def check_server(connector: Connector, connection: Connection, *, required: bool) -> Check:
    """Ask a server to compress a sample and give it back."""
    name = f"server {connection.server}"
    try:
        with connector(connection) as furler:
            found = furler.capabilities(space=SPACE).engine_version
            problem = _round_trip(furler)
    except FurlerError as error:
        if required:
            return Check(
                name, State.FAILED, error.message,
                "is it running (furler up), and is the address right?",
            )  # fmt: skip
        return Check(name, State.MISSING, "none runs there; `furler up` starts one")
    if problem:
        return Check(name, State.FAILED, problem, "look at the server's log and its store")
    return Check(name, State.OK, f"engine {found}")


def _round_trip(furler: Furler) -> str:
    """Compress, retrieve and delete a sample; return what went wrong."""
    # Long enough to be worth a view, and told apart by nothing but a counter.
    sample = "".join(f"2026-01-01T00:00:{n % 60:02d}Z INFO probe {n} done\n" for n in range(200))
    view = furler.compress(sample, kind="log", space=SPACE)
    if view.degraded:
        return f"the view is degraded: {view.degraded.replace('_', ' ')}"
    if not view.ref:
        return "the sample was not stored"
    whole = b"".join(furler.read(view.ref, space=SPACE))
    furler.delete(view.ref, space=SPACE)
    return "" if Digest.of(whole) == Digest.of(sample) else "other bytes came back than were stored"
