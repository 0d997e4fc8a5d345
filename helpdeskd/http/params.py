"""Parameter records: a dataclass whose annotations say where each value comes from, what it must be, and the words if it is not.

    @dataclass(frozen=True, slots=True)
    class NewDepartment:
        name: Annotated[str, Required("Department name is missing.")]
        private: Annotated[bool, Required("Department type is missing."), OneOf("0 1", "Department type must be 0 or 1")]

A value is looked for under its names in the path, then in the form or JSON, then in the query string, unless the annotation says one place
alone. The first rule that fails speaks for its parameter; parameters are judged in the order they are written in.
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from sqlalchemy import Connection

from helpdeskd.http.given import Given

R = TypeVar("R")
Look = Callable[[Callable[[Connection], Any]], Any]  # Store.read


class Where(Enum):
    """The one place a value is taken from."""

    PATH = "path"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class Also:
    """Other names a parameter goes by; its own counts first."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)


@dataclass(frozen=True, slots=True)
class Named:
    """What a parameter is called outside, where that cannot be a name in Python or reads badly there."""

    name: str


@dataclass(frozen=True, slots=True)
class Doc:
    """A sentence for the OpenAPI document."""

    words: str


@dataclass(frozen=True, slots=True)
class Rule:
    """`holds(value)` or the request is answered with `words`. `schema`: what JSON Schema says of that, for the OpenAPI document."""

    words: str
    holds: Callable[[str], bool]
    schema: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Required:
    """It must be there, and not only blanks. `when`: only if the request's other values say so."""

    words: str = ""
    when: Callable[[Reader], bool] | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What it names must exist: `find` asks the store. `alone`: without it nothing else is looked at."""

    words: str
    find: Callable[[Connection, str], bool]
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Ignored:
    """Values that count as not given: what PHP calls falsy, or what this dialect does not look at."""

    when: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Divided:
    """Of several values, some may stand in one text, with this between them."""

    by: str


@dataclass(frozen=True, slots=True)
class Only:
    """It is looked at only where the request's other values say so; else it counts as not given."""

    when: Callable[[Reader], bool]


def one_of(values: str, words: str) -> Rule:
    """One of these (divided by blanks), exactly."""
    allowed = frozenset(values.split())
    return Rule(words, allowed.__contains__, {"enum": values.split()})


_NATURAL = re.compile(r"0*[1-9][0-9]{0,17}", re.ASCII)


def natural(words: str) -> Rule:
    """Digits only, and not zero; at most what a key of the store can be."""
    return Rule(words, lambda value: _NATURAL.fullmatch(value) is not None, {"minimum": 1, "maximum": 10**18 - 1})


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a record, read off its annotation."""

    field: str
    names: tuple[str, ...]
    where: Where | None
    rules: tuple[Rule | Required | Known, ...]
    ignored: tuple[Ignored, ...]
    only: tuple[Only, ...]
    divided: str
    kind: Any  # str, int, bool, datetime
    many: bool
    default: Any
    doc: str

    @property
    def name(self) -> str:
        return self.names[0]

    @property
    def required(self) -> bool:
        return not self.only and any(isinstance(rule, Required) and rule.when is None for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one parameter. `words` are the rule's; empty: the dialect finds its own."""

    name: str
    words: str
    missing: bool
    expected: str = ""


