"""The API's document, made from the table of acts, so that it cannot be behind."""

from functools import cache
from typing import Any

import msgspec

from sync_server.acts.table import ACTS

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "hint"],
            "properties": {"message": {"type": "string"}, "hint": {"type": "string"}},
        }
    },
}
_SEALED = {
    "type": "object",
    "required": ["body", "signature"],
    "properties": {"body": {"type": "string"}, "signature": {"type": "string"}},
}
_DEVICE = {
    "/v1/enrol": "A new device joins with an invite: a sealed `enrol`",
    "/v1/sync": "A device reports and asks for rights: a sealed `sync`",
    "/v1/hello": "A device whose ledger is in doubt asks for a new one: a sealed `hello`",
    "/v1/request": "A developer asks for a raise: a sealed `raise_request`",
    "/v1/look": "How the team stands, for a device's screen: a sealed `look`",
    "/v1/add_device": "A member lets another machine in: a sealed `add_device`",
    "/v1/draw_reserve": "A developer draws an emergency reserve: a sealed `draw_reserve`",
    "/v1/decide": "A lead answers a request from a device: a sealed `decide`",
}
_STATUSES = {
    "400": "What was sent cannot be read",
    "401": "No token, or one that is unknown or ended",
    "403": "Not yours: another's key or ticket, or a role that is not enough",
    "404": "There is nothing of this name; for every invite that is not valid the same",
    "409": "Understood, and not possible now",
    "413": "Above 1 MiB",
    "429": "Too many requests: see Retry-After",
    "503": "The journal cannot be written; nothing was decided",
}


@cache
def document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    takes = {act.takes for act in ACTS.values()}
    _, parts = msgspec.json.schema_components(
        sorted(takes, key=lambda kind: (kind.__module__, kind.__name__)),
        ref_template="#/components/schemas/{name}",
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "agentspend team server", "version": "1"},
        "components": {
            "schemas": {**parts, "Error": _ERROR, "Sealed": _SEALED},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "paths": {**_device_paths(), **_people_paths()},
    }


def _device_paths() -> dict[str, Any]:
    posts = {
        path: {"post": _operation(gist, _content({"$ref": "#/components/schemas/Sealed"}),
                                  ("400", "403", "404", "409", "413", "429", "503"))}
        for path, gist in _DEVICE.items()
    }  # fmt: skip
    ticket = {"name": "ticket", "in": "query", "required": True, "schema": {"type": "string"}}
    push = {
        "summary": "A line held open: one JSON line for each event",
        "parameters": [ticket],
        "responses": {
            "200": {"description": "Events", "content": {"application/x-ndjson": {}}},
            **_refusals("403", "429"),
        },
    }
    return {**posts, "/v1/push": {"get": push}}


def _people_paths() -> dict[str, Any]:
    acts: dict[str, Any] = {}
    for act in ACTS.values():
        schema = msgspec.json.schema_components(
            [act.takes], ref_template="#/components/schemas/{name}"
        )[0][0]
        found = _operation(f"{act.gist} (a {act.least.value}'s token)", _content(schema),
                           ("400", "401", "403", "404", "409", "413", "429", "503"))  # fmt: skip
        acts[f"/v1/admin/{act.name}"] = {"post": {**found, "security": [{"token": []}]}}
    health = {"summary": "Whether the server can decide", "responses": {"200": _json("Yes")}}
    self = {"summary": "This document", "responses": {"200": _json("OpenAPI 3.1")}}
    figures = {
        "summary": "Figures for Prometheus (a viewer's token)",
        "security": [{"token": []}],
        "responses": {
            "200": {"description": "Text", "content": {"text/plain": {}}},
            **_refusals("401", "429"),
        },
    }
    return {**acts, "/healthz": {"get": health}, "/metrics": {"get": figures},
            "/openapi.json": {"get": self}}  # fmt: skip


def _operation(summary: str, body: dict[str, Any], statuses: tuple[str, ...]) -> dict[str, Any]:
    responses = {"200": _json("Done"), **_refusals(*statuses)}
    return {"summary": summary, "requestBody": {"required": True, **body}, "responses": responses}


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _json(told: str) -> dict[str, Any]:
    return {"description": told, **_content({"type": "object"})}


def _refusals(*statuses: str) -> dict[str, Any]:
    error = _content({"$ref": "#/components/schemas/Error"})
    return {status: {"description": _STATUSES[status], **error} for status in statuses}
