"""Generate the gateway's OpenAPI document from proto/.

What lives here: the one way services/gateway/src/furler_gateway/openapi.json is
made: schemas as proto3's JSON mapping has them, with the proto files' comments as
descriptions. Same proto and same tools give the same bytes; a test compares them.
The /v1 surface, which no proto describes, is added from contract.json beside this file.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Final

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from grpc_tools import protoc

ROOT: Final = Path(__file__).resolve().parent.parent
PROTO: Final = ROOT / "proto"
TARGET: Final = ROOT / "services/gateway/src/furler_gateway/openapi.json"
CONTRACT: Final = Path(__file__).with_name("contract_openapi.json")
PACKAGE: Final = "furler.v1"

# Numbers of fields in descriptor.proto: how source code information names places.
_MESSAGE, _ENUM, _SERVICE = 4, 5, 6
_NESTED, _FIELD, _METHOD, _VALUE = 3, 2, 2, 2

_SCALARS: dict[Field.Type.ValueType, Schema] = {
    Field.TYPE_DOUBLE: {"type": "number", "format": "double"},
    Field.TYPE_FLOAT: {"type": "number", "format": "float"},
    Field.TYPE_INT32: {"type": "integer", "format": "int32"},
    Field.TYPE_UINT32: {"type": "integer", "format": "uint32", "minimum": 0},
    Field.TYPE_INT64: {"type": "string", "format": "int64", "pattern": "^-?[0-9]{1,19}$"},
    Field.TYPE_UINT64: {"type": "string", "format": "uint64", "pattern": "^[0-9]{1,20}$"},
    Field.TYPE_BOOL: {"type": "boolean"},
    Field.TYPE_STRING: {"type": "string"},
    Field.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
}
_WELL_KNOWN: dict[str, Schema] = {
    ".google.protobuf.Duration": {
        "type": "string",
        "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$",
        "examples": ["86400s"],
    },
    ".google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
}
Schema = dict[str, object]


@dataclass(slots=True)
class Document:
    """What is gathered from the files."""

    paths: Schema = field(default_factory=dict)
    schemas: Schema = field(default_factory=dict)
    tags: list[Schema] = field(default_factory=list)


def generate() -> str:
    """Return the document's text."""
    document = Document()
    for file in _files():
        _read_file(document, file)
    contract = json.loads(CONTRACT.read_text())
    document.schemas["Error"] = _ERROR
    whole = {
        "openapi": "3.1.0",
        "info": {
            "title": "Furler",
            "version": "1",
            "description": contract["description"],
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{}, {"bearer": []}],
        "tags": [*contract["tags"], *document.tags],
        "paths": {**contract["paths"], **document.paths},
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": dict(sorted((document.schemas | contract["schemas"]).items())),
        },
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


_ERROR: Final[Schema] = {
    "type": "object",
    "description": "Why a call failed, as the Connect protocol writes it.",
    "required": ["code"],
    "properties": {
        "code": {"type": "string", "examples": ["invalid_argument", "not_found"]},
        "message": {"type": "string"},
        "details": {
            "type": "array",
            "description": "google.rpc.ErrorInfo with the reason (see ErrorReason), RetryInfo.",
            "items": {
                "type": "object",
                "properties": {
                    "type": {"type": "string"},
                    "value": {"type": "string", "contentEncoding": "base64"},
                    "debug": {"type": "object"},
                },
            },
        },
    },
}


def _files() -> Iterator[descriptor_pb2.FileDescriptorProto]:
    """Yield the files of the API with their comments, by name."""
    names = sorted(path.relative_to(PROTO).as_posix() for path in PROTO.rglob("*.proto"))
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "set"
        arguments = [
            "protoc",
            f"--proto_path={PROTO}",
            f"--proto_path={Path(str(files('grpc_tools'))) / '_proto'}",
            "--include_source_info",
            f"--descriptor_set_out={out}",
            *names,
        ]
        if code := protoc.main(arguments):
            raise SystemExit(f"protoc exited with {code}")
        yield from descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file


def _read_file(document: Document, file: descriptor_pb2.FileDescriptorProto) -> None:
    comments = {
        tuple(place.path): _unwrap(place.leading_comments)
        for place in file.source_code_info.location
        if place.leading_comments
    }
    for at, message in enumerate(file.message_type):
        _read_message(document, message, "", (_MESSAGE, at), comments)
    for at, enum in enumerate(file.enum_type):
        _read_enum(document, enum, (_ENUM, at), comments)
    for at, service in enumerate(file.service):
        _read_service(document, service, (_SERVICE, at), comments)


