"""What an image installs: all that its distributions need, at the versions that the tests run with."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
IMAGES = ("compressor", "gateway", "model_server")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def pins(name: str) -> dict[str, str]:
    return dict(_PIN.findall((ROOT / "requirements" / f"{name}.txt").read_text()))


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_has_every_dependency_of_its_distributions(image: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/image_requirements.py"), image],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    wanted = {plain(_NAME.match(line)[0]) for line in done.stdout.splitlines()}  # type: ignore[index]
    assert wanted - set(pins(image)) == set(), "run `make lock`"


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_has_the_versions_that_the_tests_run_with_and_nothing_else(image: str) -> None:
    assert pins(image).items() <= pins("runtime").items(), "run `make lock`"


@pytest.mark.parametrize("image", IMAGES)
def test_every_package_is_pinned_by_its_hashes(image: str) -> None:
    text = (ROOT / "requirements" / f"{image}.txt").read_text()
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text)
    assert [b.partition(" ")[0] for b in blocks if "==" in b and "--hash=sha256:" not in b] == []
