"""What a gRPC channel of one's own to a fleet needs, for users of the generated stubs."""

from __future__ import annotations

import json
from typing import Final

SERVICE_CONFIG: Final = json.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        "healthCheckConfig": {"serviceName": ""},
    }
)
"""The value of the channel option ``grpc.service_config``.

A target that resolves to many replicas gets calls on all of them. A replica that is about to end
says so by the health protocol before it takes no more calls: a channel that watches sends it none,
where another's may meet its end on the way and be CANCELLED (which this client tries again).
For channels that reach the compressors themselves: a proxy may not let health through.
"""
