"""Volatile text: found, compared without keeping it, moved so that the prefix stands still."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furler_engine.volatile import MOST, changed, find, relocated, trace


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("7f3e9a52-1111-4222-8333-444455556666", "uuid"),
        ("2026-03-14", "timestamp"),
        ("2026-03-14T09:26:53.123Z", "timestamp"),
        ("2026-03-14 09:26", "timestamp"),
        ("09:26:53", "timestamp"),
        ("Fri Nov 20 2026 08:00", "timestamp"),
        ("Friday, November 20, 2026", "timestamp"),
        ("1763625600", "epoch"),
        ("1763625600123", "epoch"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeK", "jwt"),
        ("d41d8cd98f00b204e9800998ecf8427e", "hex"),
        ("/private/tmp/job-4711/x", "path"),
        ("/var/folders/zz/abc123/T", "path"),
        ("req_abcDEF1234567890", "id"),
        ("session-0123456789ab", "id"),
    ],
)
def test_each_form_is_found_in_place(text: str, form: str) -> None:
    around = f"You are good. Here: {text}. And on."
    assert [(f.form, around[f.start : f.end]) for f in find(around)] == [(form, text)]


@pytest.mark.parametrize(
    "text",
    ["version 3.12.1", "port 8080", "call_me", "in 2026", "a/tmp", "14159265358979", "session", "deadbeef",
     "12:30", "/var/folders/fixed", "1234567890", "T-2026-03-14-x"],
)  # fmt: skip
def test_what_stays_the_same_is_not_volatile(text: str) -> None:
    assert find(f"so {text} it is") == []


def test_what_changed_is_told_apart_from_what_did_not() -> None:
    one = "Now 2026-03-14T09:26:53Z, id req_abcDEF1234567890"
    two = one.replace("09:26", "09:27")
    before = trace(one, find(one))
    assert changed(trace(two, find(two)), before) == [True, False]
    assert changed(before, None) == [None, None]


def test_after_another_change_nothing_is_claimed() -> None:
    one, two = "Now 09:26:53.", "Then 09:26:53."
    assert changed(trace(two, find(two)), trace(one, find(one))) == [None]


def test_a_trace_does_not_hold_what_it_is_of() -> None:
    text = "secret d41d8cd98f00b204e9800998ecf8427e"
    remembered = trace(text, find(text))
    assert "d41d8cd98f" not in str(remembered)
    assert "secret" not in str(remembered)


def test_a_moved_text_is_the_same_whatever_its_values() -> None:
    texts = [f"It is {clock}. User {name}." for clock, name in (
        ("09:26:53", "7f3e9a52-1111-4222-8333-444455556666"),
        ("10:00:00", "8f3e9a52-1111-4222-8333-444455556666"))]  # fmt: skip
    moved = [relocated(text, find(text)) for text in texts]
    assert moved[0][0] == moved[1][0] == "It is <timestamp 1>. User <uuid 1>."
    assert "<timestamp 1> is 10:00:00" in moved[1][1]


@given(st.text(max_size=300))
def test_findings_are_in_order_and_apart(text: str) -> None:
    at = 0
    for found in find(text):
        assert at <= found.start < found.end
        at = found.end


def test_a_listing_is_not_followed_to_its_end() -> None:
    assert len(find("09:26:53 " * (MOST + 100))) == MOST


def test_hostile_runs_are_read_once() -> None:
    for piece in ("eyJ" + "a" * 50, "/var/folders/a", "0" * 31 + " ", "req_a", "1", "a" * 40):
        assert len(find(piece * 20_000)) <= MOST
