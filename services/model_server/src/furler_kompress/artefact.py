"""The model's files, as they ship with the package, checked against their manifest.

What lives here: the manifest, sha256 sums, the model's version, the tokenizer.
What does not: the session that runs the model (scorer).
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tokenizers import Tokenizer

DIRECTORY: Final = Path(__file__).parent / "artefacts"
MANIFEST: Final = "manifest.json"
TOKENIZER: Final = "tokenizer.json"
MODEL: Final = "kompress-int8.onnx"


class ArtefactError(Exception):
    """A file of the model is missing, or is not the one that its manifest names."""


@cache
def manifest() -> dict[str, str]:
    """Return the sha256 sum of each file of the model, by name.

    Raises:
        ArtefactError: the manifest is missing or cannot be read.
    """
    path = DIRECTORY / MANIFEST
    try:
        loaded = json.loads(path.read_bytes())
        return {str(name): str(digest) for name, digest in loaded["sha256"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtefactError(f"{MANIFEST}: cannot be read: {error}") from error


@cache
def version() -> str:
    """Return the model's version: it changes with any byte of the model or its tokenizer."""
    sums = manifest()
    joined = "\n".join(f"{name} {sums[name]}" for name in sorted(sums))
    return f"kompress-{hashlib.sha256(joined.encode()).hexdigest()[:12]}"


def read(name: str) -> bytes:
    """Return a file of the model once its sum is checked.

    Raises:
        ArtefactError: the file is missing, unknown to the manifest, or has another sum.
    """
    expected = manifest().get(name)
    if expected is None:
        raise ArtefactError(f"{name}: {MANIFEST} does not name it")
    try:
        data = (DIRECTORY / name).read_bytes()
    except OSError as error:
        raise ArtefactError(f"{name}: cannot be read: {error}") from error
    actual = hashlib.sha256(data).hexdigest()
    if actual != expected:
        raise ArtefactError(f"{name}: sha256 is {actual}, {MANIFEST} says {expected}")
    return data


def path(name: str) -> Path:
    """Return where a file of the model is, once its sum is checked.

    A runtime that reads the file itself holds it once; given its bytes it would twice.

    Raises:
        ArtefactError: as ``read``.
    """
    read(name)
    return DIRECTORY / name


@cache
def tokenizer() -> Tokenizer:
    """Return the model's tokenizer, without truncation and padding; safe to share by threads."""
    # Who only asks for the version does without its 10 MB.
    from tokenizers import Tokenizer  # noqa: PLC0415

    loaded = Tokenizer.from_buffer(read(TOKENIZER))
    loaded.no_truncation()
    loaded.no_padding()
    return loaded


@cache
def special_ids() -> tuple[int, int]:
    """Return the ids of the tokens that open and close a chunk."""
    opening, closing = (tokenizer().token_to_id(token) for token in ("[CLS]", "[SEP]"))
    if opening is None or closing is None:
        raise ArtefactError(f"{TOKENIZER}: has no [CLS] or no [SEP]")
    return opening, closing
