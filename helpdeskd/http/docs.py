"""What the page about a dialect shows: its OpenAPI document as sections of endpoints, each with a call to copy."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_DEEPEST = 6  # levels of a result that are drawn
_FORM = "application/x-www-form-urlencoded"
_FILES = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    place: str  # path, query, body, file
    kind: str
    required: bool
    words: str


@dataclass(frozen=True, slots=True)
class Result:
    status: str
    words: str
    shape: str  # JSON with kinds in the place of values; empty where nothing is said


@dataclass(frozen=True, slots=True)
class Endpoint:
    anchor: str
    method: str
    path: str
    summary: str
    words: str
    parameters: tuple[Parameter, ...]
    results: tuple[Result, ...]
    curl: str


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    endpoints: tuple[Endpoint, ...]


def sections(document: Mapping[str, Any], base: str) -> tuple[Section, ...]:
    """In the document's order. `base` is the URL that the mounts are below."""
    found: dict[str, list[Endpoint]] = {}
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            found.setdefault(told["tags"][0], []).append(_endpoint(document, base, path, method.upper(), told))
    return tuple(Section(name, tuple(endpoints)) for name, endpoints in found.items())


def _endpoint(document: Mapping[str, Any], base: str, path: str, method: str, told: Mapping[str, Any]) -> Endpoint:
    parameters = (*_outside(told), *_inside(told))
    return Endpoint(
        anchor=told["operationId"],
        method=method,
        path=path,
        summary=told["summary"],
        words=told.get("description", ""),
        parameters=parameters,
        results=tuple(
            Result(status, each["description"], _drawn(document, each)) for status, each in told["responses"].items()
        ),
        curl=_curl(document, base, path, method, parameters),
    )


def _outside(told: Mapping[str, Any]) -> Iterable[Parameter]:
    for each in told["parameters"]:
        yield Parameter(each["name"], each["in"], _kind(each["schema"]), each["required"], each.get("description", ""))


def _inside(told: Mapping[str, Any]) -> Iterable[Parameter]:
    if "requestBody" not in told:
        return
    content = told["requestBody"]["content"]
    shape = content[_FILES]["schema"]
    for name, schema in shape["properties"].items():
        place = "body" if name in content[_FORM]["schema"]["properties"] else "file"
        needed = name in shape.get("required", ())
        yield Parameter(name, place, _kind(schema), needed, schema.get("description", ""))


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"{_kind(schema['items'])}, any number"
    return {"binary": "file"}.get(schema.get("format", ""), str(schema.get("type", "any")))


def _curl(document: Mapping[str, Any], base: str, path: str, method: str, parameters: tuple[Parameter, ...]) -> str:
    """A call with everything that is required, for a shell."""
    words = ["curl"]
    if method != "GET":
        words += ["-X", method]
    words += _credential(document)
    query = "&".join(f"{each.name}={_example(each)}" for each in parameters if each.place == "query" and each.required)
    inside = [each for each in parameters if each.place == "body" and each.required]
    files = [each for each in parameters if each.place == "file"]
    for each in inside:
        words += ["-F" if files else "-d", f"{each.name}={_example(each)}"]
    for each in files:
        words += ["-F", f"{each.name}=@FILE"]
    for each in parameters:
        if each.place == "path":
            path = path.replace(f"{{{each.name}}}", each.name.upper())
    url = f"{base}{document['servers'][0]['url']}{path}" + (f"?{query}" if query else "")
    return shlex.join([*words, url])


def _credential(document: Mapping[str, Any]) -> list[str]:
    """By the first way the dialect names."""
    for scheme in document["components"]["securitySchemes"].values():
        match scheme:
            case {"type": "apiKey", "in": "header", "name": name}:
                return ["-H", f"{name}: TOKEN"]
            case {"type": "http", "scheme": "basic"}:
                return ["-u", "NAME:PASSWORD"]
            case {"type": "http", "scheme": "bearer"}:
                return ["-H", "Authorization: Bearer TOKEN"]
            case _:
                continue
    return []


def _example(parameter: Parameter) -> str:
    return {"integer": "1", "number": "1", "boolean": "true", "string": parameter.name.upper()}.get(
        parameter.kind.partition(",")[0], parameter.kind.partition(" or ")[0]
    )


def _drawn(document: Mapping[str, Any], response: Mapping[str, Any]) -> str:
    for content in response.get("content", {}).values():
        return "\n".join(_lines(document["components"]["schemas"], content["schema"], _DEEPEST))
    return ""


def _lines(known: Mapping[str, Any], schema: Mapping[str, Any], depth: int) -> list[str]:
    """JSON with kinds in the place of values, indented."""
    if "$ref" in schema:
        schema = known[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return _either([_lines(known, each, depth) for each in schema["anyOf"]])
    if "const" in schema or "enum" in schema:
        return [" | ".join(map(repr, schema.get("enum", [schema.get("const")])))]
    if schema.get("type") == "array" and "items" in schema:
        return _wrapped("[", _lines(known, schema["items"], depth - 1), "]") if depth else ["[...]"]
    if schema.get("type") == "object" and "properties" in schema:
        if not depth:
            return ["{...}"]
        inner: list[str] = []
        for name, each in schema["properties"].items():
            first, *rest = _lines(known, each, depth - 1)
            inner += [f'"{name}": {first}', *rest]
            inner[-1] += ","
        return _wrapped("{", inner, "}")
    return [str(schema.get("format") or schema.get("type", "anything"))]


def _either(choices: list[list[str]]) -> list[str]:
    if all(len(each) == 1 for each in choices):
        return [" | ".join(each[0] for each in choices)]
    found = list(choices[0])
    for each in choices[1:]:
        found[-1] += " |"
        found += each
    return found


def _wrapped(opening: str, inner: list[str], closing: str) -> list[str]:
    if len(inner) == 1 and len(inner[0]) < 60:
        return [f"{opening}{inner[0].rstrip(',')}{closing}"]
    return [opening, *(f"  {line}" for line in inner), closing]
