"""What the bench counts as visible: too lenient a rule would praise views that hide things."""

from __future__ import annotations

import pytest

from bench.visible import Visibility, visibility


@pytest.mark.parametrize(
    ("string", "view"),
    [
        ("exit code 3", "12: exit code 3\n"),
        ('say "hi"', r'{"text": "say \"hi\""}'),
        (r"say \"hi\"", 'text: say "hi"'),
        ("naïve", r"na\u00efve"),
    ],
)
def test_a_string_is_verbatim_as_it_is_or_in_another_json_escaping(string: str, view: str) -> None:
    assert visibility(string, view) is Visibility.VERBATIM


@pytest.mark.parametrize(
    ("string", "view"),
    [
        ("8:14  error    no-undef", "8:14 error no-undef"),
        ("usr_1,a@b.example,pro", "id|email|plan\nusr_1 | a@b.example | pro"),
        ('"id": "usr_1"', "id=usr_1"),
        ("src/a.py:12:    raise E(1)", "# src/a.py\n12:    raise E(1)"),
        ("src/a.py:12:    raise E(1)", "[all paths start with src/]\na.py:12 raise E(1)"),
        ("a.js(20,3): error TS1: no x", "a.js\n 20,3 error TS1: no x"),
    ],
)
def test_structured_text_in_another_layout_is_rewritten(string: str, view: str) -> None:
    assert visibility(string, view) is Visibility.REWRITTEN


@pytest.mark.parametrize(
    ("string", "view"),
    [
        ("exit code 3", "exit code 4"),
        ("usr_1,a@b.example,pro", "usr_1 | c@d.example | pro"),
        ("usr_1,a@b.example,pro", "usr_1\na@b.example\npro"),
        ("src/a.py:12:    raise E(1)", "# src/b.py\n12:    raise E(1)"),
        ("src/a.py:12:    raise E(1)", "# src/a.py\n112:    raise E(1)"),
        ("src/a.py:12:    raise E(1)", "12:    raise E(1)\n# src/a.py"),
    ],
)
def test_a_part_that_is_missing_or_elsewhere_makes_it_absent(string: str, view: str) -> None:
    assert visibility(string, view) is Visibility.ABSENT
