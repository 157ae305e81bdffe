"""A stand-in for a Kubernetes API server: it keeps what it is given, and answers as Helm expects.

It knows names and versions of kinds, creates, reads, lists, replaces, patches and deletes; it runs
nothing. What it was given can be looked at afterwards.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs, urlsplit

import yaml

from support import kube_protobuf

Json = dict[str, object]

KINDS: Final = {
    "v1": ("Namespace", "Secret", "ConfigMap", "Service", "ServiceAccount", "Pod"),
    "apps/v1": ("Deployment", "ReplicaSet"),
    "autoscaling/v2": ("HorizontalPodAutoscaler",),
    "policy/v1": ("PodDisruptionBudget",),
    "networking.k8s.io/v1": ("NetworkPolicy", "Ingress"),
    "gateway.networking.k8s.io/v1": ("HTTPRoute",),
    "cert-manager.io/v1": ("Certificate",),
    "monitoring.coreos.com/v1": ("ServiceMonitor", "PrometheusRule"),
    "keda.sh/v1alpha1": ("ScaledObject",),
}
_VERBS: Final = ["create", "delete", "get", "list", "patch", "update", "watch"]


def plural(kind: str) -> str:
    """Return the name that a kind has in paths."""
    lower = kind.lower()
    if lower.endswith("y"):
        return f"{lower[:-1]}ies"
    return (
        lower
        if lower.endswith("ss") and lower != "ingress"
        else f"{lower}{'es' if lower.endswith('s') else 's'}"
    )


@dataclass
class KubeApi:
    """A running stand-in. ``objects`` holds what it keeps, by path."""

    address: str
    version: str
    objects: dict[str, Json] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def kubeconfig(self) -> str:
        """How a client gets here."""
        return yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": f"http://{self.address}"}}],
            "users": [{"name": "here", "user": {}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
        })  # fmt: skip

    def of_kind(self, kind: str) -> dict[str, Json]:
        """Return what is kept of a kind, by name."""
        found = (o for o in self.objects.values() if o.get("kind") == kind)
        return {_text(_map(o["metadata"])["name"]): o for o in found}

    def discover(self, path: str) -> Json | None:
        """Return what the server says of itself at ``path``; None for other paths."""
        groups = [name for name in KINDS if "/" in name]
        match path.strip("/").split("/"):
            case ["version"]:
                major, minor = self.version.split(".")
                return {"major": major, "minor": minor, "gitVersion": f"v{self.version}.0"}
            case ["api"]:
                return {"kind": "APIVersions", "versions": ["v1"]}
            case ["apis"]:
                return {
                    "kind": "APIGroupList",
                    "apiVersion": "v1",
                    "groups": [_group(g) for g in groups],
                }
            case ["api", "v1"]:
                return _resources("v1")
            case ["apis", group, version] if f"{group}/{version}" in KINDS:
                return _resources(f"{group}/{version}")
        return None


def _group(name: str) -> Json:
    version = {"groupVersion": name, "version": name.partition("/")[2]}
    return {"name": name.partition("/")[0], "versions": [version], "preferredVersion": version}


def _resources(name: str) -> Json:
    resources = [
        {"name": plural(kind), "singularName": kind.lower(), "kind": kind, "verbs": _VERBS,
         "namespaced": kind != "Namespace"}
        for kind in KINDS[name]
    ]  # fmt: skip
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": name,
        "resources": resources,
    }


def _map(value: object) -> Json:
    assert isinstance(value, dict)
    return value


def _text(value: object) -> str:
    assert isinstance(value, str)
    return value


def _merged(old: Json, patch: Json) -> Json:
    """Return ``old`` with a merge patch (RFC 7386) applied; lists are replaced."""
    new = dict(old)
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        before = new.get(key)
        if value is None:
            new.pop(key, None)
        elif isinstance(value, dict) and isinstance(before, dict):
            new[key] = _merged(before, value)
        else:
            new[key] = value
    return new


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    api: KubeApi

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        found = self.api.discover(url.path)
        if found is not None:
            return self._answer(200, found)
        with self.api.lock:
            if url.path in self.api.objects:
                return self._answer(200, self.api.objects[url.path])
            below = [o for p, o in self.api.objects.items() if p.rpartition("/")[0] == url.path]
        kinds = {plural(kind): kind for kinds in KINDS.values() for kind in kinds}
        last = url.path.rpartition("/")[2]
        if last not in kinds:
            return self._missing()
        wanted = parse_qs(url.query).get("labelSelector", [""])[0]
        items: list[object] = [o for o in below if _selected(o, wanted)]
        return self._answer(
            200, {"kind": f"{kinds[last]}List", "apiVersion": "v1", "metadata": {}, "items": items}
        )

    def do_POST(self) -> None:
        given = self._body()
        path = f"{urlsplit(self.path).path}/{_map(given['metadata'])['name']}"
        with self.api.lock:
            if path in self.api.objects:
                return self._answer(
                    409,
                    {"kind": "Status", "status": "Failure", "reason": "AlreadyExists", "code": 409},
                )
            self.api.objects[path] = given
        return self._answer(201, given)

    def do_PUT(self) -> None:
        given = self._body()
        with self.api.lock:
            self.api.objects[urlsplit(self.path).path] = given
        self._answer(200, given)

    def do_PATCH(self) -> None:
        patch, path = self._body(), urlsplit(self.path).path
        with self.api.lock:
            if path not in self.api.objects:
                return self._missing()
            self.api.objects[path] = _merged(self.api.objects[path], patch)
            return self._answer(200, self.api.objects[path])

    def do_DELETE(self) -> None:
        self._read()
        with self.api.lock:
            gone = self.api.objects.pop(urlsplit(self.path).path, None)
        if gone is None:
            return self._missing()
        return self._answer(200, {"kind": "Status", "status": "Success"})

    def _read(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _body(self) -> Json:
        read = self._read()
        if read.startswith(kube_protobuf.MAGIC):
            return kube_protobuf.secret(read)
        return _map(json.loads(read or b"{}"))

    def _missing(self) -> None:
        self._answer(
            404,
            {
                "kind": "Status",
                "apiVersion": "v1",
                "status": "Failure",
                "reason": "NotFound",
                "code": 404,
            },
        )

    def _answer(self, status: int, body: Json) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _selected(kept: Json, selector: str) -> bool:
    labels = _map(_map(kept["metadata"]).get("labels") or {})
    terms = (term.partition("=") for term in selector.split(",") if "=" in term and " " not in term)
    return all(labels.get(name) == value.lstrip("=") for name, _, value in terms)


@contextmanager
def running_kube_api(version: str = "1.34") -> Iterator[KubeApi]:
    """Run a stand-in of a Kubernetes version on a free loopback port."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    api = KubeApi(f"127.0.0.1:{server.server_port}", version)
    handler.api = api  # type: ignore[attr-defined]  # one class per server
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
