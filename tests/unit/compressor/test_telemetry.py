"""Spans that nobody takes are not opened; the trace that a caller sends goes on all the same."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.propagate import inject

from furler_compressor import telemetry

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no tracer, whatever this process was given before."""
    provider = trace.ProxyTracerProvider()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setattr(telemetry, "_tracer", trace.NoOpTracer())


def passed_on() -> dict[str, str]:
    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier


def test_without_a_tracer_there_is_no_span() -> None:
    with (
        telemetry.server_span("s", "m", {"user-agent": "x"}) as call,
        telemetry.span(telemetry.SPAN_ENGINE_CONVERSE) as inner,
    ):
        assert (call, inner) == (trace.INVALID_SPAN, trace.INVALID_SPAN)
        assert passed_on() == {}


def test_without_a_tracer_a_callers_trace_goes_on_as_it_came() -> None:
    with (
        telemetry.server_span("s", "m", {"traceparent": TRACE}),
        telemetry.span(telemetry.SPAN_ENGINE_CONVERSE),
        telemetry.store_call("memory", "pins"),
    ):
        assert passed_on() == {"traceparent": TRACE}


def test_an_error_goes_through_what_is_measured() -> None:
    with pytest.raises(KeyError), telemetry.model_call("onnx", "kompress"):
        raise KeyError
