"""config/helpdeskd.toml is the manual: every setting stands there with its default."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import msgspec
from msgspec.structs import fields

from helpdeskd import resources
from helpdeskd.config import Config, Dkim, Mailbox
from helpdeskd.config.load import ARRAYS, load

MANUAL = resources.find("config") / "helpdeskd.toml"


def test_the_manual_loads_as_the_defaults():
    assert load(MANUAL, {}) == Config()


def test_every_setting_stands_in_the_manual():
    text = MANUAL.read_text()
    for section in fields(Config):
        kind = ARRAYS.get(section.name, section.type)
        part = text.split(f"[{section.name}]", 1)[1].split("\n[", 1)[0]
        for field in fields(kind):
            assert re.search(rf"^(# )?{field.name} = ", part, re.MULTILINE), (
                f"[{section.name}] {field.name} is not in the manual"
            )


def test_every_setting_is_explained():
    """No setting without a comment in the paragraph above it."""
    lines = MANUAL.read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r"\w+ = ", line):
            paragraph = lines[:number]
            while paragraph and re.match(r"(# )?\w+ = ", paragraph[-1]):
                paragraph.pop()
            assert paragraph and paragraph[-1].startswith("#"), f"line {number + 1}: {line}"


def test_the_mailbox_example_is_right_once_uncommented():
    table = example("mailbox", "intake")
    for key in ("password", "password_file", "oauth2_token_file", "oauth2_command", "ca_file"):
        table.pop(key)
    defaults = Mailbox(name="support", host="imap.example.com", user="support@example.com")
    assert msgspec.convert(table, Mailbox) == defaults


def test_the_example_of_a_key_is_right_once_uncommented():
    table = example("dkim", "dns")
    table.pop("key")
    assert msgspec.convert(table, Dkim) == Dkim(domain="example.com", selector="hd202611")


def example(array: str, following: str) -> dict[str, Any]:
    block = MANUAL.read_text().split(f"# [[{array}]]", 1)[1].split(f"\n\n[{following}]", 1)[0]
    return tomllib.loads(
        "\n".join(line.removeprefix("# ") for line in block.splitlines() if not line.startswith("# #"))
    )
