"""One face, two modes: the library and a server give the same views and the same originals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from furler import ContentNotFoundError, ContentNotTextError, Furler, SelectorInvalidError
from support.inputs import orders, service_log
from support.service import running_service

ROOT = Path(__file__).parent.parent.parent
CONTENTS = {
    "log": service_log(700),
    "json": orders(150),
    "ndjson": "\n".join(f'{{"id": {n}, "state": "ok"}}' for n in range(300)),
    "search": "".join(
        f"src/package/mod_{n // 25}.py:{n}:    raise ValueError(code_{n})\n" for n in range(200)
    ),
    "source": (ROOT / "services/compressor/src/furler_engine/select.py").read_text(),
    "short": "nothing to gain here",
    "unicode": service_log(300).replace("request", "Anfrage über 中文 ") + "\r\nwindows\r\n",
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running_service() as service:
        yield service.address


@pytest.fixture
def modes(address: str, tmp_path: Path) -> Iterator[tuple[Furler, Furler]]:
    with Furler.embedded(str(tmp_path)) as embedded, Furler.connect(address) as connected:
        yield embedded, connected


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("policy", [{}, {"fidelity": "lossless"}, {"fidelity": "irreversible"}])
def test_views_are_byte_equal(
    modes: tuple[Furler, Furler], name: str, policy: dict[str, str]
) -> None:
    here, there = (f.compress(CONTENTS[name], query="refund failed", policy=policy) for f in modes)
    assert (here.text, here.ref, here.recipe) == (there.text, there.ref, there.recipe)
    assert (here.kind, here.compressors, here.elisions) == (
        there.kind,
        there.compressors,
        there.elisions,
    )
    assert (here.tokens_before, here.tokens_after) == (there.tokens_before, there.tokens_after)


@pytest.mark.parametrize("name", [name for name in CONTENTS if name != "short"])
def test_originals_come_back_byte_for_byte(modes: tuple[Furler, Furler], name: str) -> None:
    for furler in modes:
        view = furler.compress(CONTENTS[name])
        assert furler.retrieve(view.ref).text == CONTENTS[name]


def test_selectors_pick_the_same_bytes(modes: tuple[Furler, Furler]) -> None:
    log, source, rows = CONTENTS["log"], CONTENTS["source"], CONTENTS["json"]
    for furler in modes:
        ref = furler.compress(log).ref
        lines = log.splitlines(keepends=True)
        assert furler.retrieve(ref, lines="10-12").text == "".join(lines[9:12])
        assert furler.retrieve(ref, lines=(10, 12)).text == "".join(lines[9:12])
        assert "pool exhausted" in furler.retrieve(ref, match="FATAL").text
        assert "pool exhausted" in furler.retrieve(ref, query="pool exhausted").text
        code = furler.compress(source, filename="select.py").ref
        assert furler.retrieve(code, symbol="select").text.startswith("def select(")
        table = furler.compress(rows).ref
        assert '"id": 75' in furler.retrieve(table, path="$[75]").text


def test_pages_are_all_of_it(modes: tuple[Furler, Furler]) -> None:
    for furler in modes:
        ref = furler.compress(CONTENTS["log"]).ref
        parts, page = [], None
        while True:
            got = furler.retrieve(ref, max_tokens=2000, page=page)
            parts.append(got.text)
            page = got.next_page
            if not page:
                break
        assert len(parts) > 2
        assert "".join(parts) == CONTENTS["log"]


def test_errors_are_the_same(modes: tuple[Furler, Furler]) -> None:
    for furler in modes:
        with pytest.raises(ContentNotTextError, match="offset 5"):
            furler.compress(b"plain\xff")
        with pytest.raises(ContentNotFoundError):
            furler.retrieve("aaaaaaaaaaaaaaaa")
        ref = furler.compress(CONTENTS["log"]).ref
        with pytest.raises(SelectorInvalidError, match="9000"):
            furler.retrieve(ref, lines="9000-9001")


def test_the_command_line_compresses_retrieves_and_compares(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    log.write_text(CONTENTS["log"])

    def furler(*arguments: str) -> str:
        command = [sys.executable, "-m", "furler.cli", *arguments, "--data", str(tmp_path / "data")]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    view = furler("compress", str(log))
    ref = view.rpartition('ref="')[2][:16]
    assert furler("retrieve", ref) == CONTENTS["log"]
    assert furler("retrieve", ref, "--lines", "3-4") == "".join(
        CONTENTS["log"].splitlines(keepends=True)[2:4]
    )
