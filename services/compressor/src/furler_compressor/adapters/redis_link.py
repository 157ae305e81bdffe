"""The connection to Redis that the store, the leases and the meter of a process share.

One link per process: its pool is bounded, and what nobody needs any more is closed; its commands have
time limits, and its errors are ours.
A server on its own, a primary that Sentinels watch, and a Cluster look the same from here.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias, TypedDict, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    ClusterError,
    NoPermissionError,
    OutOfMemoryError,
    RedisClusterException,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from furler_compressor.adapters.redis_idle import Demand, close_idle
from furler_compressor.adapters.redis_url import (
    RedisAccess,
    RedisPlace,
    Topology,
    parse_redis_url,
)
from furler_compressor.app.errors import StoreRefusedError, StoreUnavailableError

if TYPE_CHECKING:
    from redis.commands.core import AsyncScript

T = TypeVar("T")
Argument: TypeAlias = "str | bytes | int"
Client: TypeAlias = "Redis | RedisCluster"

# Per command, so that a hanging server is noticed before the whole call's limit (wrap.bounded).
DEFAULT_TIMEOUT = 1.5
DEFAULT_CONNECT_TIMEOUT = 1.0
# Per process: enough for its workers, and 100 replicas stay below Redis' default of 10,000 clients.
DEFAULT_MAX_CONNECTIONS = 32
# The driver knows the codes that begin a reply; Redis 6 quotes them inside a script's error.
_CODE = re.compile(r"(?:^|-)(OOM|READONLY|MISCONF|NOREPLICAS)\b")


class _Limits(TypedDict):
    """What every kind of client takes."""

    socket_timeout: float
    socket_connect_timeout: float
    max_connections: int
    retry: Retry


class _Tls(TypedDict, total=False):
    """The drivers' TLS arguments: none for a connection in the clear."""

    ssl: bool
    ssl_ca_certs: str | None
    ssl_certfile: str | None
    ssl_keyfile: str | None


