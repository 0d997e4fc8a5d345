"""The OpenAPI 3.1 document of a dialect, read off the rows that answer. https://spec.openapis.org/oas/v3.1.1.html

What JSON Schema cannot say (other names, which words a wrong value is answered with) stands in descriptions.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import msgspec

from helpdeskd.http.dialect import Dialect, Route
from helpdeskd.http.params import Known, Param, Required, Rule, params_of
from helpdeskd.resources import version

_BODIES = frozenset({"POST", "PUT", "PATCH"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "application/json")
_PLACEHOLDER = re.compile(r"\{([^}]+)\}")
_KINDS: dict[Any, dict[str, Any]] = {
    int: {"type": "integer"},
    bool: {"type": "boolean"},
}
_FILE = {
    "type": "string",
    "format": "binary",
    "description": "Each part with a file name is a file, whatever the part is called.",
}
_REF = "#/components/schemas/{name}"


def document(dialect: Dialect) -> dict[str, Any]:
    """Plain JSON values. The same rows give the same document."""
    kinds = [kind for route in dialect.routes for kind in route.result if kind is not bytes]
    kinds += [dialect.failure] if dialect.failure is not None else []
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    shapes = dict(zip(map(repr, kinds), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    named: Counter[str] = Counter()
    for route in dialect.routes:
        for path in route.paths.split():
            for method in route.methods.split():
                name = f"{method.lower()}-{route.name}"
                named[name] += 1
                if named[name] > 1:
                    name += f"-{named[name]}"
                told = _operation(dialect, route, method, path, shapes) | {"operationId": name}
                paths.setdefault(path, {})[method.lower()] = told
    return {
        "openapi": "3.1.0",
        "info": {"title": dialect.title, "version": version()},
        "servers": [{"url": mount} for mount in dialect.mounts],
        "security": [{name: []} for name in dialect.security],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": dict(dialect.security)},
    }


def _operation(dialect: Dialect, route: Route, method: str, path: str, shapes: dict[str, Any]) -> dict[str, Any]:
    placeholders = _PLACEHOLDER.findall(path)
    params = params_of(route.params)
    found: dict[str, Any] = {
        "tags": [_tag(path)],
        "summary": _summary(route),
        "parameters": list(_outside(params, placeholders, method)),
        "responses": _responses(dialect, route, shapes),
    }
    if method in _BODIES and (body := _body(params, placeholders, files=route.files)):
        found["requestBody"] = body
    if route.permission:
        found["description"] = f"Needs the permission {route.permission}."
    return found


def _tag(path: str) -> str:
    """The resource: the first segment that is no placeholder."""
    return next((part for part in path.split("/") if part and not part.startswith("{")), "/").lower()


def _summary(route: Route) -> str:
    """What its view says of itself, else its name."""
    said, _, _ = inspect.cleandoc(route.view.__doc__ or "").partition("\n\n")
    return " ".join(said.split()) or route.name.replace("_", " ").strip().capitalize()


def _outside(params: tuple[Param, ...], placeholders: list[str], method: str) -> Iterator[dict[str, Any]]:
    """Parameters in path and query."""
    by_name = {name: param for param in params for name in param.names}
    for name in placeholders:
        known = by_name.get(name)
        schema = _schema(known) if known is not None else {"type": "string"}
        yield {"name": name, "in": "path", "required": True, "schema": schema, **_described(known, name)}
    for param in params:
        if not set(param.names) & set(placeholders) and not _in_body(param, method):
            told = {"name": param.name, "in": "query", "required": param.required, "schema": _schema(param)}
            yield told | _described(param, param.name)


def _in_body(param: Param, method: str) -> bool:
    return method in _BODIES and param.where is None


def _body(params: tuple[Param, ...], placeholders: list[str], *, files: bool) -> dict[str, Any]:
    inside = [each for each in params if _in_body(each, "POST") and not set(each.names) & set(placeholders)]
    if not inside and not files:
        return {}
    shape: dict[str, Any] = {
        "type": "object",
        "properties": {each.name: _schema(each) | _described(each, each.name) for each in inside},
    }
    needed = [each.name for each in inside if each.required]
    if needed:
        shape["required"] = needed
    content = {kind: {"schema": shape} for kind in _FORMS}
    if files:
        content["multipart/form-data"] = {"schema": shape | {"properties": shape["properties"] | {"file": _FILE}}}
    return {"required": bool(needed), "content": content}


def _schema(param: Param) -> dict[str, Any]:
    found: dict[str, Any] = dict(_KINDS.get(param.kind, {"type": "string"}))
    for rule in param.rules:
        if isinstance(rule, Rule):
            found |= rule.schema
    if "enum" in found:
        found["type"] = "string"  # whatever the view makes of it
    if param.default not in {None, ""} and isinstance(param.default, str | int) and "enum" not in found:
        found["default"] = param.default
    return {"type": "array", "items": found} if param.many else found


def _described(param: Param | None, name: str) -> dict[str, str]:
    if param is None:
        return {}
    sentences = [param.doc] if param.doc else []
    others = [each for each in param.names if each != name]
    if others:
        sentences.append(f"Also called {', '.join(others)}.")
    sentences += [f"Else: {rule.words}" for rule in param.rules if isinstance(rule, Rule) and rule.words]
    sentences += [
        f"Where there is none: {rule.words}" for rule in param.rules if isinstance(rule, Required) and rule.words
    ]
    sentences += [
        f"Where it is unknown: {rule.words}" for rule in param.rules if isinstance(rule, Known) and rule.words
    ]
    return {"description": " ".join(sentences)} if sentences else {}


def _responses(dialect: Dialect, route: Route, shapes: dict[str, Any]) -> dict[str, Any]:
    failure = {} if dialect.failure is None else _json([shapes[repr(dialect.failure)]])
    results = [shapes[repr(kind)] for kind in route.result if kind is not bytes]
    if dialect.soft and results and dialect.failure is not None:
        results.append(shapes[repr(dialect.failure)])
    done: dict[str, Any] = {"description": "Done."}
    if bytes in route.result:
        done["content"] = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    elif results:
        done |= _json(results)
    told = {"200": done}
    for status in dialect.statuses:
        if 100 <= status <= 599:
            told.setdefault(
                str(status), {"description": HTTPStatus(status).phrase} | (failure if status >= 400 else {})
            )
        else:  # OpenAPI knows no such status
            told["default"] = {"description": f"Status {status}."}
    return told


def _json(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    unique = [each for nth, each in enumerate(schemas) if each not in schemas[:nth]]
    return {"content": {"application/json": {"schema": unique[0] if len(unique) == 1 else {"anyOf": unique}}}}
