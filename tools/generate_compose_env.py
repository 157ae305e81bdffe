"""Generate deploy/compose/compressor.env and gateway.env: every setting that docker-compose.yml leaves open.

What lives here: the one way these files are made. Names, defaults and what is said of them are the
programs' own; a test compares the files with fresh ones. Whoever runs compose takes the # away.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic_settings import BaseSettings

from furler_compressor.config import Settings as CompressorSettings
from furler_gateway.config import Settings as GatewaySettings

FOLDER: Final = Path(__file__).resolve().parent.parent / "deploy/compose"
PROGRAMS: Final[dict[str, type[BaseSettings]]] = {
    "compressor": CompressorSettings,
    "gateway": GatewaySettings,
}
# What docker-compose.yml or the image sets: addresses that other services, probes and scrapes know.
FIXED: Final = {
    "compressor": (
        "listen", "health_listen", "metrics_listen", "store", "engine_processes", "model",
        "triton_urls", "otlp_endpoint",
    ),
    "gateway": ("listen", "operate_listen", "compressor", "otlp_endpoint"),
}  # fmt: skip
_HEAD: Final = """\
# Settings of the {program} that docker-compose.yml leaves open, with their defaults. Made by `make docs`; take the # away
# before the name of one to set it. Files that settings name belong in deploy/compose/files, which is /etc/furler inside.
"""


def documents() -> dict[Path, str]:
    """Return what should stand in the files."""
    return {FOLDER / f"{program}.env": "".join(_lines(program)) for program in PROGRAMS}


def _lines(program: str) -> Iterator[str]:
    settings = PROGRAMS[program]
    prefix = settings.model_config.get("env_prefix", "")
    said = _said(settings)
    yield _HEAD.format(program=program)
    for name, field in settings.model_fields.items():
        if name not in FIXED[program]:
            yield f"\n# {said[name]}\n#{prefix}{name.upper()}={_written(field.default)}\n"


def _written(default: object) -> str:
    match default:
        case bool():
            return str(default).lower()
        case float():
            return repr(default).removesuffix(".0")
        case tuple():
            return ",".join(default)
        case _:
            return str(default)


def _said(settings: type[BaseSettings]) -> dict[str, str]:
    """Return what stands below each field, on one line."""
    said: dict[str, str] = {}
    name = ""
    for node in ast.walk(ast.parse(inspect.getsource(settings))):
        match node:
            case ast.AnnAssign(target=ast.Name(id=name)):
                pass
            case ast.Expr(value=ast.Constant(value=str() as text)) if name:
                said[name] = " ".join(text.replace("``", "").split())
    return said


def main() -> None:
    """Write the files."""
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
