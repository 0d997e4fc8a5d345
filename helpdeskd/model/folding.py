"""Words as they are searched for: compatibility forms unified (NFKC), case folded, accents away. What is indexed and what is looked up
both come through here.

A word is a run of letters and digits. Chinese, Japanese and Korean run on without spaces: there each two neighbours are a word, and the
last one alone. What looks like a reply token (mail.tokens) is no word: quotations have them, and whoever guesses the start of a word
letter by letter would come to have one that is not theirs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MAX_LENGTH = 30  # characters of a word; what is longer is cut, when indexed as when looked up

_TOKEN_LENGTH = 21
_TOKEN = re.compile("[a-z2-7]+")
_WORD = re.compile(r"[^\W_]+")
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+")
_RUN = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]+")


def words(text: str, most: int) -> list[str]:
    """The first `most` different words of a text, in their order."""
    if text.isascii():
        found: Iterable[str] = _WORD.findall(text.lower())
    else:
        plain = unicodedata.normalize("NFKD", text.casefold()).casefold()
        found = _WORD.findall(unicodedata.normalize("NFC", _MARKS.sub("", plain)))
        if _RUN.search(text):
            found = (piece for word in found for piece in _pieces(word))
    return [word for word in dict.fromkeys(word[:MAX_LENGTH] for word in found) if not _like_a_token(word)][:most]


def _like_a_token(word: str) -> bool:
    """One in three hundred tokens has no digit; then nothing tells it from a word, which may be as long."""
    return len(word) >= _TOKEN_LENGTH and _TOKEN.fullmatch(word) is not None and not word.isalpha()


def _pieces(word: str) -> list[str]:
    pieces: list[str] = []
    end = 0
    for run in _RUN.finditer(word):
        if run.start() > end:
            pieces.append(word[end : run.start()])
        pieces += [run[0][n : n + 2] for n in range(len(run[0]))]
        end = run.end()
    if end < len(word):
        pieces.append(word[end:])
    return pieces
