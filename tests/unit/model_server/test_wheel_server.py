"""How the wheel's Triton server is started, and what is said where it cannot run."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

from furler_kompress import wheel_server
from furler_kompress.wheel_server import WheelServerError, prepare

STUB = "triton_python_backend_stub"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def unpacked(root: Path, *versions: str) -> Path:
    """Return a folder laid out as the wheel, with stubs for these Pythons."""
    server = root / "pytriton" / "tritonserver"
    for folder in ("bin", "backends/python", *(f"python_backend_stubs/{v}" for v in versions)):
        (server / folder).mkdir(parents=True)
    (server / "bin" / "tritonserver").touch()
    for version in versions:
        (server / "python_backend_stubs" / version / STUB).write_text(f"stub of {version}")
    return root


@pytest.fixture
def shared_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Python whose library is shared, whatever this one is."""
    library = tmp_path / "lib" / "libpython.so.1.0"
    library.parent.mkdir()
    library.touch()
    found = {"INSTSONAME": library.name, "LIBDIR": str(library.parent)}
    monkeypatch.setattr(sysconfig, "get_config_var", found.get)
    return library.parent


def test_the_server_listens_on_loopback_only_and_runs_models_in_this_python(
    tmp_path: Path, shared_python: Path
) -> None:
    wheel = unpacked(tmp_path / "wheel", VERSION, "2.7")
    launch = prepare(wheel, Path("models"), 9000, ["--log-verbose=1"])
    assert launch.command[0] == str(wheel / "pytriton/tritonserver/bin/tritonserver")
    assert {"--grpc-address=127.0.0.1", "--grpc-port=9000", "--allow-http=false"} <= set(
        launch.command
    )
    assert launch.command[-1] == "--log-verbose=1"
    assert launch.environment["PATH"].startswith(str(Path(sys.executable).parent))
    assert launch.environment["LD_LIBRARY_PATH"].split(":") == [
        str(shared_python),
        str(wheel / "nvidia_pytriton.libs"),
    ]
    placed = wheel / "pytriton/tritonserver/backends/python" / STUB
    assert placed.read_text() == f"stub of {VERSION}"
    assert placed.stat().st_mode & 0o111


def test_a_stub_of_another_python_is_replaced(tmp_path: Path, shared_python: Path) -> None:
    wheel = unpacked(tmp_path / "wheel", VERSION)
    placed = wheel / "pytriton/tritonserver/backends/python" / STUB
    placed.write_text("an older one")
    prepare(wheel, Path("models"), 9000)
    assert placed.read_text() == f"stub of {VERSION}"
    assert [path.name for path in placed.parent.iterdir()] == [STUB]


def test_what_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_python: Path
) -> None:
    with pytest.raises(WheelServerError, match="there is no Triton server"):
        prepare(tmp_path / "nothing", Path("models"), 9000)
    with pytest.raises(WheelServerError, match=f"no stub for Python {VERSION}"):
        prepare(unpacked(tmp_path / "old", "2.7"), Path("models"), 9000)
    monkeypatch.setattr(sysconfig, "get_config_var", {"INSTSONAME": "libpython.a"}.get)
    with pytest.raises(WheelServerError, match=r"no shared library \(libpython\.a\)"):
        prepare(unpacked(tmp_path / "static", VERSION), Path("models"), 9000)


def test_the_command_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--wheel", str(tmp_path), "--repository", "models"]
    assert wheel_server.main(arguments) == 1
    assert "there is no Triton server" in capsys.readouterr().err