Comments = dict[tuple[int, ...], str]


def _read_message(
    document: Document,
    message: descriptor_pb2.DescriptorProto,
    prefix: str,
    place: tuple[int, ...],
    comments: Comments,
) -> None:
    name = prefix + message.name
    entries = {each.name: each for each in message.nested_type if each.options.map_entry}
    properties: Schema = {}
    for at, each in enumerate(message.field):
        made = _schema_of(each, entries)
        if comment := comments.get((*place, _FIELD, at)):
            made = {"description": comment, **made}
        if each.HasField("oneof_index") and not each.proto3_optional:
            group = message.oneof_decl[each.oneof_index].name
            made["description"] = f"{made.get('description', '')}\nOne of “{group}”.".strip()
        properties[each.json_name] = made
    document.schemas[name] = {
        "type": "object",
        "description": comments.get(place, ""),
        "properties": properties,
        "additionalProperties": False,
    }
    for at, nested in enumerate(message.nested_type):
        if not nested.options.map_entry:
            _read_message(document, nested, f"{name}.", (*place, _NESTED, at), comments)


def _schema_of(each: Field, entries: dict[str, descriptor_pb2.DescriptorProto]) -> Schema:
    if each.type == Field.TYPE_MESSAGE:
        entry = entries.get(each.type_name.rpartition(".")[2])
        if entry is not None:
            return {"type": "object", "additionalProperties": _schema_of(entry.field[1], {})}
        known: Schema | None = _WELL_KNOWN.get(each.type_name)
        one: Schema = _reference(each.type_name) if known is None else known
    elif each.type == Field.TYPE_ENUM:
        one = _reference(each.type_name)
    else:
        one = _SCALARS[each.type]
    repeated = each.label == Field.LABEL_REPEATED
    return {"type": "array", "items": one} if repeated else one


def _reference(type_name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{type_name.removeprefix(f'.{PACKAGE}.')}"}


def _read_enum(
    document: Document,
    enum: descriptor_pb2.EnumDescriptorProto,
    place: tuple[int, ...],
    comments: Comments,
) -> None:
    values = [
        f"- `{value.name}`: {comments.get((*place, _VALUE, at), '')}"
        for at, value in enumerate(enum.value)
    ]
    document.schemas[enum.name] = {
        "type": "string",
        "description": "\n".join([comments.get(place, ""), "", *values]),
        "enum": [value.name for value in enum.value],
    }


def _read_service(
    document: Document,
    service: descriptor_pb2.ServiceDescriptorProto,
    place: tuple[int, ...],
    comments: Comments,
) -> None:
    document.tags.append({"name": service.name, "description": comments.get(place, "")})
    for at, method in enumerate(service.method):
        if method.client_streaming:
            continue  # gRPC only
        comment = comments.get((*place, _METHOD, at), "")
        result = _reference(method.output_type)
        kind = "application/json"
        if method.server_streaming:
            kind = "application/x-ndjson"
            comment += "\n\nA line per message; server-sent events if Accept asks for them."
            result = {
                "type": "object",
                "properties": {
                    "result": result,
                    "error": {"$ref": "#/components/schemas/Error"},
                },
            }
        document.paths[f"/{PACKAGE}.{service.name}/{method.name}"] = {
            "post": {
                "tags": [service.name],
                "operationId": f"{service.name}.{method.name}",
                "summary": comment.partition("\n")[0],
                "description": comment,
                "parameters": [_TIMEOUT],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": _reference(method.input_type)}},
                },
                "responses": {
                    "200": {"description": "The answer.", "content": {kind: {"schema": result}}},
                    "default": {
                        "description": "Why it failed.",
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Error"}}
                        },
                    },
                },
            }
        }


_TIMEOUT: Final[Schema] = {
    "name": "Connect-Timeout-Ms",
    "in": "header",
    "description": "Milliseconds within which the answer is of use.",
    "schema": {"type": "integer", "minimum": 0, "maximum": 9_999_999_999},
}


def _unwrap(comment: str) -> str:
    """Return a comment with its lines joined where they only wrapped."""
    text = "\n".join(line.removeprefix(" ").rstrip() for line in comment.strip("\n").splitlines())
    # A line that is indented, or follows an empty one, begins something new.
    return re.sub(r"(?<=\S)\n(?=[^\s-])", " ", text).strip()


def main() -> None:
    """Write the document."""
    TARGET.write_text(generate())
    print(TARGET.relative_to(ROOT))


if __name__ == "__main__":
    main()
