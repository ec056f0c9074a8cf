"""The OpenAPI document: every operation, what it takes, what it answers, every declared error."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.responses import Response

from lignin.interfaces.commands import effect_note
from lignin.interfaces.http.problems import DECLARED, MEDIA, SCHEMA, TITLES
from lignin.interfaces.remote import DRY_RUN_TOLD, request_schema
from lignin.operations.registry import Operation

REFERENCE = "#/components/schemas/{model}"
_ERRORS = {
    str(status): {
        "description": TITLES[status],
        "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status in DECLARED
}
DRY_RUN = {
    "name": "dry_run",
    "in": "query",
    "required": False,
    "description": DRY_RUN_TOLD,
    "schema": {"type": "boolean", "default": False},
}
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "the same key answers the same: the call is made at most once",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}


def describe(operation: Operation) -> dict[str, Any]:
    """What a route says of its operation, as arguments of `add_api_route`."""
    extra: dict[str, Any] = {
        "x-lignin-effect": operation.effect,
        "x-lignin-idempotent": operation.idempotent,
        "responses": {"200": _answer(operation), **_ERRORS},
    }
    schema = request_schema(operation)
    if operation.effect == "read":
        extra["parameters"] = [_parameter(schema, name) for name in schema["properties"]]
    else:
        extra["parameters"] = [DRY_RUN, KEY]
        extra["requestBody"] = {
            "required": bool(schema.get("required")),
            "content": {"application/json": {"schema": schema}},
        }
    return {
        "operation_id": operation.name,
        "summary": operation.summary,
        "description": f"{operation.description}\n\n{effect_note(operation)}",
        "tags": [operation.name.partition(".")[0]],
        "response_class": Response,
        "response_model": None,
        "openapi_extra": extra,
    }


def _answer(operation: Operation) -> dict[str, Any]:
    schema = {"$ref": REFERENCE.format(model=_names()[operation.response])}
    return {
        "description": "the answer",
        "content": {
            "application/json": {"schema": schema},
            "text/event-stream": {"schema": {"type": "string"}},
        },
    }


def _parameter(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = dict(schema["properties"][name])
    if "anyOf" in part:  # a query has no null: what is not there is not given
        kept = [each for each in part.pop("anyOf") if each != {"type": "null"}]
        part = {**part, **kept[0]}
    if part.get("default", ...) is None:
        del part["default"]
    return {
        "name": name,
        "in": "query",
        "required": name in schema.get("required", []),
        "description": part.pop("description", ""),
        "schema": part,
    }


@cache
def _responses() -> tuple[dict[type, str], dict[str, Any]]:
    from lignin.operations.registry import load_operations

    models = list(dict.fromkeys(each.response for each in load_operations().values()))
    by_model, schemas = models_json_schema(
        [(model, "serialization") for model in models], ref_template=REFERENCE
    )
    names = {model: by_model[model, "serialization"]["$ref"].rpartition("/")[2] for model in models}
    return names, dict(schemas.get("$defs", {}))


def _names() -> dict[type, str]:
    return _responses()[0]


def install(app: FastAPI) -> None:
    """Let the application tell its OpenAPI document, made once."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            parts = made.setdefault("components", {}).setdefault("schemas", {})
            parts.update(_responses()[1])
            parts["Problem"] = SCHEMA
            made["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            made["security"] = [{"token": []}]
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
