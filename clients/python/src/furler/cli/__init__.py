"""The command line. ``main`` is its entry; every command has a file of its own."""

from furler.cli.app import cli as main

__all__ = ["main"]
