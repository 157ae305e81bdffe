"""Macros of C and C++ that stand for attributes or nothing: the parser reads on over them."""

from __future__ import annotations

import pytest

from furler_engine.shared.syntax import definitions


@pytest.mark.parametrize(
    "text",
    [
        "API_BEGIN_DECLS OTHER_MACRO\nint area(int w) {\n  return w;\n}\n",
        "int area(int w) NOEXCEPT_IF(w > 0) {\n  return w;\n}\n",
        "int area(int w) const ALWAYS_INLINE\n{\n  return w;\n}\n",
    ],
)
def test_a_function_is_read_whatever_macro_stands_beside_it(text: str) -> None:
    (found,) = definitions(text, "cpp")
    assert (found.name, found.body is not None) == ("area", True)


def test_a_class_keeps_its_name_also_one_in_capitals_behind_a_macro() -> None:
    text = "class API_EXPORT JSON : public Base {\n  int area() { return 1; }\n};\n"
    assert [d.qualified_name for d in definitions(text, "cpp")] == ["JSON", "JSON.area"]
