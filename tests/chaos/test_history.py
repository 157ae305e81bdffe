"""The checker finds what it must and nothing else: small histories by hand."""

from __future__ import annotations

import math

from chaos.history import Compressed, Deleted, Operation, Put, Retrieved, Watched, violations


def made(
    at: float,
    ref: str = "r",
    content: str = "long content",
    text: str = "view",
    space: str = "s",
) -> Compressed:
    return Compressed(at, at + 1, space, content, text, ref, "")


def test_a_plain_history_is_fine() -> None:
    got = Retrieved(2, 3, "s", "r", "long content")
    assert violations([made(0), got, made(4), Retrieved(1, 1.5, "other", "r", None)]) == []


def test_other_bytes_are_found() -> None:
    assert violations([made(0), Retrieved(2, 3, "s", "r", "other")]) == [
        "r came back with other bytes"
    ]


def test_a_reference_of_two_tenants_is_found() -> None:
    assert violations([made(0, space="acme/s"), made(2, space="globex/s", text="other view")]) == [
        "reference r is 2 tenants'"
    ]


def test_two_spaces_of_a_tenant_share_a_reference_and_not_its_content() -> None:
    history: list[Operation] = [
        made(0, space="acme/s"),
        Retrieved(2, 3, "acme/t", "r", "long content"),
    ]
    assert violations(history) == ["r was answered in a space where it was never made"]
    assert violations([*history, made(0, space="acme/t")]) == []


def test_a_dangling_reference_is_found() -> None:
    assert violations([made(0), Retrieved(2, 3, "s", "r", None)]) == [
        "r was revealed and is not found"
    ]


def test_a_reference_that_is_being_made_need_not_be_there_yet() -> None:
    assert violations([made(0), Retrieved(0.5, 3, "s", "r", None)]) == []


def test_a_deleted_original_may_be_gone() -> None:
    gone = Retrieved(4, 5, "s", "r", None)
    assert violations([made(0), Deleted(2, 3, "s", "r"), gone]) == []
    assert violations([made(0), Deleted(2, math.inf, "s", "r"), gone]) == []


def test_a_delete_before_the_last_reveal_is_no_excuse() -> None:
    history: list[Operation] = [
        made(0),
        Deleted(2, 3, "s", "r"),
        made(4),
        Retrieved(6, 7, "s", "r", None),
    ]
    assert violations(history) == ["r was revealed and is not found"]


def test_a_delete_elsewhere_is_no_excuse() -> None:
    history: list[Operation] = [
        made(0),
        Deleted(2, 3, "other", "r"),
        Retrieved(6, 7, "s", "r", None),
    ]
    assert violations(history) == ["r was revealed and is not found"]


def test_an_answer_across_spaces_is_found() -> None:
    history: list[Operation] = [made(0), Retrieved(2, 3, "other", "r", "long content")]
    assert violations(history) == ["r was answered in a space where it was never made"]


def test_two_views_of_one_content_are_found() -> None:
    assert violations([made(0), made(2, text="another")]) == ["one content has 2 different views"]


def test_two_contents_under_one_reference_are_found() -> None:
    history: list[Operation] = [made(0), made(2, content="another", text="v2")]
    assert violations(history) == ["reference r stands for 2 contents"]


def test_a_shortened_view_without_a_reference_is_found() -> None:
    lost = Compressed(0, 1, "s", "long content", "short", "", "store_unavailable")
    assert violations([lost]) == [
        "a view without a reference is not its content (store_unavailable)"
    ]


def test_revisions_in_the_order_of_time_and_a_full_watch_are_fine() -> None:
    puts = [Put(0, 1, "s", "a", 5), Put(2, 3, "s", "b", 7), Put(2, 4, "other", "a", 6)]
    watch = Watched(0, 9, "s", 4, ((5, "a"), (6, "gone"), (7, "b")))
    assert violations([*puts, watch]) == []


def test_a_revision_that_goes_back_is_found() -> None:
    puts = [Put(0, 1, "s", "a", 7), Put(2, 3, "s", "b", 5)]
    assert violations(puts) == ["s: revision 5 follows 7"]


def test_concurrent_puts_may_have_revisions_in_any_order() -> None:
    assert violations([Put(0, 3, "s", "a", 7), Put(1, 2, "s", "b", 5)]) == []


def test_one_revision_for_two_puts_is_found() -> None:
    puts = [Put(0, 3, "s", "a", 7), Put(1, 2, "s", "b", 7)]
    assert "two puts of s have one revision" in violations(puts)


def test_a_watch_that_repeats_or_leaves_out_is_found() -> None:
    put = Put(0, 1, "s", "a", 5)
    repeated = Watched(0, 9, "s", 4, ((5, "a"), (5, "a")))
    assert violations([put, repeated]) == ["a watch of s got 5 after 5"]
    left_out = Watched(0, 9, "s", 4, ((6, "b"),))
    assert violations([put, left_out]) == ["a watch of s left out revision 5"]


def test_what_came_before_or_after_a_watch_is_not_missed() -> None:
    puts = [Put(0, 1, "s", "a", 5), Put(2, 3, "s", "a", 9)]
    assert violations([*puts, Watched(0, 9, "s", 5, ((7, "b"),))]) == []


def test_what_a_lost_primary_acknowledged_may_be_gone_and_nothing_later() -> None:
    gone = Retrieved(5, 6, "s", "r", None)
    assert violations([made(0), gone], lost_before=2) == []
    assert violations([made(0), made(3), gone], lost_before=2) == [
        "r was revealed and is not found"
    ]
