"""The health check of an image: what it says of a server that serves, and of one that does not."""

from __future__ import annotations

from furler_compressor import probe
from support.ports import free_ports
from support.service import running_service


def test_a_compressor_without_its_store_is_healthy_because_it_serves() -> None:
    nowhere, health = free_ports(2)
    with running_service(
        store=f"redis://127.0.0.1:{nowhere}/0", health_listen=f"127.0.0.1:{health}"
    ):
        assert probe.main([f"127.0.0.1:{health}"]) == 0


def test_where_nothing_listens_nothing_is_healthy() -> None:
    assert probe.main([f"127.0.0.1:{free_ports(1)[0]}"]) == 1


def test_a_probe_wants_an_address() -> None:
    assert probe.main([]) == 2
