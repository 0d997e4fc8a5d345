"""Settings as TOML, without their secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from helpdeskd.config import Config
from helpdeskd.config.load import shown


def lines(config: Config) -> Iterator[str]:
    """What is in force, for people: each secret as a mark that there is one."""
    return _lines(shown(config), shown(config))


def loadable(config: Config) -> Iterator[str]:
    """The same for a file that is to be loaded again: a line with a secret is a comment that says so."""
    return _lines(shown(config), msgspec.to_builtins(config, enc_hook=str))


def _lines(masked: dict[str, Any], plain: dict[str, Any]) -> Iterator[str]:
    for section, table in masked.items():
        several = isinstance(table, list)
        for n, item in enumerate(table if several else [table]):
            whole = plain[section][n] if several else plain[section]
            yield ""
            yield f"[[{section}]]" if several else f"[{section}]"
            for key, value in item.items():
                if value is None:
                    yield f"# {key} is not set"
                elif toml(value) != toml(whole[key]):
                    yield f"# {key} = {toml(value)}  (a secret is left out)"
                else:
                    yield f"{key} = {toml(value)}"


def toml(value: object) -> str:
    """A value as TOML writes it: strings, numbers, booleans and lists of these look as in JSON."""
    return json.dumps(value, ensure_ascii=False)
