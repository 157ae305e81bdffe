"""Fixtures of tests that cross processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.fake_provider import FakeProvider, running_provider


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    """Run a provider that a test module has for itself."""
    with running_provider() as running:
        yield running
