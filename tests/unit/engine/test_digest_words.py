"""What a digest says of a long body: the calls, errors and texts that stand in it."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from furler_engine.shared.digest import LONG, calls, digest

_CALL = re.compile(r"(?<![\w$.:])([A-Za-z_$][\w$]*(?:(?:\.|::)[A-Za-z_$][\w$]*)*)!?\(", re.ASCII)


@given(st.text(alphabet="ab_$.:!( \n1é", max_size=60))
def test_calls_are_the_names_right_before_a_parenthesis(body: str) -> None:
    plain = body.replace("é", "")
    expected = {name.replace("::", ".").rpartition(".")[2] for name in _CALL.findall(plain)}
    assert calls(plain.encode()) == expected


def test_a_call_by_a_name_that_is_not_ascii_is_a_call_too() -> None:
    assert calls("größe(1); x.été!(2)".encode()) == {"größe", "été"}


def test_errors_are_named_with_how_they_come_up() -> None:
    body = b"""raise ValueError
    except KeyError:
    throw new TypeError
    praise Him
    _raise Other
    catch (IOException e)"""
    said = "; errors raise ValueError, except KeyError, throw new TypeError, catch IOException"
    assert digest(body, LONG + 1) == said
