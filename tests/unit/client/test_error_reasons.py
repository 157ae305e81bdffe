"""What error_reason.proto says of each reason is what the server sends."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from furler.v1 import error_reason_pb2
from furler_compressor.app import errors
from furler_compressor.rpc.errors import DOMAIN, status_of

PROTO = Path(__file__).resolve().parents[3] / "proto/furler/v1/error_reason.proto"
# A comment, then the value it belongs to.
_VALUE = re.compile(r"((?:^  //.*\n)+)^  (ERROR_REASON_\w+) = \d+;", re.MULTILINE)
COMMENTS = {
    name: [line.strip().removeprefix("//") for line in comment.splitlines()]
    for comment, name in _VALUE.findall(PROTO.read_text())
    if name != "ERROR_REASON_UNSPECIFIED"
}


def test_every_reason_is_read() -> None:
    expected = error_reason_pb2.ErrorReason.keys()[1:]
    assert list(COMMENTS) == expected


@pytest.mark.parametrize("name", COMMENTS)
def test_every_reason_shows_an_example_of_its_own(name: str) -> None:
    text = "\n".join(COMMENTS[name])
    example = json.loads(text[text.index("{") :])
    assert example["reason"] == name
    assert example["domain"] == DOMAIN
    assert set(example) == {"reason", "domain", "metadata"}


@pytest.mark.parametrize("error", errors.FurlerError.__subclasses__())
def test_the_server_answers_with_the_code_that_is_documented(
    error: type[errors.FurlerError],
) -> None:
    made = (
        errors.OverloadedError("no", retry_after=1.0)
        if issubclass(error, errors.OverloadedError)
        else error("no")
    )
    documented = COMMENTS[f"ERROR_REASON_{error.reason}"][0].strip().partition(":")[0]
    assert status_of(made).code.name == documented
