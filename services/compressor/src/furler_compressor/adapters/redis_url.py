"""Where a Redis is: the forms of its URL, and what an operator adds from settings.

Nothing here connects, and nothing here imports the driver.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs, unquote, urlsplit

SCHEMES = (
    "redis",
    "rediss",
    "unix",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+cluster",
    "rediss+cluster",
)
# The driver takes any of its arguments from a URL, decode_responses too; these are an operator's.
_OPTIONS = (
    "db",
    "ssl_ca_certs",
    "ssl_certfile",
    "ssl_keyfile",
    "ssl_cert_reqs",
    "ssl_check_hostname",
)
_REDIS_PORT, _SENTINEL_PORT = 6379, 26379
_NODE = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:,@/?#]+)(?::(?P<port>\d{1,5}))?")


class RedisUrlError(ValueError):
    """A Redis URL cannot be used. The message never repeats the URL: it may hold a password."""


class Topology(StrEnum):
    """How the servers stand to each other."""

    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class RedisAccess:
    """How to be let in, from settings: a URL shows up in process lists, these do not.

    What the URL itself says comes first.

    Attributes:
        user: Name of the ACL user; empty: the server's default user.
        password: Its password.
        sentinel_user: The same for the Sentinels, which have users of their own.
        sentinel_password: Its password.
        ca_file: Authorities that may sign the servers' certificates, PEM; empty: the system's.
        cert_file: Our certificate, PEM, for servers that want one.
        key_file: Its key, PEM.
    """

    user: str = ""
    password: str = field(default="", repr=False)
    sentinel_user: str = ""
    sentinel_password: str = field(default="", repr=False)
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """A parsed URL. ``url`` is set for SINGLE, for the driver to read; ``nodes`` for the others."""

    topology: Topology
    tls: bool
    url: str = field(default="", repr=False)
    nodes: tuple[tuple[str, int], ...] = ()
    service: str = ""
    db: int = 0
    user: str = ""
    password: str = field(default="", repr=False)


def parse_redis_url(url: str) -> RedisPlace:
    """Return the place that ``url`` names. Raises RedisUrlError."""
    scheme, colon, rest = url.partition(":")
    scheme = scheme.lower()
    base, _, topology = scheme.partition("+")
    if not topology:
        return RedisPlace(Topology.SINGLE, base == "rediss", url=_single(f"{scheme}{colon}{rest}"))
    if topology == "sentinel":
        return _sentinel(base, rest)
    return _cluster(base, rest)


def _single(url: str) -> str:
    """Return ``url`` if the driver takes every part of it as it is meant."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise RedisUrlError("the store's URL has a port or host that is none") from None
    if parts.scheme == "unix":
        if parts.netloc.rpartition("@")[2] or not parts.path:
            raise RedisUrlError(
                "a unix: URL needs three slashes and a path: unix:///run/redis.sock"
            )
    elif not parts.hostname:
        raise RedisUrlError(f"a {parts.scheme}: URL needs a host: {parts.scheme}://HOST:PORT/DB")
    elif not re.fullmatch(r"(/\d*)?", parts.path):
        raise RedisUrlError(f"a {parts.scheme}: URL ends with the database's number: /0")
    for name, values in parse_qs(parts.query, keep_blank_values=True).items():
        if name not in _OPTIONS:
            allowed = ", ".join(_OPTIONS)
            raise RedisUrlError(f"the store's URL has an unknown option; known: {allowed}")
        if name == "db" and not values[0].isdecimal():
            raise RedisUrlError("the store's URL has a db that is no number")
    if parts.fragment:
        raise RedisUrlError("the store's URL has a #; write %23 in a password")
    return url


def _sentinel(base: str, rest: str) -> RedisPlace:
    form = f"{base}+sentinel://HOST:PORT,HOST:PORT/SERVICE/DB"
    user, password, hosts, path = _parts(rest, form)
    match = re.fullmatch(r"/(?P<service>[^/]+)(/(?P<db>\d{1,4})?)?", path)
    if match is None:
        raise RedisUrlError(f"a Sentinel URL names the service it watches: {form}")
    return RedisPlace(
        Topology.SENTINEL,
        base == "rediss",
        nodes=_nodes(hosts, _SENTINEL_PORT, form),
        service=unquote(match["service"]),
        db=int(match["db"] or 0),
        user=user,
        password=password,
    )


def _cluster(base: str, rest: str) -> RedisPlace:
    form = f"{base}+cluster://HOST:PORT,HOST:PORT"
    user, password, hosts, path = _parts(rest, form)
    if path not in ("", "/", "/0"):
        raise RedisUrlError(f"a Cluster has one database only, 0: {form}")
    return RedisPlace(
        Topology.CLUSTER,
        base == "rediss",
        nodes=_nodes(hosts, _REDIS_PORT, form),
        user=user,
        password=password,
    )


def _parts(rest: str, form: str) -> tuple[str, str, str, str]:
    """Return user, password, hosts and path of what follows the scheme's colon."""
    if not rest.startswith("//"):
        raise RedisUrlError(f"the store's URL lacks its slashes: {form}")
    if "?" in rest or "#" in rest:
        raise RedisUrlError(
            "this form of URL takes no options; write %3F and %23 in a password, and give TLS"
            " files by FURLER_REDIS_CA_FILE, FURLER_REDIS_CERT_FILE and FURLER_REDIS_KEY_FILE"
        )
    place, slash, path = rest[2:].partition("/")
    login, _, hosts = place.rpartition("@")
    user, _, password = login.partition(":")
    return unquote(user), unquote(password), hosts, slash + path


def _nodes(hosts: str, default_port: int, form: str) -> tuple[tuple[str, int], ...]:
    nodes: list[tuple[str, int]] = []
    for number, text in enumerate(hosts.split(","), 1):
        match = _NODE.fullmatch(text)
        port = int(match["port"] or default_port) if match else 0
        if match is None or not 0 < port < 65536:
            raise RedisUrlError(f"host {number} of the store's URL is none: {form}")
        nodes.append((match["host"].strip("[]"), port))
    return tuple(nodes)
