"""What tokens cost: a small table that the operator keeps. There is none by default, and none is made up."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictStr

Amount = Annotated[float, Field(ge=0, le=1e6, strict=True)]


class Price(BaseModel):
    """Of a million input tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: Amount
    cached_input: Amount
    """Of those that the provider has in its prompt cache: what views of earlier turns save."""


class Prices(BaseModel):
    """A price table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: Annotated[StrictStr, Field(min_length=1, max_length=8)]
    as_of: Annotated[StrictStr, Field(min_length=1, max_length=32)]
    """When the prices were looked up: shown beside every amount."""
    models: Annotated[dict[StrictStr, Price], Field(min_length=1, max_length=256)]
    """By glob of the model's name; the first that fits. A model without a price costs nothing."""

    def of(self, model: str) -> Price | None:
        """Return a model's price."""
        return next((p for glob, p in self.models.items() if fnmatchcase(model, glob)), None)


def read_prices(path: Path) -> Prices:
    """Return the table of a YAML file. Raises PolicyFileError, with the line of what is wrong."""
    from furler_gateway.policy.reading import read_as  # noqa: PLC0415 - without a file, no YAML

    return read_as(Prices, path)
