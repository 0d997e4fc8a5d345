"""Read settings from TOML and the environment; every wrong key is reported at once, with its place."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, fields

from helpdeskd.config import Config, Dkim, Mailbox, Section
from helpdeskd.config.check import contradictions
from helpdeskd.errors import ConfigError

DEFAULT_FILE = Path("/etc/helpdeskd/helpdeskd.toml")
PREFIX = "HELPDESKD_"
# Names of the environment that are not settings: where the file is, where pipe.py finds the spool, who types, and
# whether a fault of ours is shown with its traceback.
NOT_SETTINGS = {"HELPDESKD_CONFIG", "HELPDESKD_SPOOL", "HELPDESKD_AS", "HELPDESKD_TRACEBACK"}
SECRETS = {"password"}
ARRAYS: dict[str, type[Section]] = {"mailbox": Mailbox, "dkim": Dkim}
# user:password@ and ?password=, as libpq reads them; options may set whatever a server knows
_IN_URL = re.compile(r"(://[^/@]*?:|[?&](?:password|sslpassword|passfile|options)=)[^&]+?(?=@[^@/]*(?:/|$)|&|$)")


S = TypeVar("S", bound=Section)


class _Problems(list[str]):
    def __init__(self) -> None:
        super().__init__()
        self.keys: set[str] = set()

    def add(self, place: str, key: str, expected: str) -> None:
        self.append(f"{place}: {key}: {expected}")
        self.keys.add(key)


def load(file: Path | None, env: Mapping[str, str], *, keys: bool = True) -> Config:
    """Settings from `file` (None = the default file if it is there, else defaults) with `env` on top. Not `keys`: those of DKIM
    are not looked at, for whoever is about to make them.

    Raises ConfigError with every problem found, each with its file or variable, its key and what was expected.
    """
    problems = _Problems()
    place = str(file or DEFAULT_FILE)
    table = _read(file, problems)
    places: dict[tuple[str, ...], str] = {}
    _overlay(table, env, places, problems)
    config = _config(table, place, places, problems)
    stood_in = set(problems.keys)
    for key, expected in contradictions(config, keys=keys):
        if _follows(key, expected, stood_in):
            continue
        problems.add(places.get(tuple(key.split(".")), place), key, expected)
    if problems:
        raise ConfigError(tuple(problems))
    return config


def _follows(key: str, expected: str, wrong: set[str]) -> bool:
    """Is this, or may it be, about a value of ours that stands in for a wrong one?"""
    section = key.rpartition(".")[0]
    named = re.findall(r"[a-z_]+(?:\.[a-z_]+)*", expected)
    return key in wrong or any(name in wrong or f"{section}.{name}" in wrong for name in named)


def _read(file: Path | None, problems: _Problems) -> dict[str, Any]:
    path = file or DEFAULT_FILE
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if file is not None:
            problems.add(str(path), "file", f"expected a readable file: {error.strerror}")
    except tomllib.TOMLDecodeError as error:
        problems.add(str(path), "TOML", f"expected a valid TOML file: {error}")
    except UnicodeDecodeError as error:
        problems.add(str(path), "TOML", f"expected UTF-8 text: {error}")
    except OSError as error:
        problems.add(str(path), "file", f"expected a readable file: {error.strerror}")
    return {}


def _overlay(
    table: dict[str, Any], env: Mapping[str, str], places: dict[tuple[str, ...], str], problems: _Problems
) -> None:
    """HELPDESKD_SMTP__LISTEN=... over [smtp] listen; HELPDESKD_MAILBOX__0__PASSWORD=... over the first [[mailbox]]."""
    if spool := env.get("HELPDESKD_SPOOL"):
        _put(table, ("paths", "spool"), spool)
        places["paths", "spool"] = "environment HELPDESKD_SPOOL"
    for name in sorted(env):
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        path = tuple(name.removeprefix(PREFIX).lower().split("__"))
        field = _field(path)
        if field is None:
            problems.add(f"environment {name}", ".".join(path), "expected the name of a setting, SECTION__KEY")
            continue
        _put(table, path, _from_text(env[name], field))
        places[path] = f"environment {name}"


def _put(table: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Lay a value over the file's. Where the file has something else than a table there, it stays: that is reported."""
    target: Any = table
    for step in path[:-1]:
        if isinstance(target, list):
            while len(target) <= int(step):
                target.append({})
            target = target[int(step)]
        elif isinstance(target, dict):
            target = target.setdefault(step, [] if step in ARRAYS else {})
    if isinstance(target, dict):
        target[path[-1]] = value


