"""Runs containers in namespaces of this process's own: what an engine does, for a rehearsal.

Started by ``unshare`` with mounts, processes and network of its own; the network is a loopback
that reaches nothing. Reads a plan (JSON) from the named file and prints a report (JSON):

    {"containers": [{"name", "root", "environment", "arguments", "user", "group", "read_only",
                     "writable", "healthcheck"}], "steps": [{"in", "arguments", "environment"}]}
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, TypedDict

_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 0x1
_PR_SET_NO_NEW_PRIVS: Final = 38
_READY_SECONDS: Final = 60.0
_STEP_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 30.0


class Container(TypedDict):
    """How one container runs. ``root`` empty: in this machine's own file system."""

    name: str
    root: str
    environment: dict[str, str]
    arguments: list[str]
    user: int
    group: int
    writable: list[str]
    healthcheck: list[str]


def main(plan_file: str) -> int:
    """Run the plan. Returns 0; what failed stands in the report."""
    plan = json.loads(Path(plan_file).read_text())
    loopback_up()
    containers: dict[str, Container] = {c["name"]: c for c in plan["containers"]}
    running: dict[str, subprocess.Popen[bytes]] = {}
    report: dict[str, object] = {"ready": [], "steps": [], "exits": {}, "logs": {}}
    try:
        for name, container in containers.items():
            _mount(container)
            log = Path(f"{plan_file}.{name}.log").open("wb")  # noqa: SIM115 - as long as the process
            running[name] = _start(container, container["arguments"], log.fileno())
            found = _wait(container, running[name])
            report["ready"].append(found)  # type: ignore[attr-defined]
            if not found["healthy"]:
                break
        for step in plan["steps"] if len(running) == len(containers) and found["healthy"] else []:
            host = containers[step["in"]]
            host = {**host, "environment": {**host["environment"], **step["environment"]}}  # type: ignore[typeddict-item]
            done = _run(host, step["arguments"])
            report["steps"].append(done)  # type: ignore[attr-defined]
        report["rss_mb"] = {name: _rss(process.pid) for name, process in running.items()}
    finally:
        for name, process in reversed(running.items()):
            process.send_signal(signal.SIGTERM)
            try:
                report["exits"][name] = process.wait(_STOP_SECONDS)  # type: ignore[index]
            except subprocess.TimeoutExpired:
                process.kill()
                report["exits"][name] = "killed"  # type: ignore[index]
            log_text = Path(f"{plan_file}.{name}.log").read_text(errors="replace")
            report["logs"][name] = log_text[-4000:]  # type: ignore[index]
    print(json.dumps(report))
    return 0


def loopback_up() -> None:
    """Let this network namespace reach itself."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        fcntl.ioctl(probe, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", _IFF_UP))


def _mount(container: Container) -> None:
    """Make the root read-only, with what an engine mounts into every container."""
    root = container["root"]
    if not root:
        return
    _call("mount", "--bind", root, root)
    _call("mount", "-t", "proc", "proc", f"{root}/proc")
    _call("mount", "-t", "tmpfs", "-o", "mode=755", "dev", f"{root}/dev")
    shared = f"{root}/dev/shm"  # noqa: S108 - a mount point of a container's own
    Path(shared).mkdir()
    # As large as engines make it unasked.
    _call("mount", "-t", "tmpfs", "-o", "size=64m,mode=1777", "shm", shared)
    for device in ("null", "zero", "urandom", "random"):
        Path(f"{root}/dev/{device}").touch()
        _call("mount", "--bind", f"/dev/{device}", f"{root}/dev/{device}")
    for place in container["writable"]:
        _call("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", f"{root}{place}")
    _call("mount", "-o", "remount,ro,bind", root)


def _call(*arguments: str) -> None:
    subprocess.run(arguments, check=True, capture_output=True)


def _start(container: Container, arguments: list[str], output: int) -> subprocess.Popen[bytes]:
    libc = ctypes.CDLL(None)

    def enter() -> None:
        if container["root"]:
            os.chroot(container["root"])
            os.chdir("/")
        os.setgroups([])
        os.setgid(container["group"])
        os.setuid(container["user"])  # drops every capability
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)

    return subprocess.Popen(
        arguments, env=container["environment"], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        preexec_fn=enter, close_fds=True,  # noqa: PLW1509 - this process has one thread
    )  # fmt: skip


def _wait(container: Container, process: subprocess.Popen[bytes]) -> dict[str, object]:
    """Ask the health check until it is content, as an engine does."""
    started = time.monotonic()
    while time.monotonic() - started < _READY_SECONDS and process.poll() is None:
        done = _run(container, container["healthcheck"])
        if done["status"] == 0:
            return {"name": container["name"], "healthy": True}
        time.sleep(0.5)
    return {"name": container["name"], "healthy": False}


def _run(container: Container, arguments: list[str]) -> dict[str, object]:
    process = _start(container, arguments, subprocess.PIPE)
    try:
        output, _ = process.communicate(timeout=_STEP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return {"status": "timeout", "output": ""}
    return {"status": process.returncode, "output": output.decode(errors="replace")}


def _rss(pid: int) -> float:
    """Return the memory of a process and its children that is resident, in decimal megabytes."""
    total = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(entry.name) == pid or int(fields[1]) == pid:
                total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return total / 1e6


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
