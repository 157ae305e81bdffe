"""What one Triton says: which answers are none, and which addresses name a server."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tritonclient.grpc import InferResult, service_pb2
from tritonclient.utils import InferenceServerException

from furler_compressor.adapters.triton_replica import (
    ReplicaBrokenError,
    ReplicaBusyError,
    ReplicaError,
    ReplicaLostError,
    ReplicaSilentError,
    ReplicaStaleError,
    _as_ours,
    _checked,
)
from furler_compressor.adapters.triton_url import TritonPlace, TritonUrlError, parse_triton_urls


def floats(values: list[list[float]]) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


GOOD = floats([[0.0, 0.25, 1.0]])


def answer(
    values: NDArray[np.float32] | NDArray[np.float64],
    datatype: str = "FP32",
    name: str = "keep_prob",
) -> InferResult:
    """Return what the client makes of a server's answer."""
    response = service_pb2.ModelInferResponse()
    output = response.outputs.add()
    output.name, output.datatype = name, datatype
    output.shape.extend(values.shape)
    response.raw_output_contents.append(values.tobytes())
    return InferResult(response)


def test_probabilities_in_the_shape_of_the_request_are_an_answer() -> None:
    assert np.array_equal(_checked(answer(GOOD), (1, 3)), GOOD)


def test_what_half_precision_rounds_over_the_edge_is_put_back() -> None:
    rounded = floats([[-0.001, 0.5, 1.001]])
    assert np.array_equal(_checked(answer(rounded), (1, 3)), floats([[0.0, 0.5, 1.0]]))


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (answer(GOOD[:, :2]), "shape (1, 2), not (1, 3)"),
        (answer(GOOD[0]), "shape (3,), not (1, 3)"),
        (answer(np.repeat(GOOD, 2, axis=0)), "shape (2, 3), not (1, 3)"),
        (answer(GOOD.astype(np.float64), "FP64"), "float64"),
        (answer(GOOD, name="logits"), "no keep_prob"),
        (answer(GOOD.astype(np.float64)), "size is not what"),
        (answer(floats([[0.5, np.nan, 0.5]])), "no number"),
        (answer(floats([[0.5, np.inf, 0.5]])), "no number"),
        (answer(floats([[0.5, 1.01, 0.5]])), "no probability"),
        (answer(floats([[0.5, -0.01, 0.5]])), "no probability"),
    ],
)
def test_what_is_no_probability_per_token_is_no_answer(result: InferResult, said: str) -> None:
    with pytest.raises(ReplicaBrokenError) as raised:
        _checked(result, (1, 3))
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("DEADLINE_EXCEEDED", "Deadline Exceeded", ReplicaSilentError),
        ("UNAVAILABLE", "Request timeout expired", ReplicaBusyError),
        ("UNAVAILABLE", "[request id: x] Exceeds maximum queue size", ReplicaBusyError),
        ("RESOURCE_EXHAUSTED", "whatever", ReplicaBusyError),
        ("UNAVAILABLE", "failed to connect to all addresses; 10.0.0.7:8001", ReplicaLostError),
        ("NOT_FOUND", "Request for unknown model", ReplicaStaleError),
        ("UNAVAILABLE", "version 1 is not at ready state", ReplicaStaleError),
        ("INTERNAL", "onnx runtime error at 10.0.0.7", ReplicaBrokenError),
        ("INVALID_ARGUMENT", "unexpected shape", ReplicaBrokenError),
    ],
)
def test_each_failure_is_told_apart_and_its_text_is_ours(
    code: str, message: str, expected: type[ReplicaError]
) -> None:
    error = _as_ours(InferenceServerException(message, f"StatusCode.{code}", None))
    assert type(error) is expected
    assert "10.0.0.7" not in str(error)


@pytest.mark.parametrize(
    ("urls", "places"),
    [
        ("", []),
        ("triton", [TritonPlace("triton", 8001, tls=False)]),
        (
            "grpc://a:9000, GRPCS://b.example",
            [TritonPlace("a", 9000, tls=False), TritonPlace("b.example", 8001, tls=True)],
        ),
        ("grpcs://[::1]:1", [TritonPlace("[::1]", 1, tls=True)]),
    ],
)
def test_addresses_are_read_with_triton_s_own_port_where_none_is_given(
    urls: str, places: list[TritonPlace]
) -> None:
    assert list(parse_triton_urls(urls)) == places


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        ("a,", "address 2: want grpc://"),
        ("a,a:8001", "address 2 is in the list twice"),
        ("http://a:8000", "address 1: want the scheme grpc or grpcs"),
        ("a:0", "address 1: want a port"),
        ("a:65536", "address 1: want a port"),
        ("a b", "address 1: want grpc://"),
        ("grpc://a/path", "address 1: want grpc://"),
        ("user:secret@a:8001", "address 1: want grpc://"),
    ],
)
def test_what_is_no_address_is_refused_by_its_place_and_not_repeated(urls: str, said: str) -> None:
    with pytest.raises(TritonUrlError) as raised:
        parse_triton_urls(urls)
    assert said in str(raised.value)
    assert "secret" not in str(raised.value)


@given(st.text(max_size=40))
def test_any_text_is_addresses_or_an_error_of_ours(urls: str) -> None:
    try:
        places = parse_triton_urls(urls)
    except TritonUrlError:
        return
    assert json.dumps([place.target for place in places])