def _field(path: tuple[str, ...]) -> FieldInfo | None:
    """The field a path of names leads to: ("smtp", "listen"), ("mailbox", "0", "host")."""
    match path:
        case (section, key):
            kind = next((f.type for f in fields(Config) if f.name == section), None)
        case (array, index, key) if array in ARRAYS and index.isdigit() and int(index) < 100:
            kind = ARRAYS[array]
        case _:
            return None
    if not (isinstance(kind, type) and issubclass(kind, Section)):
        return None
    return next((f for f in fields(kind) if f.name == key), None)


def _from_text(text: str, field: FieldInfo) -> Any:
    """A variable is text; where the setting is none, it is read as a TOML value, and a list also as a,b,c."""
    if field.type is str:
        return text
    if get_origin(field.type) is tuple and not text.lstrip().startswith("["):
        return [item.strip() for item in text.split(",") if item.strip()]
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _config(table: dict[str, Any], place: str, places: Mapping[tuple[str, ...], str], problems: _Problems) -> Config:
    """What is right, and the defaults of what is not: so what does not go together is found too."""
    good = _keys(Config, table, (), place, places, problems)
    whole = {
        name: each for name, each in good.items() if each is not None and not (type(each) is tuple and None in each)
    }
    return Config(**whole)


def _section(
    kind: type[S],
    table: Any,
    path: tuple[str, ...],
    place: str,
    places: Mapping[tuple[str, ...], str],
    problems: _Problems,
) -> S | None:
    if not isinstance(table, dict):
        problems.add(places.get(path, place), ".".join(path), "expected a table")
        return None
    good = _keys(kind, table, path, place, places, problems)
    return kind(**good)


def _keys(
    kind: type[Section],
    table: dict[str, Any],
    path: tuple[str, ...],
    place: str,
    places: Mapping[tuple[str, ...], str],
    problems: _Problems,
) -> dict[str, Any]:
    """The keys that are right, with their values (None: something that is no section). Where a text without a default is missing
    or wrong, its own place stands in for it, so that the others are looked at."""
    known = {f.name: f for f in fields(kind)}
    good: dict[str, Any] = {}
    for key, value in table.items():
        here = (*path, key)
        where = next((places[p] for p in places if p == here), place)
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            problems.add(where, ".".join(here), f"expected one of {', '.join(sorted(known))}{hint}")
            continue
        field = known[key]
        try:
            good[key] = _value(field, value, here, where, places, problems)
        except msgspec.ValidationError as error:
            problems.add(where, ".".join(here), _expected(error, field))
    for name, field in known.items():
        if field.required and name not in table:
            problems.add(place, ".".join((*path, name)), "expected a value: this setting has no default")
        if field.required and name not in good:
            good[name] = ".".join((*path, name))
    return good


def _value(
    field: FieldInfo,
    value: Any,
    path: tuple[str, ...],
    where: str,
    places: Mapping[tuple[str, ...], str],
    problems: _Problems,
) -> Any:
    inner = get_args(field.type)[0] if get_origin(field.type) is tuple else field.type
    if isinstance(inner, type) and issubclass(inner, Section):
        if inner is field.type:
            return _section(inner, value, path, where, places, problems)
        if not isinstance(value, list):
            raise msgspec.ValidationError("Expected an array of tables")
        return tuple(_section(inner, item, (*path, str(n)), where, places, problems) for n, item in enumerate(value))
    return msgspec.convert(value, field.type, dec_hook=_hook)


def _hook(kind: type, value: Any) -> Any:
    if kind is Path:
        if isinstance(value, str) and value:
            return Path(value)
        raise msgspec.ValidationError("Expected a path")
    raise NotImplementedError(kind)


def _expected(error: msgspec.ValidationError, field: FieldInfo) -> str:
    """The words of msgspec, as a sentence of ours: "expected `int` >= 1, got ..." (a value is never repeated: it may be secret)."""
    text = str(error)
    if text.startswith("Invalid enum value"):  # which msgspec repeats, and does not say what is allowed
        inner = get_args(field.type)[0] if get_origin(field.type) is tuple else field.type
        return f"expected one of {', '.join(get_args(inner))}"
    return text[:1].lower() + text[1:]


def shown(config: Config) -> dict[str, Any]:
    """Settings as plain values for people and `--json`; secrets are masked, also the one in a store's address."""
    built: dict[str, Any] = msgspec.to_builtins(config, enc_hook=str)
    masked: dict[str, Any] = _masked(built)
    return masked


def _masked(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {k: _masked(v, k) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(v, key) for v in value]
    if key == "url":
        return _IN_URL.sub(r"\1***", value)
    return "(set, not shown)" if key in SECRETS and value else value
