"""The model's files: only the ones that the manifest names are loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from furler_kompress import artefact

MAX_BYTES = 25_000_000


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "model.bin").write_bytes(b"weights")
    sums = {"model.bin": hashlib.sha256(b"weights").hexdigest()}
    (tmp_path / artefact.MANIFEST).write_text(json.dumps({"sha256": sums}), encoding="utf-8")
    monkeypatch.setattr(artefact, "DIRECTORY", tmp_path)
    _forget()
    yield tmp_path
    _forget()


def _forget() -> None:
    artefact.manifest.cache_clear()
    artefact.version.cache_clear()


def test_the_files_that_ship_have_the_sums_that_the_manifest_names() -> None:
    assert sorted(artefact.manifest()) == [artefact.MODEL, artefact.TOKENIZER]
    for name in artefact.manifest():
        artefact.read(name)


def test_the_model_that_ships_is_small() -> None:
    assert len(artefact.read(artefact.MODEL)) <= MAX_BYTES


def test_a_file_with_its_sum_is_read(directory: Path) -> None:
    assert artefact.read("model.bin") == b"weights"


def test_a_changed_file_is_refused_by_name(directory: Path) -> None:
    (directory / "model.bin").write_bytes(b"others")
    with pytest.raises(artefact.ArtefactError, match=r"model\.bin: sha256 is"):
        artefact.read("model.bin")


def test_a_missing_file_is_refused_by_name(directory: Path) -> None:
    (directory / "model.bin").unlink()
    with pytest.raises(artefact.ArtefactError, match=r"model\.bin: cannot be read"):
        artefact.read("model.bin")


def test_a_file_that_the_manifest_does_not_name_is_refused(directory: Path) -> None:
    with pytest.raises(
        artefact.ArtefactError, match=r"other\.bin: manifest\.json does not name it"
    ):
        artefact.read("other.bin")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sha256": 3}'])
def test_a_broken_manifest_is_refused(directory: Path, text: str) -> None:
    (directory / artefact.MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(artefact.ArtefactError, match=r"manifest\.json: cannot be read"):
        artefact.manifest()


def test_another_byte_is_another_version(directory: Path) -> None:
    before = artefact.version()
    sums = {"model.bin": hashlib.sha256(b"others").hexdigest()}
    (directory / artefact.MANIFEST).write_text(json.dumps({"sha256": sums}), encoding="utf-8")
    _forget()
    assert artefact.version() != before


def test_the_weights_for_gpus_have_the_sum_that_stands_beside_them() -> None:
    directory = Path(__file__).parents[3] / "services" / "model_server" / "weights"
    expected, name = (directory / "SHA256").read_text(encoding="utf-8").split()
    assert hashlib.sha256((directory / name).read_bytes()).hexdigest() == expected
