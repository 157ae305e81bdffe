"""Compress a sample, retrieve it, compare: what `helm test` runs, in the compressor's own image.

By the command line over gRPC (FURLER_SERVER), and through the gateway where GATEWAY_URL names one.
"""

import base64
import json
import os
import subprocess
import sys
import urllib.request

SAMPLE = "".join(
    f"2026-01-01T00:00:{n % 60:02d}Z {'ERROR' if n == 400 else 'INFO'} worker {n % 7} finished job {n}\n"
    for n in range(800)
).encode()
SECONDS = 30


def cli(*arguments: str, given: bytes = b"") -> bytes:
    """Return what the command line prints."""
    tls = "--tls" if os.environ.get("TLS") else "--no-tls"
    command = [sys.executable, "-m", "furler.cli", *arguments, tls]
    return subprocess.run(
        command, input=given, stdout=subprocess.PIPE, check=True, timeout=SECONDS
    ).stdout


def gateway(method: str, message: dict[str, object]) -> dict[str, object]:
    """Return the gateway's answer to a call."""
    headers = {"Content-Type": "application/json"}
    if os.environ.get("FURLER_TOKEN"):
        headers["Authorization"] = f"Bearer {os.environ['FURLER_TOKEN']}"
    url = f"{os.environ['GATEWAY_URL']}/furler.v1.{method}"
    request = urllib.request.Request(url, json.dumps(message).encode(), headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
        return json.loads(answer.read())


def by_grpc() -> None:
    """Compress and retrieve by the command line."""
    view = json.loads(cli("compress", "-", "--json", given=SAMPLE))
    if not view["ref"]:
        sys.exit(f"the sample was not stored: {view['degraded'] or 'nothing was left out'}")
    if cli("retrieve", view["ref"]) != SAMPLE:
        sys.exit("other bytes came back than were sent")
    print(
        f"gRPC: {view['tokens_before']} tokens as {view['tokens_after']}, and every byte came back"
    )


def by_http() -> None:
    """The same through the gateway."""
    content = {"inline": base64.b64encode(SAMPLE).decode()}
    view = gateway("CompressorService/Compress", {"content": content})["view"]
    whole = gateway("ContentService/Retrieve", {"ref": view["ref"]})
    if base64.b64decode(whole["data"]) != SAMPLE:
        sys.exit("other bytes came back through the gateway than were sent")
    print("HTTP: every byte came back")


if os.environ.get("FURLER_SERVER"):
    by_grpc()
if os.environ.get("GATEWAY_URL"):
    by_http()
