"""Ask a server for its health once: what an image without a shell has for health checks.

python -m furler_compressor.probe 127.0.0.1:50052
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_SECONDS = 2.0


def main(argv: Sequence[str]) -> int:
    """Return 0 if the server at ``argv[0]`` says SERVING within two seconds, else 1."""
    if len(argv) != 1:
        print("usage: python -m furler_compressor.probe HOST:PORT", file=sys.stderr)  # noqa: T201
        return 2
    with grpc.insecure_channel(argv[0]) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=_SECONDS
            )
        except grpc.RpcError as error:
            print(error.code().name, file=sys.stderr)  # noqa: T201
            return 1
    return int(answer.status != health_pb2.HealthCheckResponse.SERVING)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
