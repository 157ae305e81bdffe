"""The client's values and the API's messages say the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest

from furler import (
    ContentNotTextError,
    Degraded,
    Digest,
    Elision,
    Fidelity,
    FieldInvalidError,
    Kind,
    Level,
    Policy,
    ServerError,
    errors,
    messages,
)
from furler.v1 import compression_pb2, content_pb2, content_service_pb2, error_reason_pb2


@pytest.mark.parametrize(
    ("values", "names", "prefix"),
    [
        (Kind, content_pb2.ContentKind.keys(), "CONTENT_KIND_"),
        (Fidelity, compression_pb2.Fidelity.keys(), "FIDELITY_"),
        (Level, compression_pb2.Level.keys(), "LEVEL_"),
        (Degraded, compression_pb2.DegradedReason.keys(), "DEGRADED_REASON_"),
    ],
)
def test_the_client_names_every_value_of_the_api(
    values: type[StrEnum], names: list[str], prefix: str
) -> None:
    expected = [name.removeprefix(prefix) for name in names if not name.endswith("_UNSPECIFIED")]
    assert expected == [each.name for each in values if each.name != "UNKNOWN"]
    assert [each.name.lower() for each in values] == [each.value for each in values]


def test_every_reason_of_the_api_has_an_error_of_its_own() -> None:
    for number in error_reason_pb2.ErrorReason.values():
        if reason := messages.reason_name(number):
            error = errors.from_reason(reason, "so")
            assert reason == type(error).reason


def test_a_reason_newer_than_the_client_is_kept_by_name() -> None:
    error = errors.from_reason("MOON_FULL", "so", {"a": "b"})
    assert isinstance(error, ServerError)
    assert error.reason == "MOON_FULL"
    assert error.metadata == {"a": "b"}
    assert ServerError("x").reason == "INTERNAL"


def test_a_policy_and_the_dict_of_its_fields_are_the_same_message() -> None:
    fields = {
        "fidelity": "lossless",
        "target_tokens": 500,
        "min_tokens": 0,
        "tokenizer": "cl100k_base",
        "disabled_compressors": ("b", "a"),
        "levels": {"log": "tight", Kind.CODE: Level.OFF},
        "allow_model": True,
        "keep": 0.5,
        "retention": 60,
        "recipe": "0.1.0/abc",
    }
    message = messages.policy(fields)
    assert message is not None
    assert message == messages.policy(Policy.of(fields))
    assert message.fidelity == compression_pb2.FIDELITY_LOSSLESS
    assert message.HasField("min_tokens")
    assert message.disabled_compressors == ["a", "b"]
    assert [(level.kind, level.level) for level in message.levels] == [
        (content_pb2.CONTENT_KIND_LOG, compression_pb2.LEVEL_TIGHT),
        (content_pb2.CONTENT_KIND_CODE, compression_pb2.LEVEL_OFF),
    ]
    assert timedelta(minutes=1) == message.retention.ToTimedelta()


def test_a_policy_of_defaults_leaves_all_to_the_server() -> None:
    assert messages.policy(None) is None
    assert messages.policy(Policy()) == compression_pb2.Policy()


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("target_token", 5, "policy.target_token"),
        ("target_tokens", -1, "policy.target_tokens"),
        ("target_tokens", "5", "policy.target_tokens"),
        ("target_tokens", 2.5, "policy.target_tokens"),
        ("min_tokens", True, "policy.min_tokens"),
        ("fidelity", "loss", "policy.fidelity"),
        ("levels", "tight", "policy.levels"),
        ("levels", {"logs": "tight"}, "policy.levels"),
        ("levels", {"log": "tightest"}, "policy.levels.log"),
        ("disabled_compressors", "log", "policy.disabled_compressors"),
        ("tokenizer", 3, "policy.tokenizer"),
        ("keep", "half", "policy.keep"),
        ("retention", "1h", "policy.retention"),
        ("retention", -1, "policy.retention"),
        ("retention", float("nan"), "policy.retention"),
        ("retention", 1e300, "policy.retention"),
    ],
)
def test_a_wrong_field_of_a_policy_is_named(field: str, value: object, named: str) -> None:
    with pytest.raises(FieldInvalidError) as caught:
        messages.policy({field: value})
    assert caught.value.metadata == {"field": named}
    assert field in caught.value.message


def test_a_near_miss_gets_a_suggestion() -> None:
    with pytest.raises(FieldInvalidError, match="did you mean 'target_tokens'"):
        messages.policy({"target_token": 5})
    with pytest.raises(FieldInvalidError, match="did you mean 'search_results'"):
        messages.hints("search_result", None, None, None, "")


def test_a_view_carries_over_whole() -> None:
    message = compression_pb2.View(
        text="short",
        ref="mfzwi3lborqxg5bo",
        elisions=[compression_pb2.Elision(marker="L3-9", tokens=7, summary="debug lines")],
        original=content_pb2.Digest(sha256=b"\x01" * 32, size_bytes=90),
        tokens_before=content_pb2.TokenCount(tokens=40, tokenizer="o200k_base"),
        tokens_after=content_pb2.TokenCount(tokens=10, tokenizer="o200k_base", estimated=True),
        kind=content_pb2.CONTENT_KIND_GIT_LOG,
        compressors=["git_log"],
        recipe="0.1.0/abc",
        degraded=compression_pb2.DEGRADED_REASON_DEADLINE,
        cached=True,
    )
    view = messages.view_from(message)
    assert (view.text, view.ref, view.kind) == ("short", "mfzwi3lborqxg5bo", "git_log")
    assert view.elisions == (Elision("L3-9", "debug lines", 7),)
    assert view.original == Digest("01" * 32, 90)
    assert (view.tokens_before, view.tokens_after, view.saved) == (40, 10, 0.75)
    assert (view.tokenizer, view.estimated, view.recipe) == ("o200k_base", True, "0.1.0/abc")
    assert view.degraded is Degraded.DEADLINE
    assert view.cached


def test_values_newer_than_the_client_are_named_as_unknown() -> None:
    message = compression_pb2.View()
    message.ParseFromString(b"\x38\xc8\x01\x50\x64")  # kind = 200, degraded = 100
    view = messages.view_from(message)
    assert view.kind is Kind.TEXT
    assert view.degraded is Degraded.UNKNOWN


def test_an_untouched_view_saves_nothing_and_is_not_degraded() -> None:
    view = messages.view_from(compression_pb2.View())
    assert view.saved == 0.0
    assert view.degraded is None


def test_retrieved_bytes_that_cut_a_character_are_given_back_exactly() -> None:
    cut = "größer".encode()[:3]
    got = messages.retrieved_from(content_service_pb2.RetrieveResponse(data=cut))
    assert got.data == cut
    assert got.text.encode("utf-8", "surrogateescape") == cut
    assert got.next_page is None
    assert got.expires is None


def test_where_retrieved_bytes_lie_and_when_they_go_carries_over() -> None:
    message = content_service_pb2.RetrieveResponse(
        data=b"ab",
        ranges=[content_pb2.ByteRange(start=3, end=5)],
        next_page_token="p2",  # noqa: S106 - a page, not a secret
        picked=content_pb2.TokenCount(tokens=12),
    )
    message.expire_time.FromSeconds(1_000_000_000)
    got = messages.retrieved_from(message)
    assert (got.ranges, got.next_page, got.picked_tokens) == (((3, 5),), "p2", 12)
    assert got.expires == datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)


def test_an_item_error_becomes_the_error_its_own_call_would_raise() -> None:
    item = error_reason_pb2.ItemError(
        code=3,
        reason=error_reason_pb2.ERROR_REASON_CONTENT_NOT_TEXT,
        message="not text",
        metadata={"offset": "4"},
    )
    item.retry_delay.FromMilliseconds(1500)
    error = messages.item_error_from(item)
    assert isinstance(error, ContentNotTextError)
    assert (error.message, error.metadata, error.retry_after) == ("not text", {"offset": "4"}, 1.5)
