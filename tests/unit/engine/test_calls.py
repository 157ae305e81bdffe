"""What a call tells about its result, for the tools that agents have."""

from __future__ import annotations

import pytest

from furler_engine import calls
from furler_engine.dialects.block import Block, Call, Role
from furler_engine.dialects.json_scan import Span


def call(name: str, **arguments: object) -> Call:
    texts = tuple((k, v) for k, v in arguments.items() if isinstance(v, str))
    return Call(name, texts, tuple(arguments))


@pytest.mark.parametrize(
    ("given", "path", "reads", "ranged"),
    [
        (call("read_file", path="a.py"), "a.py", True, False),
        (call("Read", file_path="/src/a.py", offset=3, limit=9), "/src/a.py", True, True),
        (call("str_replace_editor", command="view", path="a.py"), "a.py", True, False),
        (call("str_replace_editor", command="str_replace", path="a.py"), "a.py", False, False),
        (call("edit", path="a.py"), "a.py", False, False),
        (call("create_thread", path="a.py"), "a.py", False, False),
        (call("bash", command="cat src/a.py"), "src/a.py", True, False),
        (call("bash", command="sed -n 1,80p src/a.py"), "src/a.py", True, True),
        (call("bash", command="head -50 a.py"), "a.py", True, True),
        (call("bash", command="cat a.py | grep x"), "", False, False),
        (call("bash", command="rm a.py"), "", False, False),
        (call("bash", command="cat " + "-x " * 100_000), "", False, False),
        (Call(), "", False, False),
    ],
)
def test_a_call_tells_what_it_reads(given: Call, path: str, reads: bool, ranged: bool) -> None:  # noqa: FBT001
    assert (calls.path(given), calls.is_read(given), calls.is_ranged(given)) == (
        path,
        reads,
        ranged,
    )


def test_the_requests_query_goes_before_the_calls() -> None:
    asked = call("web_search", query="cats")
    assert calls.hints(asked, "").query == "cats"
    assert calls.hints(asked, "dogs").query == "dogs"


@pytest.mark.parametrize(
    ("block_call", "role", "expected"),
    [
        (call("read_file", path="a.py"), Role.RESULT, "message 3, read_file a.py"),
        (call("read", path="/a/very/long/path/to/some/module.py"), Role.RESULT,
         "message 3, read …long/path/to/some/module.py"),
        (call("bash", command="git log\n--all"), Role.RESULT, "message 3, git log…"),
        (call("grep", pattern="x+"), Role.RESULT, "message 3, grep x+"),
        (Call(), Role.RESULT, "message 3"),
        (call("edit", path="a"), Role.CALL, "message 3, the call of edit"),
        (Call(), Role.DOCUMENT, "message 3, document"),
        (Call(), Role.USER, "message 3 (user)"),
    ],
)  # fmt: skip
def test_a_block_is_named_in_a_few_words(block_call: Call, role: Role, expected: str) -> None:
    block = Block(role, "/x", Span(0, 0), 2, block_call)
    assert calls.describe(block) == expected