class RedisLink:
    """Connects at first use; a lost connection is made anew, to the new primary after a failover.

    Args:
        url: Any form that redis_url knows.
        access: Credentials and certificates from settings.
        timeout: Seconds for one command's answer, and for a free connection.
        connect_timeout: Seconds for one connect.
        max_connections: Bound of this process' pool; in a Cluster, of commands in flight.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        url: str,
        access: RedisAccess | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        connect_timeout: float = DEFAULT_CONNECT_TIMEOUT,
        max_connections: int = DEFAULT_MAX_CONNECTIONS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        place = parse_redis_url(url)
        limits = _Limits(
            socket_timeout=timeout,
            socket_connect_timeout=connect_timeout,
            max_connections=max_connections,
            # Once, at once: a connection that died while idle is replaced. Never after a timeout.
            retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        )
        self._watchers: list[Redis] = []
        self.client: Client = self._connected(place, access or RedisAccess(), limits)
        self.topology = place.topology
        self._timeout = timeout
        # The drivers' pools for Sentinel and Cluster do not wait for a free connection, they fail.
        self._gate = asyncio.Semaphore(max_connections)
        self._demand = Demand(clock)
        self._closed = False

    def script(self, text: str) -> AsyncScript:
        """Return a Lua script to call with keys and args: sent by its digest, taught if unknown."""
        return self.client.register_script(text)

    async def ask(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask the driver; its errors become ours, without its texts: they hold addresses."""
        if self._closed:
            raise StoreUnavailableError("the store is closed")
        try:
            async with self._turn():
                if isinstance(self.client, RedisCluster):
                    # Before the slots are known the driver sends first calls anywhere, and each
                    # redirect closes the connections under the others.
                    _ = await self.client.initialize()
                return await ask()
        except (RedisError, OSError) as error:
            raise as_store_error(error) from None

    async def run_all(
        self, script: AsyncScript, calls: Sequence[tuple[Sequence[str], Sequence[Argument]]]
    ) -> list[int]:
        """Call a script several times, for keys of one slot: in one round trip where that goes."""
        if isinstance(self.client, RedisCluster):
            # Its driver's pipeline takes no scripts: awaiting one empties it.
            each = [
                self.ask(lambda keys=keys, args=args: script(keys=keys, args=args))  # type: ignore[misc]
                for keys, args in calls
            ]
            return list(await asyncio.gather(*each))
        if len(calls) == 1:
            # As most turns have it: a pipeline would ask first whether the script is known.
            ((keys, args),) = calls
            return [await self.ask(lambda: script(keys=keys, args=args))]
        client = self.client

        async def run() -> list[int]:
            async with client.pipeline(transaction=False) as pipe:
                for keys, args in calls:
                    await script(keys=keys, args=args, client=pipe)
                return await pipe.execute()

        return await self.ask(run)

    async def close(self) -> None:
        """Close every connection. Whatever is asked afterwards is refused."""
        self._closed = True
        for client in (self.client, *self._watchers):
            await client.aclose()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._gate.locked():
            async with asyncio.timeout(self._timeout):
                await self._gate.acquire()
        else:
            await self._gate.acquire()  # at once
        self._demand.begin()
        try:
            yield
        finally:
            self._gate.release()
            keep = self._demand.end()
            if keep is not None:
                await close_idle(self.client, keep)

    def _connected(self, place: RedisPlace, access: RedisAccess, limits: _Limits) -> Client:
        user = place.user or access.user or None
        password = place.password or access.password or None
        tls = _Tls()
        if place.tls:
            tls = _Tls(
                ssl_ca_certs=access.ca_file or None,
                ssl_certfile=access.cert_file or None,
                ssl_keyfile=access.key_file or None,
            )
        match place.topology:
            case Topology.SINGLE:
                # What stands in the URL overrides what is given beside it.
                pool = BlockingConnectionPool.from_url(
                    place.url,
                    username=user,
                    password=password,
                    timeout=limits["socket_timeout"],
                    **limits,
                    **tls,
                )
                return Redis.from_pool(pool)
            case Topology.SENTINEL:
                if place.tls:
                    tls["ssl"] = True
                sentinel = Sentinel(  # type: ignore[no-untyped-call]
                    list(place.nodes),
                    sentinel_kwargs={
                        "username": access.sentinel_user or None,
                        "password": access.sentinel_password or None,
                        **limits,
                        **tls,
                    },
                )
                # Their connections are not the client's: it would leave them open.
                self._watchers = sentinel.sentinels
                primary: Redis = sentinel.master_for(
                    place.service, username=user, password=password, db=place.db, **limits, **tls
                )
                return primary
            case Topology.CLUSTER:
                if place.tls:
                    tls["ssl"] = True
                return RedisCluster(
                    startup_nodes=[ClusterNode(host, port) for host, port in place.nodes],
                    username=user,
                    password=password,
                    **limits,
                    **tls,
                )


def as_store_error(error: RedisError | OSError) -> StoreUnavailableError:
    """Return the error of ours that a driver's error stands for."""
    # What goes wrong in a handshake, or in the wait for the pool, comes as a connection error.
    if isinstance(error, RedisConnectionError) and isinstance(
        error.__cause__, (RedisError, TimeoutError)
    ):
        error = error.__cause__
    match error:
        case RedisTimeoutError() | TimeoutError():
            return StoreUnavailableError("the store did not answer in time")
        case BusyLoadingError():
            return StoreUnavailableError("the store is loading its data")
        case AuthenticationError() | AuthorizationError() | NoPermissionError():
            return StoreUnavailableError("the store refuses our credentials")
        case ClusterDownError() | ClusterError() | RedisClusterException():
            return StoreUnavailableError("the store's cluster is not whole")
        case RedisConnectionError() | OSError():
            return StoreUnavailableError("the store cannot be reached")
        case OutOfMemoryError():
            return StoreRefusedError("the store is full")
    code = _CODE.search(str(error))
    if code is not None and code[1] == "OOM":
        return StoreRefusedError("the store is full")
    name = code[1] if code else type(error).__name__
    return StoreRefusedError(f"the store refuses ({name})")
