"""G9 of docs/guarantees.md: connections leave files for the rest of the gateway's work."""

from __future__ import annotations

import resource

import pytest

from furler_gateway.connections import connections_that_fit

ANY = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "fits", "now"),
    [
        (20_000, 20_000, 4096, 20_000),
        (1024, 524_288, 4096, 4096 + 1088),  # as systemd and login shells have it
        (1024, 1024, 768, 1024),
        (256, 2048, 1536, 2048),
        (1024, ANY, 4096, 4096 + 1088),
        (ANY, ANY, 4096, ANY),
    ],
)
def test_no_more_connections_are_taken_than_there_are_files(
    soft: int, hard: int, fits: int, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: limits.append(wanted))
    assert connections_that_fit(4096) == fits
    assert limits[-1] == (now, hard)
