"""RFC 9535 queries over JSON values: from a query to the locations of its nodes.

python-jsonpath parses and evaluates. What lives here besides: RE2 in the place
of its backtracking match() and search(), and bounds on what a query may cost.
"""

from __future__ import annotations

import math
import re
from functools import cache
from itertools import islice
from typing import Final

import re2
from jsonpath import JSONPath, JSONPathEnvironment, JSONPathError
from jsonpath.function_extensions import ExpressionType, FilterFunction

from furler_engine.types import JsonLocation

LONGEST_QUERY: Final = 1000
MOST_NODES: Final = 200_000
_QUOTED: Final = re.compile(r"'[^'\\]*+(?:\\.[^'\\]*+)*'|\"[^\"\\]*+(?:\\.[^\"\\]*+)*\"")
# A descendant segment visits a node once for every ancestor it has, a filter once
# for every node; two of each are useful, more multiply without need.
_MOST_DESCENTS: Final = 2
_MOST_FILTERS: Final = 2
_MOST_ALTERNATIVES: Final = 1000
_PYTHONS_OWN: Final = (ValueError, TypeError, OverflowError)
"""What the library lets through of int(), float() and len(): ``$[1e0``, ``$[?1e400``, ``null <> count(@)``."""


class QueryError(ValueError):
    """The query is no JSONPath, or asks for more than a request may cost."""


def locate(value: object, query: str) -> list[JsonLocation]:
    """Return the locations of the nodes a query picks, in the order it picks them.

    Raises:
        QueryError: The query is malformed, too costly, or picks more than 200,000 nodes.
    """
    path = _compile(query)
    if not isinstance(value, dict | list):  # a scalar has no node but itself
        return [()] if not path.segments else []
    try:
        found: list[JsonLocation] = [
            tuple(node.parts) for node in islice(path.finditer(value), MOST_NODES + 1)
        ]
    except (JSONPathError, RecursionError) as error:
        raise QueryError(_reason(error)) from error
    except _PYTHONS_OWN as error:
        raise QueryError("it compares what cannot be compared") from error
    if len(found) > MOST_NODES:
        raise QueryError(f"picks more than {MOST_NODES:,} nodes; narrow it")
    return list(dict.fromkeys(found))


def _compile(query: str) -> JSONPath:
    if len(query) > LONGEST_QUERY:
        raise QueryError(f"longer than {LONGEST_QUERY} characters")
    bare = _QUOTED.sub("''", query)
    if bare.count("..") > _MOST_DESCENTS or bare.count("?") > _MOST_FILTERS or "$" in bare[1:]:
        raise QueryError("too costly: at most two '..', two filters, and '$' at the start only")
    try:
        path = _environment().compile(query)
    except (JSONPathError, RecursionError) as error:
        raise QueryError(_reason(error)) from error
    except _PYTHONS_OWN as error:
        raise QueryError("a number or operator in it is malformed or out of range") from error
    if not isinstance(path, JSONPath):
        raise QueryError("unions of queries are not in RFC 9535")
    widths = [len(segment.selectors) for segment in path.segments]
    in_filters = bare.count(",") - sum(width - 1 for width in widths)
    if math.prod(widths) > _MOST_ALTERNATIVES or in_filters > _MOST_FILTERS:
        raise QueryError("too costly: too many selectors side by side")
    return path


def _reason(error: JSONPathError | RecursionError) -> str:
    return str(error.args[0]) if isinstance(error, JSONPathError) else "nested too deeply"


class _Regex(FilterFunction):
    """match() and search() of RFC 9535: linear in the text, false for a broken pattern."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]  # noqa: RUF012 -- as the base has it
    return_type = ExpressionType.LOGICAL

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole

    def __call__(self, value: object, pattern: object) -> bool:
        if not isinstance(value, str) or not isinstance(pattern, str):
            return False
        options = re2.Options()
        options.log_errors = False
        try:
            regex = re2.compile(pattern, options)
        except re2.error:
            return False
        return bool((regex.fullmatch if self._whole else regex.search)(value))


@cache
def _environment() -> JSONPathEnvironment:
    environment = JSONPathEnvironment(strict=True)
    # Values are nested 200 deep at most (json_value); this is the visitor's own bound.
    environment.max_recursion_depth = 220
    environment.function_extensions["match"] = _Regex(whole=True)
    environment.function_extensions["search"] = _Regex(whole=False)
    return environment
