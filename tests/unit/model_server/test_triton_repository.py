"""The Triton repositories: what they promise to a client, and how one is written."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup, ModelQueuePolicy

from furler_compressor.adapters.triton_model import MAX_ROWS
from furler_compressor.adapters.triton_replica import MODEL_PARAMETER, OUTPUT, Batch
from furler_kompress import artefact, repository
from furler_kompress.encode import CHUNK, LENGTHS
from furler_kompress.repository import Backend, RepositoryError, write

SERVICE = Path(__file__).parents[3] / "services" / "model_server"
CONFIGS = {
    "gpu": SERVICE / "models" / "kompress" / "config.pbtxt",
    "cpu": SERVICE / "models" / "kompress" / "configs" / "cpu.pbtxt",
    "python": SERVICE / "models-python" / "kompress" / "config.pbtxt",
}


def parsed(path: Path) -> ModelConfig:
    """Return a configuration as Triton reads it. Raises ParseError for an unknown field."""
    return text_format.Parse(path.read_text(), ModelConfig())


@pytest.fixture(params=CONFIGS)
def config(request: pytest.FixtureRequest) -> ModelConfig:
    return parsed(CONFIGS[request.param])


def test_every_configuration_has_the_inputs_and_the_output_that_furler_sends_and_reads(
    config: ModelConfig,
) -> None:
    assert [(one.name, one.data_type, list(one.dims)) for one in config.input] == [
        (
            name,
            ModelConfig.DESCRIPTOR.file.enum_types_by_name["DataType"]
            .values_by_name["TYPE_INT64"]
            .number,
            [-1],
        )
        for name in Batch._fields
    ]
    assert [(one.name, list(one.dims)) for one in config.output] == [(OUTPUT, [-1])]


def test_the_model_file_has_the_inputs_and_the_output_of_the_configurations() -> None:
    session = ort.InferenceSession(
        artefact.read(artefact.MODEL), providers=["CPUExecutionProvider"]
    )
    config = parsed(CONFIGS["cpu"])
    assert {one.name for one in session.get_inputs()} == {one.name for one in config.input}
    assert [one.name for one in session.get_outputs()] == [one.name for one in config.output]


def test_every_configuration_turns_late_requests_away_and_never_runs_one_instance(
    config: ModelConfig,
) -> None:
    policy = config.dynamic_batching.default_queue_policy
    assert policy.timeout_action == ModelQueuePolicy.REJECT
    assert (policy.default_timeout_microseconds, policy.allow_timeout_override) == (250_000, True)
    assert policy.max_queue_size > 0
    assert [group.count >= 2 for group in config.instance_group] == [True]


def test_each_kind_of_pod_has_the_device_and_the_precision_that_suit_it() -> None:
    found = {
        name: (one.backend, one.default_model_filename, one.instance_group[0].kind)
        for name, one in ((name, parsed(path)) for name, path in CONFIGS.items())
    }
    assert found == {
        "gpu": ("onnxruntime", "model.fp16.onnx", ModelInstanceGroup.KIND_GPU),
        "cpu": ("onnxruntime", "model.int8.onnx", ModelInstanceGroup.KIND_CPU),
        "python": ("python", "", ModelInstanceGroup.KIND_CPU),
    }


def test_a_gpu_joins_requests_and_a_cpu_takes_them_one_by_one() -> None:
    gpu, cpu = parsed(CONFIGS["gpu"]), parsed(CONFIGS["cpu"])
    assert list(gpu.dynamic_batching.preferred_batch_size) == [8, 16, 32]
    assert gpu.dynamic_batching.max_queue_delay_microseconds == 3000
    assert min(gpu.dynamic_batching.preferred_batch_size) == MAX_ROWS
    assert (gpu.max_batch_size, cpu.max_batch_size) == (32, 1)


def test_the_shapes_that_are_warmed_up_are_shapes_that_are_asked_for(config: ModelConfig) -> None:
    assert config.model_warmup
    for sample in config.model_warmup:
        assert {name: list(one.dims) for name, one in sample.inputs.items()} in [
            {name: [length] for name in Batch._fields} for length in LENGTHS
        ]
        assert 1 <= sample.batch_size <= config.max_batch_size
    assert max(one.dims[0] for s in config.model_warmup for one in s.inputs.values()) == CHUNK


@pytest.mark.parametrize("backend", Backend)
def test_a_repository_holds_the_packaged_model_and_says_which(
    backend: Backend, tmp_path: Path
) -> None:
    model = write(tmp_path, backend, version=3)
    assert model == tmp_path / "kompress"
    digest = hashlib.sha256((model / "3" / "model.int8.onnx").read_bytes()).hexdigest()
    assert digest == artefact.manifest()[artefact.MODEL]
    name = {Backend.ONNX: "configs/cpu.pbtxt", Backend.PYTHON: "config.pbtxt"}[backend]
    parameter = parsed(model / name).parameters[MODEL_PARAMETER.format(version=3)]
    assert parameter.string_value == artefact.version()
    assert (model / "3" / "model.py").exists() == (backend is Backend.PYTHON)


def test_half_precision_is_named_as_other_weights(tmp_path: Path) -> None:
    export = tmp_path / "export.onnx"
    export.write_bytes(b"fp16")
    model = write(tmp_path / "models", Backend.ONNX, fp16=export)
    assert (model / "1" / "model.fp16.onnx").read_bytes() == b"fp16"
    parameter = parsed(model / "config.pbtxt").parameters[MODEL_PARAMETER.format(version=1)]
    assert parameter.string_value == f"{artefact.version()}-fp16"


def test_a_version_is_added_beside_the_others_and_never_changed(tmp_path: Path) -> None:
    write(tmp_path, Backend.PYTHON)
    model = write(tmp_path, Backend.PYTHON, version=2)
    assert sorted(path.name for path in model.iterdir()) == ["1", "2", "config.pbtxt"]
    parameters = parsed(model / "config.pbtxt").parameters
    assert {name for name in parameters if ":" in name} == {"furler_model:1", "furler_model:2"}
    with pytest.raises(RepositoryError, match="never changed"):
        write(tmp_path, Backend.PYTHON, version=2)
    with pytest.raises(RepositoryError, match="version: want 1 or more, got 0"):
        write(tmp_path, Backend.PYTHON, version=0)


def test_the_command_writes_a_repository_and_says_what_is_in_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--to", str(tmp_path), "--backend", "python"]
    assert repository.main(arguments) == 0
    assert artefact.version() in capsys.readouterr().out
    assert repository.main(arguments) == 1
    assert "is there already" in capsys.readouterr().err


def test_chunks_are_as_long_as_the_lengths_that_servers_join() -> None:
    assert LENGTHS == (64, 128, 256, 384)
    assert np.all(np.diff(LENGTHS) > 0)
