"""Dockerfiles: by the rules of the trade (hadolint), and by ours."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILES = sorted(ROOT.glob("services/*/Dockerfile"))
PINNED = re.compile(r"^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$")


@pytest.fixture(scope="module", autouse=True)
def _tools() -> None:
    pytest.importorskip("dockerfile_parse", reason="installed by make compose-test")
    sys.path.insert(0, str(ROOT / "tools"))


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_hadolint_has_nothing_to_say(path: Path) -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_bases_are_pinned_by_digest_and_may_be_given(path: Path) -> None:
    from rehearsal.dockerfile import stages  # noqa: PLC0415 - found by _tools

    text = path.read_text()
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert all(re.fullmatch(r"\$\{[A-Z_]+\}", base) for base in bases), "want an ARG"
    found = stages(path)
    assert len(found) == 2
    for stage in found:
        assert PINNED.match(stage.base), stage.base


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_the_last_stage_installs_nothing_and_runs_as_nobody_in_particular(path: Path) -> None:
    from rehearsal.dockerfile import stages  # noqa: PLC0415 - found by _tools

    image = stages(path)[-1]
    assert [value for name, value in image.steps if name == "RUN"] == []
    assert all(v.startswith("--from=build ") for n, v in image.steps if n in {"COPY", "ADD"})
    assert image.user[0] >= 1000
    assert image.entrypoint[0].startswith("/")
    assert image.healthcheck[0].startswith("/")


def test_every_service_has_a_dockerfile() -> None:
    services = {path.name for path in (ROOT / "services").iterdir() if (path / "src").is_dir()}
    assert {path.parent.name for path in DOCKERFILES} == services
