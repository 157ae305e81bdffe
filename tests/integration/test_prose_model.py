"""Running text through a real service with the real model: shorter, exact on demand, the same everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from furler.v1 import compression_pb2, content_pb2, info_service_pb2
from furler_kompress import artefact
from support.prose import manual, report
from support.service import Service, running_service

TEXT = report(24)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service(model="onnx") as running:
        yield running


def test_a_service_says_which_model_it_has(service: Service) -> None:
    found = service.info.GetCapabilities(info_service_pb2.GetCapabilitiesRequest(), timeout=60)
    assert found.model == artefact.version()


@pytest.mark.parametrize("text", [TEXT, manual(12)])
def test_running_text_is_shorter_and_its_facts_stand(service: Service, text: str) -> None:
    view = service.compress(text)
    assert view.degraded == compression_pb2.DEGRADED_REASON_UNSPECIFIED
    assert view.compressors[-1] == "words"
    assert view.tokens_after.tokens < 0.9 * view.tokens_before.tokens
    facts = re.findall(r"\S*[\d`@/_]\S*|\b(?:not|never|none|must|without)\b", text)
    shown = view.text.split()
    assert [fact for fact in facts if fact not in shown] == []


def test_every_line_that_lost_words_comes_back_as_it_was(service: Service) -> None:
    view = service.compress(TEXT)
    (elision,) = view.elisions
    assert elision.summary == "words"
    back = service.retrieve(view.ref, elision.selector)
    lines = TEXT.split("\n")
    first, last = elision.selector.lines.first, elision.selector.lines.last
    assert back.data.decode().rstrip("\n").split("\n") == lines[first - 1 : last]
    one = content_pb2.Selector(lines=content_pb2.LineRange(first=3, last=3))
    assert service.retrieve(view.ref, one).data.decode().rstrip("\n") == lines[2]


def test_another_service_gives_the_same_bytes(service: Service) -> None:
    with running_service(model="onnx", model_threads="1") as other:
        assert other.compress(TEXT).text == service.compress(TEXT).text


def test_who_does_not_want_it_gets_the_text(service: Service) -> None:
    view = service.compress(TEXT, policy=compression_pb2.Policy(allow_model=False))
    assert (view.text, view.degraded) == (TEXT, compression_pb2.DEGRADED_REASON_UNSPECIFIED)


def test_less_is_kept_where_less_is_asked_for(service: Service) -> None:
    sizes = [
        service.compress(TEXT, policy=compression_pb2.Policy(keep=keep)).tokens_after.tokens
        for keep in (0.9, 0.6, 0.3)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3


@pytest.mark.parametrize("keep", [0.1, 1.5, -1.0, float("nan")])
def test_a_share_that_is_none_is_named(service: Service, keep: float) -> None:
    with pytest.raises(Exception, match=r"policy.keep: want 0.3 to 1, or 0 for the default"):
        service.compress(TEXT, policy=compression_pb2.Policy(keep=keep))


def test_a_deadline_that_is_too_short_for_the_model_keeps_the_text(service: Service) -> None:
    long = report(1500)
    view = service.compress(long, timeout=3)
    assert view.degraded in (
        compression_pb2.DEGRADED_REASON_MODEL_UNAVAILABLE,
        compression_pb2.DEGRADED_REASON_DEADLINE,
    )
    assert view.text == long
