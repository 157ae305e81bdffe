"""The group of all commands, and how whatever goes wrong is told: one line and an exit code."""

from __future__ import annotations

from typing import IO

import click

from furler.cli import compress, doctor, explain, mcp, policy, retrieve, shared, stats, up, wrap
from furler.cli.connection import connect
from furler.errors import (
    ContentNotTextError,
    FieldInvalidError,
    FurlerError,
    SelectorInvalidError,
    UnavailableError,
)

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


class FailedCall(click.ClickException):
    """An error of ours on its way out."""

    def show(self, file: IO[str] | None = None) -> None:
        """Print one line."""
        click.echo(f"furler: {self.message}", file=file, err=True)


class WrongCall(FailedCall):
    """One that is about what the caller wrote."""

    exit_code = 2


class Commands(click.Group):
    """Commands whose errors are told in one place."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; what it raises becomes one line and an exit code."""
        try:
            return super().invoke(ctx)
        except (FieldInvalidError, SelectorInvalidError) as error:
            raise WrongCall(_advised(error)) from None
        except FurlerError as error:
            raise FailedCall(_advised(error)) from None
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None


def _advised(error: FurlerError) -> str:
    """Return the message, with what to do about it where that is not plain."""
    message = " ".join(error.message.split())
    match error:
        case ContentNotTextError():
            return f"{message}; convert it first, for example: iconv -f LATIN1 -t UTF-8 FILE"
        case UnavailableError():
            return f"{message}; `furler up` starts a server, `furler doctor` looks for the cause"
        case _:
            return message


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="furler")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Far shorter views of what an agent is about to read, and any part back on demand.

    Works by itself, in this process; with --server (or FURLER_SERVER) it asks a
    server. Options come after the command: furler compress --server HOST:PORT FILE.
    """
    ctx.obj = ctx.obj or connect


for _command in (
    compress.compress,
    retrieve.retrieve,
    explain.explain,
    shared.shared,
    stats.stats,
    up.up,
    wrap.wrap,
    mcp.mcp,
    policy.policy,
    doctor.doctor,
):
    cli.add_command(_command)