class Invalid(Exception):
    """The request's parameters are not what they must be; every problem at once."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(f"{each.name}: {each.words or each.expected}" for each in problems))
        self.problems = problems


class Reader:
    """Finds values of one request by any of their names."""

    __slots__ = ("_given",)

    def __init__(self, given: Given) -> None:
        self._given = given

    def text(self, *names: str) -> str | None:
        found = self.texts(names, None)
        return found[0] if found else None

    def texts(self, names: tuple[str, ...], where: Where | None) -> list[str]:
        """All values of the first of the names that has any."""
        given = self._given
        for name in names:
            if where in {None, Where.PATH} and name in given.path:
                return [given.path[name]]
            if where is None and (found := given.form.all(name)):
                return found
            if where in {None, Where.QUERY} and (found := given.query.all(name)):
                return found
        return []


@dataclass(frozen=True, slots=True)
class Reading:
    """How a dialect writes values that are no texts. Each raises ValueError."""

    integer: Callable[[str], int]
    truth: Callable[[str], bool]
    moment: Callable[[str], datetime]


@cache
def params_of(record: Any) -> tuple[Param, ...]:
    """The parameters of a record, in the order they are written in."""
    if not (isinstance(record, type) and is_dataclass(record)):
        raise TypeError(f"{record!r} is no dataclass")
    # The module's names are given: left to itself, it would hide them from lambdas in the annotations.
    hints = get_type_hints(record, globalns=vars(sys.modules[record.__module__]), include_extras=True)
    return tuple(_param(each.name, hints[each.name], each.default) for each in fields(record))


def _param(field: str, hint: Any, default: Any) -> Param:
    notes: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        notes = tuple(rest)
    if get_origin(hint) in {Union, types.UnionType}:
        (hint,) = (each for each in get_args(hint) if each is not type(None))
    many = get_origin(hint) is tuple
    kind = get_args(hint)[0] if many else hint
    own = next((each.name for each in notes if isinstance(each, Named)), field)
    also = tuple(name for each in notes if isinstance(each, Also) for name in each.names)
    return Param(
        field,
        (own, *also),
        next((each for each in notes if isinstance(each, Where)), None),
        tuple(each for each in notes if isinstance(each, Rule | Required | Known)),
        tuple(each for each in notes if isinstance(each, Ignored)),
        tuple(each for each in notes if isinstance(each, Only)),
        next((each.by for each in notes if isinstance(each, Divided)), ""),
        kind,
        many,
        () if many and default is MISSING else None if default is MISSING else default,
        next((each.words for each in notes if isinstance(each, Doc)), ""),
    )


def read(record: Callable[..., R], given: Given, reading: Reading, look: Look) -> R:
    """The record this request gives. Raises Invalid with every problem; `look` is asked only where a rule needs the store."""
    reader = Reader(given)
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for param in params_of(record):
        if not all(each.when(reader) for each in param.only):
            values[param.field] = param.default
            continue
        texts = reader.texts(param.names, param.where)
        if param.divided:
            texts = [each for text in texts for each in text.split(param.divided)]
        texts = [text for text in texts if not any(i.when(text) for i in param.ignored)]
        problem, alone = _judge(param, texts, reader, look)
        if problem is not None and alone:
            raise Invalid((problem,))
        if problem is None and texts:
            try:
                found = [_value(param, text, reading) for text in texts if text or param.kind is str]
            except (ValueError, ArithmeticError) as error:  # a date may be before or after all time
                problem = Problem(param.name, "", missing=False, expected=str(error))
            else:
                values[param.field] = tuple(found) if param.many else found[0] if found else param.default
        elif problem is None:
            values[param.field] = param.default
        if problem is not None:
            problems.append(problem)
    if problems:
        raise Invalid(tuple(problems))
    return record(**values)


def _judge(param: Param, texts: list[str], reader: Reader, look: Look) -> tuple[Problem | None, bool]:
    """What is wrong with it, and whether that is all there is to say."""
    absent = not texts or (not param.many and not texts[0].strip())
    for rule in param.rules:
        if isinstance(rule, Required):
            if absent and (rule.when is None or rule.when(reader)):
                return Problem(param.name, rule.words, missing=True), False
        elif not absent and not all(_holds(rule, text, look) for text in texts):
            return Problem(param.name, rule.words, missing=False), isinstance(rule, Known) and rule.alone
    return None, False


def _holds(rule: Rule | Known, text: str, look: Look) -> bool:
    return bool(look(lambda conn: rule.find(conn, text))) if isinstance(rule, Known) else rule.holds(text)


def _value(param: Param, text: str, reading: Reading) -> Any:
    kind = param.kind
    if kind is str:
        return text
    if kind is int:
        return _key(reading.integer(text))
    if kind is bool:
        return reading.truth(text)
    if kind is datetime:
        return reading.moment(text)
    raise TypeError(f"{param.name}: a parameter cannot be {kind!r}")


def _key(number: int) -> int:
    """What fits a key or counter of the store. Raises ValueError."""
    if not -(2**63) <= number < 2**63:
        raise ValueError("expected a smaller number")
    return number
