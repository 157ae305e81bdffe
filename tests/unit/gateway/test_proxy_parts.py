"""The proxy's pure parts: events, names of conversations, upstreams, usage, the cache's health."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from furler.conversations import Dialect
from furler_gateway import json_spans
from furler_gateway.config import Settings
from furler_gateway.json_spans import BodyError, appended, elements, members, replaced
from furler_gateway.proxy import tool
from furler_gateway.proxy.identity import conversation, is_subscription
from furler_gateway.proxy.providers import PathError, UnknownUpstreamError, Upstreams
from furler_gateway.proxy.sse import EventTooLongError, Splitter, parse
from furler_gateway.proxy.usage import Usage, Watch, normal, summed
from support import recorded as r

ANTHROPIC, CHAT, RESPONSES = (
    Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES,
)  # fmt: skip
SESSION = "0b1c9d3e-4b52-4f5c-8d7a-2f6f0f7f9a01"
STREAM = (
    r.anthropic_stream([r.said("caf\u00e9"), r.call("t", ref="x")], "tool_use")
    + b": comment\r\n\r\ndata: a\rdata: b\r\rdata:c\r\ndata: \xff\n\n\nevent: x\nid: 7\ndata: last\n\n"
)


def _split(stream: bytes, *cuts: int) -> tuple[list[bytes], bytes]:
    splitter, found = Splitter(), []
    at = 0
    for cut in [*cuts, len(stream)]:
        found += splitter.feed(stream[at:cut])
        at = cut
    return found, splitter.rest()


def test_events_are_the_same_at_every_split_point() -> None:
    whole = _split(STREAM)
    assert b"".join(whole[0]) + whole[1] == STREAM
    for cut in range(len(STREAM)):
        assert _split(STREAM, cut) == whole
    assert _split(STREAM, *range(len(STREAM))) == whole


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([b"\r", b"\n", b"data: x", b":", b"event: e", b"\xef\xbb\xbf"])),
    st.data(),
)
def test_whatever_comes_goes_on_whole_in_whatever_pieces(
    parts: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    events, rest = _split(stream, *cuts)
    assert b"".join(events) + rest == stream
    assert (events, rest) == _split(stream)
    for event in events:
        parse(event)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([b"\r", b"\n", b"\n\n", b"data: x\n\n", b"data: x", b"data"])),
    st.data(),
)
def test_what_passes_together_is_whole_events_and_nothing_is_lost(
    parts: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))

    def passes(held: bytes | bytearray, at: int) -> int:
        match = re.compile(rb"(?:data: x\n\n)+").match(held, at)
        return at if match is None else match.end()

    splitter, out = Splitter(), b""
    for start, end in pairwise([0, *cuts, len(stream)]):
        chunk = stream[start:end]
        begin = splitter.skipped(chunk, passes)
        assert chunk[:begin].replace(b"data: x\n\n", b"") == b""
        out += chunk[:begin]
        for raw, together in splitter.pieces(chunk[begin:], passes):
            assert raw.replace(b"data: x\n\n", b"") == b"" or not together
            out += raw
    assert out + splitter.rest() == stream


def test_an_event_says_its_type_and_its_data() -> None:
    event = parse(b"\xef\xbb\xbf: hi\nevent: delta\ndata: a\ndata:b\nid: 1\n\n")
    assert (event.name, event.data) == ("delta", b"a\nb")


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([b"event: e", b"event:f", b"event", b"data: x", b"data:  y", b"data:", b"id: 1", b": c", b"", b"\xff"]), max_size=4),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
)  # fmt: skip
def test_an_event_is_read_line_by_line_in_whatever_form(lines: list[bytes], end: bytes) -> None:
    name, data = b"", []
    for line in lines:
        field, _, value = line.partition(b":")
        if field == b"event":
            name = value.removeprefix(b" ")
        elif field == b"data":
            data.append(value.removeprefix(b" "))
    event = parse(b"".join(line + end for line in [*lines, b""]))
    assert (event.name.encode(), event.data) == (name, b"\n".join(data))


def test_an_event_without_an_end_is_not_held_for_ever() -> None:
    splitter = Splitter(1000)
    splitter.feed(b"data: " + b"x" * 900)
    with pytest.raises(EventTooLongError):
        splitter.feed(b"y" * 200)
    assert splitter.rest() == b"data: " + b"x" * 900 + b"y" * 200


@pytest.mark.parametrize(
    ("dialect", "headers", "fields", "expected"),
    [
        (CHAT, {"x-furler-conversation": "mine"}, {}, "header:mine"),
        (CHAT, {"x-furler-conversation": "a\u0007"}, {}, ""),
        (CHAT, {"x-furler-conversation": "a" * 300}, {"prompt_cache_key": SESSION}, ""),
        (ANTHROPIC, {}, {"metadata": {"user_id": f"user_ab_account_x_session_{SESSION}"}},
         f"anthropic_messages:{SESSION}"),
        (ANTHROPIC, {}, {"metadata": {"user_id": json.dumps({"session_id": SESSION})}},
         f"anthropic_messages:{SESSION}"),
        (ANTHROPIC, {}, {"metadata": {"user_id": "anna"}}, ""),
        (ANTHROPIC, {}, {"metadata": {"user_id": SESSION}}, ""),
        (ANTHROPIC, {}, {"metadata": {"user_id": '{"session_id": "one"}'}}, ""),
        (ANTHROPIC, {}, {"metadata": {"user_id": "{"}}, ""),
        (ANTHROPIC, {}, {"metadata": 7, "prompt_cache_key": SESSION}, ""),
        (CHAT, {}, {"prompt_cache_key": SESSION}, f"openai_chat:{SESSION}"),
        (CHAT, {}, {"prompt_cache_key": "my-application"}, ""),
        (CHAT, {}, {"user": SESSION, "safety_identifier": SESSION}, ""),
        (RESPONSES, {}, {"previous_response_id": "resp_" + "a" * 40}, ""),
        (RESPONSES, {}, {"conversation": {"id": "conv_0123456789"}},
         "openai_responses:conv_0123456789"),
        (RESPONSES, {"session_id": SESSION}, {}, f"openai_responses:{SESSION}"),
        (RESPONSES, {"session_id": "1"}, {}, ""),
    ],
)  # fmt: skip
def test_a_conversation_has_the_name_that_client_or_provider_gave_it(
    dialect: Dialect, headers: dict[str, str], fields: dict[str, object], expected: str
) -> None:
    assert conversation(dialect, headers, fields) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"authorization": "Bearer sk-ant-oat01-x"}, True),
        ({"authorization": "bearer eyJh.x.y"}, True),
        ({"authorization": "Bearer sk-proj-x", "chatgpt-account-id": "a"}, True),
        ({"authorization": "Bearer sk-proj-x"}, False),
        ({"authorization": "Bearer sk-ant-oat01-x", "x-api-key": "k"}, False),
        ({"authorization": "Bearer sk-ant-oat01-x", "x-api-key": ""}, True),
        ({"x-api-key": "sk-ant-oat01-x"}, True),
        ({"x-api-key": "sk-ant-api03-x"}, False),
        ({}, False),
    ],
)
def test_a_subscription_is_known_by_its_token(headers: dict[str, str], *, expected: bool) -> None:
    assert is_subscription(headers) is expected


UPSTREAMS = Upstreams({"anthropic": "https://a", "openai": "https://o/x", "azure": "https://z"})


@pytest.mark.parametrize(
    ("method", "path", "headers", "url", "endpoint"),
    [
        ("POST", "/v1/messages?beta=true", {}, "https://a/v1/messages?beta=true", "/v1/messages"),
        ("POST", "/v1/messages/count_tokens", {}, "https://a/v1/messages/count_tokens", "/v1/messages/count_tokens"),
        ("POST", "/v1/messages/batches", {}, "https://a/v1/messages/batches", ""),
        ("GET", "/v1/messages", {}, "https://a/v1/messages", ""),
        ("POST", "/v1/chat/completions", {}, "https://o/x/v1/chat/completions", "/v1/chat/completions"),
        ("POST", "/responses", {}, "https://o/x/responses", "/v1/responses"),
        ("POST", "/v1/responses/compact", {}, "https://o/x/v1/responses/compact", ""),
        ("GET", "/v1/models", {}, "https://o/x/v1/models", ""),
        ("GET", "/v1/models", {"anthropic-version": "1"}, "https://a/v1/models", ""),
        ("POST", "/to/azure/openai/d/chat/completions?v=%2F", {}, "https://z/openai/d/chat/completions?v=%2F", "/v1/chat/completions"),
        ("POST", "/to/azure", {}, "https://z", ""),
        ("POST", "/v1/messages", {"x-furler-upstream": "azure"}, "https://z/v1/messages", "/v1/messages"),
    ],
)  # fmt: skip
def test_a_request_goes_where_its_path_and_headers_say(
    method: str, path: str, headers: dict[str, str], url: str, endpoint: str
) -> None:
    route = UPSTREAMS.route(method, path, headers)
    assert (route.url, route.endpoint) == (url, endpoint)
    assert (route.dialect is not None) == bool(endpoint)


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("http://evil.example/v1/models", "https://o/x/v1/models"),
        ("x.evil://u@y:1/v1/models?a=http://b/../c", "https://o/x/v1/models?a=http://b/../c"),
        ("http://evil.example/to/azure/v1/models", "https://z/v1/models"),
        ("/v1/models/http://evil.example/", "https://o/x/v1/models/http://evil.example/"),
    ],
)
def test_a_request_never_names_the_host_that_it_goes_to(target: str, url: str) -> None:
    assert UPSTREAMS.route("GET", target, {}).url == url


@pytest.mark.parametrize(
    "target",
    ["/v1/../admin", "/v1/%2e%2E/admin", "/to/openai/..", "/v1/a%2f..%2Fb", "/v1/..%5cb", "*",
     "@evil.example/v1/models", "evil.example:443", "http://evil.example", ""],
)  # fmt: skip
def test_no_path_climbs_out_of_an_upstream(target: str) -> None:
    with pytest.raises(PathError):
        UPSTREAMS.route("GET", target, {})


@pytest.mark.parametrize("name", ["evil", "https://evil.example", "", "azure.evil"])
def test_no_request_goes_anywhere_else(name: str) -> None:
    with pytest.raises(UnknownUpstreamError):
        UPSTREAMS.route("GET", f"/to/{name}/v1/models", {})


@pytest.mark.parametrize(
    "entry",
    ["x", "x=", "=https://x", "x=ftp://x", "x=https://u:p@x", "x=https://x?y", "x=https://x#y",
     "x=file:///etc", "a b=https://x", "x=https://", "x=http://h:99999", "x=http://h:abc", "x=http://h:0",
     "x=http://a b"],
)  # fmt: skip
def test_an_upstream_is_an_http_address_with_a_name(entry: str) -> None:
    with pytest.raises(ValueError, match="upstreams"):
        Settings(upstreams=(entry,))
    with pytest.raises(ValueError, match="twice"):
        Settings(upstreams=("x=https://x", "x=https://y"))


def test_the_retrieve_tool_s_bytes_are_those_of_this_release() -> None:
    """They stand at the head of prompts: whoever changes them makes every cached one anew."""
    assert {
        str(dialect): hashlib.sha256(data).hexdigest()[:16]
        for dialect, data in tool.DEFINITIONS.items()
    } == {
        "anthropic_messages": "035ccfe32ede757a",
        "openai_chat": "df8a550bf0193b00",
        "openai_responses": "fff71d823d500c05",
    }


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ([{"name": "mcp__furler__retrieve"}], True),
        ([{"type": "function", "function": {"name": "headroom_retrieve"}}], True),
        # As Codex has the tools of a server.
        ([{"type": "namespace", "name": "mcp__furler", "tools": [{"name": "compress"}, {"name": "retrieve"}]}], True),
        ([{"type": "namespace", "name": "mcp__library", "tools": [{"name": "retrieve"}]}], False),
        ([{"name": "retrieve"}, {"name": "bash", "description": 'says "name": "furler"'}], False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_client_s_own_retrieve_tool_is_known(
    tools: list[object], separators: tuple[str, str], *, expected: bool
) -> None:
    assert tool.has_own(json.dumps(tools, separators=separators).encode()) is expected


def test_a_usage_is_found_whatever_stands_before_it() -> None:
    stream = r.anthropic_stream([r.said('"usage": {"input_tokens": 9} ' * 10_000)], read=77)
    for size in (1000, 70_000, len(stream)):
        watch = Watch()
        for at in range(0, len(stream), size):
            watch.take(stream[at : at + size])
        assert normal(ANTHROPIC, watch.usage()) == Usage(12, 77, 5, 30)
    watch = Watch("gzip")
    watch.take(gzip.compress(r.chat_whole("x")))
    assert normal(CHAT, watch.usage()) == Usage(100, 0, 0, 20)
    for data in (b"", b'"usage": {', b'"usage": {"a": ' + b"[" * 9000):
        watch = Watch()
        watch.take(data)
        assert watch.usage() == {}
    watch = Watch("gzip")
    watch.take(b"no gzip")
    assert watch.usage() == {}


def test_usages_add_up() -> None:
    one = {"a": 1, "b": {"c": 2, "d": None}, "s": "x"}
    assert summed([one, {"a": 2, "b": {"c": 3}, "s": "y", "e": 1.5}]) == {
        "a": 3, "b": {"c": 5, "d": None}, "s": "y", "e": 1.5,
    }  # fmt: skip
    responses = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 64},
        "output_tokens": 3,
    }
    assert normal(RESPONSES, responses) == Usage(36, 64, 0, 3)


@given(st.lists(st.text(max_size=5)), st.integers(0, 3))
def test_what_is_added_to_an_array_comes_last_and_nothing_else_changes(
    texts: list[str], blanks: int
) -> None:
    inner = json.dumps(texts, ensure_ascii=False)[1:-1]
    body = ('{"a": [' + " " * blanks + inner + " " * blanks + '] , "b": 1.0e0}').encode()
    held = members(body)["a"]
    made = appended(body, (held.start, held.end), [b'"x"', b"7"])
    assert json.loads(made) == {"a": [*texts, "x", 7], "b": 1.0}
    assert made.endswith(b'] , "b": 1.0e0}')
    spans = elements(body, (held.start, held.end))
    assert [json.loads(body[a:b]) for a, b in spans] == texts
    assert json.loads(replaced(body, [(span, b"null") for span in spans]))["a"] == [None] * len(
        texts
    )


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.just('\\"\\\\[}'),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(
    value=st.dictionaries(st.text(max_size=4), _JSON, max_size=5),
    indent=st.sampled_from([None, 1]),
    is_ascii=st.booleans(),
)
def test_a_long_body_is_skimmed_to_the_same_places(
    value: dict[str, object], indent: int | None, *, is_ascii: bool
) -> None:
    body = json.dumps(value, indent=indent, ensure_ascii=is_ascii).encode()
    read = members(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_spans, "_LARGE", 0)
        skimmed = members(body)
        assert [(n, m.start, m.end) for n, m in skimmed.items()] == [
            (n, m.start, m.end) for n, m in read.items()
        ]
        assert [type(m.value) for m in skimmed.values()] == [type(m.value) for m in read.values()]
        for name, member in read.items():
            if isinstance(member.value, list):
                span = (member.start, member.end)
                texts = [json.loads(body[a:b]) for a, b in elements(body, span)]
                assert texts == value[name]


@pytest.mark.parametrize(
    "body",
    [b'{"a": "' + b"x" * 3_000_000, b'{"a": ' + b"[" * 3_000_000, b'{"a": [' + b'"\\' * 1_000_000,
     b'{"a": ' + b"7" * 3_000_000 + b"}", b'{"a": nope' + b" " * 3_000_000 + b"}", b"[" * 3_000_000],
)  # fmt: skip
def test_a_long_body_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(BodyError):
        members(body)


@pytest.mark.parametrize(
    ("filler", "count", "message"),
    [
        (b"[],", 1_000_001, "strings and brackets"),
        (b'"",', 2_000_001, "strings and brackets"),
        (b"{}, ", 1_000_001, "strings and brackets"),
        (b'1],"%d":[', 1_001, "members"),
    ],
)
def test_a_body_of_too_many_parts_is_refused(filler: bytes, count: int, message: str) -> None:
    numbered = b"".join(filler % n if b"%" in filler else filler for n in range(count))
    with pytest.raises(BodyError, match=message):
        members(b'{"a":[' + numbered + b"1]}")


def test_strings_and_brackets_within_the_members_of_a_body_are_counted_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(json_spans, "_LARGE", 0)
    monkeypatch.setattr(json_spans, "_MOST_SIGNS", 10)
    assert list(members(b'{"a":[[],"x"],"b":["[[[[[["]}')) == ["a", "b"]
    with pytest.raises(BodyError, match="strings and brackets"):
        members(b'{"a":[[],"x"],"b":[[],[],"y"]}')


@pytest.mark.parametrize("text", [b"{}", b"7", b"[1", b"[1,,2]", b"", b"[" * 50_000])
def test_what_is_no_array_is_refused(text: bytes) -> None:
    with pytest.raises(BodyError):
        elements(text, (0, len(text)))
