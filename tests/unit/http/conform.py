"""schemathesis against a dialect's own OpenAPI document, over real HTTP.

For each operation requests are drawn from its document, right ones and wrong ones, and every answer is held against it: no fault of
ours, no status and no shape that the document does not name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Err
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from helpdeskd.http.dialect import Dialect
from helpdeskd.http.openapi import document

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# A run can be had again: API_SEED=4711 pytest ...
SEED = int(os.environ.get("API_SEED", "0")) or int.from_bytes(os.urandom(3), "big") + 1


def conforms(
    dialect: Dialect,
    base_url: str,
    headers: Mapping[str, str],
    record_property: Callable[[str, object], None],
    *,
    examples: int = 8,
    leave_out: Collection[str] = (),
) -> int:
    """How many requests were made, `examples` of the right and of the wrong kind for each operation. `leave_out`: operationIds.

    A row is asked under the first of its paths alone: the others lead to the same.
    """
    record_property("seed", f"API_SEED={SEED}")
    told = document(dialect)
    schema = schemathesis.openapi.from_dict(told)
    made = 0
    first = {route.paths.split()[0] for route in dialect.routes}
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update(headers)
        for found in schema.get_all_operations():
            assert not isinstance(found, Err), found
            operation = found.ok()
            if operation.definition.raw["operationId"] in leave_out or operation.path not in first:
                continue
            asks = operation.definition.raw.get("parameters") or operation.definition.raw.get("requestBody")
            for mode in (
                GenerationMode if asks else (GenerationMode.POSITIVE,)
            ):  # where nothing is asked, nothing is wrong

                @seed(SEED)
                @settings(
                    max_examples=examples,
                    deadline=None,
                    database=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
                @given(case=operation.as_strategy(generation_mode=mode))
                def ask(case: schemathesis.Case) -> None:
                    nonlocal made
                    made += 1
                    case.call_and_validate(
                        base_url=base_url + dialect.mounts[0], session=session, headers=dict(headers), checks=CHECKS
                    )

                ask()
    return made
