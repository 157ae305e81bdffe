"""Source code: names and signatures stay, what is cut is named by its lines and comes back exact."""

from __future__ import annotations

from textwrap import dedent

import pytest

from furler_engine.compressors.code import plan
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.shared.syntax import definitions, language_of
from furler_engine.types import (
    BytesShown,
    Draft,
    Hints,
    Kind,
    Level,
    Lines,
    Policy,
    Source,
)

TIGHT = Policy(levels=((Kind.CODE, Level.TIGHT),))

BODIES = {
    "a.py": ("def outer(x):\n    {body}\n", "total = total + compute(x)", "\n    "),
    "a.go": ("package a\n\nfunc outer(x int) int {{\n\t{body}\n}}\n", "total += compute(x)", "\n\t"),
    "a.rs": ("pub fn outer(x: i32) -> i32 {{\n    {body}\n}}\n", "total += compute(x);", "\n    "),
    "a.java": ("class A {{\n  int outer(int x) {{\n    {body}\n  }}\n}}\n", "total += compute(x);", "\n    "),
    "a.c": ("int outer(int x)\n{{\n    {body}\n}}\n", "total += compute(x);", "\n    "),
    "a.cpp": ("namespace n {{\nint outer(int x) {{\n    {body}\n}}\n}}\n", "total += compute(x);", "\n    "),
    "a.js": ("export const outer = (x) => {{\n  {body}\n}};\n", "total += compute(x);", "\n  "),
    "a.ts": ("export function outer(x: number): number {{\n  {body}\n}}\n", "total += compute(x);", "\n  "),
    "a.tsx": ("export function outer(x: number) {{\n  {body}\n  return <p>hi</p>;\n}}\n", "total += compute(x);", "\n  "),
}  # fmt: skip


def skeleton(text: str, filename: str, query: str = "", policy: Policy = TIGHT) -> Draft:
    source = Source(text, Hints(filename=filename, query=query))
    draft = plan(source, policy)
    assert draft is not None
    check(source, draft)
    return draft


def elided(text: str, draft: Draft) -> list[str]:
    lines = text.split("\n")
    found = []
    for elision in draft.elisions:
        assert isinstance(elision.place, Lines)
        found.append("\n".join(lines[elision.place.first - 1 : elision.place.last]))
    return found


@pytest.mark.parametrize("filename", BODIES)
def test_a_body_is_cut_and_its_signature_stays(filename: str) -> None:
    frame, statement, margin = BODIES[filename]
    text = frame.format(body=margin.join([statement] * 9))
    draft = skeleton(text, filename)
    assert len(draft.elisions) == 1
    assert "outer" in draft.text
    assert "compute" not in draft.text
    assert elided(text, draft)[0].count(statement) == 9


def test_the_marker_names_the_lines_from_the_signature_to_the_end() -> None:
    text = "import os\n\n\ndef f(a, *, b):\n" + "    call(a, b)\n" * 9 + "\n\nX = 1\n"
    assert skeleton(text, "a.py").text.endswith(
        "\nimport os\n\n\ndef f(a, *, b): … L4-13\n\n\nX = 1\n"
    )


def test_the_first_line_of_a_docstring_stays() -> None:
    body = "    call(a, b)\n" * 9
    text = f'def f(a):\n    """Say what f does.\n\n    And more of it.\n    """\n{body}'
    assert '    """Say what f does. … L2-14\n' in skeleton(text, "a.py").text


def test_names_defined_in_a_cut_body_are_printed() -> None:
    text = "def f():\n    def helper(x):\n        return x\n" + "    call(a, b)\n" * 9
    assert "… L1-12; defines helper\n" in skeleton(text, "a.py").text


def test_members_of_a_class_keep_their_signatures() -> None:
    method = "    def {}(self, x: int) -> int:\n" + "        x += compute(x)\n" * 5
    text = "class A:\n    size: int = 3\n\n" + method.format("one") + method.format("two")
    shown = skeleton(text, "a.py").text
    assert "    size: int = 3\n" in shown
    assert "    def one(self, x: int) -> int: … L4-9\n" in shown
    assert "    def two(self, x: int) -> int: … L10-15" in shown


@pytest.mark.parametrize("query", ["why does load_all fail?", "see `A.load_all()`", "A::load_all"])
def test_a_body_that_the_query_names_stays(query: str) -> None:
    method = "    def {0}(self):\n" + "        self.compute({1})\n" * 5
    text = "class A:\n" + method.format("load_all", 1) + method.format("other", 2) * 6
    shown = skeleton(text, "a.py", query).text
    assert shown.count("self.compute(1)") == 5
    assert "self.compute(2)" not in shown


def test_a_long_import_block_is_cut_and_counted() -> None:
    text = "".join(f"import package_{i}.module_{i}\n" for i in range(12)) + "\nX = 1\n"
    assert "… L1-12: 12 imports\n\nX = 1\n" in skeleton(text, "a.py").text


def test_a_long_comment_keeps_its_first_line() -> None:
    text = (
        "// Copyright of the authors.\n"
        + "// Permission is granted to anyone.\n" * 9
        + "\nint x;\n"
    )
    assert "// Copyright of the authors. … L1-10\n\nint x;\n" in skeleton(text, "a.c").text


def test_a_long_body_tells_what_it_calls_and_raises() -> None:
    text = (
        "def f(x):\n    rare_call(x)\n    raise OddError('nothing is left to do')\n"
        + "    x = 1\n" * 70
    )
    assert (
        "… L1-73; calls rare_call, OddError; errors raise OddError; "
        'says "nothing is left to do"' in skeleton(text, "a.py").text
    )


def test_a_body_that_the_parser_misread_is_not_cut() -> None:
    lost = "int f(int x) {\n    if (x) {\n        call(x);\n\n"
    text = lost + "int g(int x) {\n" + "    call(x, x, x, x);\n" * 9 + "}\n"
    source = Source(text, Hints(filename="a.c"))
    draft = plan(source, TIGHT)
    assert draft is None or "int g(int x)" in draft.text


def test_a_small_source_is_shown_whole() -> None:
    text = "def f(a):\n" + "    call(a, b)\n" * 20
    assert plan(Source(text, Hints(filename="a.py")), Policy()) is None


HELPED = "".join(
    f"def {name}(x):\n" + "".join(f"    {name}_{n} = x + {n}\n" for n in range(12)) + f"    return {calls}\n\n"
    for name, calls in (
        ("parse", "normalise(x)"), ("normalise", "x.strip()"), ("distant", "x"), ("other", "distant(x)"),
        *((f"filler{n}", "x") for n in range(20)),
    )
)  # fmt: skip


def test_what_a_named_body_calls_stays_with_it() -> None:
    shown = skeleton(HELPED, "a.py", "why does parse() fail?").text
    assert "    parse_11 = x + 11\n" in shown
    assert "    normalise_11 = x + 11\n" in shown
    assert "distant_11" not in shown
    assert "other_11" not in shown


def test_a_name_that_many_classes_define_says_nothing_about_what_is_called() -> None:
    namesakes = "".join(
        f"class C{n}:\n    def normalise(self):\n" + "        a = 1\n" * 12 for n in range(3)
    )
    text = HELPED.replace("def normalise(", "def unused(") + namesakes
    assert "        a = 1\n" not in skeleton(text, "a.py", "why does parse() fail?").text


def test_windows_line_ends_and_a_byte_order_mark_are_kept() -> None:
    text = "\ufeffimport os\r\ndef größe(x):\r\n" + "    call(x)\r\n" * 9 + "X = 1\r\n"
    draft = skeleton(text, "a.py")
    assert "\ufeffimport os\r\ndef größe(x): … L2-11" in draft.text
    assert draft.text.endswith("X = 1\r\n")


def test_what_is_no_source_is_left_alone() -> None:
    assert plan(Source("The fox jumps over the dog.\n" * 300), Policy()) is None


@pytest.mark.parametrize(
    "unit", ["(", "[", "{", "((", "f(", "x=>", "/*\n", "+/-\n", "if (a) {\n", "->"]
)
@pytest.mark.parametrize("filename", ["a.py", "a.go", "a.cpp", "a.ts"])
def test_hostile_nesting_ends(unit: str, filename: str) -> None:
    source = Source(unit * (100_000 // len(unit)), Hints(filename=filename))
    draft = plan(source, TIGHT)
    if draft is not None:
        check(source, draft)


SAMPLES = {
    "go": """
        package store

        import (
        \t"context"
        \t"fmt"
        )

        // Put writes one value.
        func (s *Store) Put(ctx context.Context, key string) error {
        \tif err := s.check(key); err != nil {
        \t\treturn fmt.Errorf("put: %w", err)
        \t}
        \treturn nil
        }
        """,
    "python": """
        # A comment that looks like a heading
        import os


        class Store:
            def put(self, key: str) -> None:
                if key:
                    self.items[key] = os.getpid()
        """,
    "cpp": """
        #include <vector>
        namespace store {
        template <typename T>
        class Box {
         public:
          explicit Box(T value) : value_(value) {}
          T get() const { return value_; }
        };
        }
        """,
}


@pytest.mark.parametrize("language", SAMPLES)
def test_code_is_told_by_its_own_lines(language: str) -> None:
    assert detect(Source(dedent(SAMPLES[language]))) is Kind.CODE


def test_definitions_are_named_by_what_surrounds_them() -> None:
    text = dedent(SAMPLES["cpp"])
    found = [d.qualified_name for d in definitions(text, "cpp")]
    assert found == ["store", "store.Box", "store.Box.Box", "store.Box.get"]


def test_a_method_of_go_belongs_to_its_receiver() -> None:
    found = definitions(dedent(SAMPLES["go"]), "go")
    assert [(d.qualified_name, d.first_line, d.last_line) for d in found] == [("Store.Put", 10, 15)]


def test_the_view_shows_bytes_in_their_order() -> None:
    frame, statement, margin = BODIES["a.cpp"]
    draft = skeleton(frame.format(body=margin.join([statement] * 9)), "a.cpp")
    assert isinstance(draft.coverage, BytesShown)
    assert [r.end for r in draft.coverage.ranges] == sorted(r.end for r in draft.coverage.ranges)


@pytest.mark.parametrize(
    "query",
    [
        'Traceback: File "/srv/a.py", line 4, in run',
        "panic at a.py:4 in the second",
    ],
)
def test_a_body_that_a_traceback_points_to_stays(query: str) -> None:
    function = "def f{0}(x):\n" + "    compute({0})\n" * 9
    shown = skeleton("".join(function.format(n) for n in range(6)), "a.py", query).text
    assert shown.count("compute(0)") == 9
    assert "compute(1)" not in shown


OTHERS = {
    "a.cs": ("using System;\nnamespace A;\npublic class B\n{{\n    public int Outer(int x)\n    {{\n        {body}\n    }}\n}}\n", "Outer"),
    "a.rb": ("module A\n  class B\n    def outer(x)\n      {body}\n    end\n  end\nend\n", "outer"),
    "a.php": ("<?php\nnamespace A;\nclass B {{\n    public function outer($x) {{\n        {body}\n    }}\n}}\n", "outer"),
    "a.sh": ("#!/bin/bash\nouter() {{\n    {body}\n}}\nouter 1\n", "outer"),
}  # fmt: skip


@pytest.mark.parametrize("filename", OTHERS)
def test_other_languages_are_cut_too(filename: str) -> None:
    frame, name = OTHERS[filename]
    statement = "compute 12345" if filename == "a.sh" else "compute(12345);"
    text = frame.format(body="\n        ".join([statement] * 9))
    draft = skeleton(text, filename)
    assert name in draft.text
    assert "compute" not in draft.text
    assert elided(text, draft)[0].count("compute") == 9


def test_a_class_under_a_macro_is_not_taken_for_a_function() -> None:
    method = "    int m{0}(int x)\n    {{\n      compute(x);\n      compute(x);\n      compute(x);\n      compute(x, x);\n    }}\n"
    text = (
        "#include <a>\nBEGIN_THINGS\n\n  class WITH_EXPORT Box WITH_ATTRIBUTE\n  {\n  public:\n"
        + "".join(method.format(n) for n in range(4))
        + "  };\n"
    )
    shown = skeleton(text, "a.hpp").text
    assert [f"int m{n}(int x)" in shown for n in range(4)] == [True] * 4
    assert "compute" not in shown


def test_a_module_of_tests_is_one_cut_that_names_them() -> None:
    test = "    #[test]\n    fn checks_{0}() {{\n        assert_eq!(f({0}), {0});\n    }}\n\n"
    text = (
        "pub fn f(x: i32) -> i32 {\n    x\n}\n\n#[cfg(test)]\nmod tests {\n"
        + "".join(test.format(n) for n in range(9))
        + "}\n"
    )
    shown = skeleton(text, "a.rs").text
    assert "mod tests {… L6-52; defines checks_0, checks_1," in shown


def test_an_end_amid_errors_costs_no_more_than_its_bytes() -> None:
    # Quadratic time and memory in tree-sitter, but for the sound code after the end.
    text = "name=>" * 1_500
    assert definitions(text, "java") == ()


def test_an_unclosed_definition_ends_where_the_text_ends() -> None:
    text = "class A {\n  int f() {\n    return 1;\n  }\n\n  int g() {\n    return"
    found = [(d.qualified_name, d.last_line, d.body is None) for d in definitions(text, "java")]
    assert found == [("A", 7, True), ("A.f", 4, False), ("A.g", 7, True)]


def test_what_documents_a_field_keeps_its_first_line() -> None:
    fields = "".join(
        f'    field{n}: int\n    """What field {n} is.\n\n    {"And more of it. " * 6}\n    """\n\n'
        for n in range(4)
    )
    shown = skeleton(f"class A(TypedDict):\n{fields}", "a.py").text
    assert '    """What field 2 is. … L15-18' in shown


def test_the_patterns_of_a_case_do_not_keep_a_script_from_being_read() -> None:
    cases = "".join(f"    opt{n}) echo {n};;\n" for n in range(80))
    shown = skeleton(f"main() {{\n  case $1 in\n{cases}  esac\n}}\nmain\n", "a.sh").text
    assert "main() {… L1-84}\nmain" in shown


SHELL = "#!/bin/sh\n# Tries it\n\n. ./lib.sh\n" + "".join(
    f"test_expect_success 'case {n}' '\n\ttest_cmp {n} out\n'\n" for n in range(30)
)
EXPRESS = "'use strict';\n\n/**\n * Modules.\n */\n" + "".join(
    f"var m{n} = require('m{n}');\nreq.f{n} = function f{n}(a) {{\n  return a + m{n};\n}};\n"
    for n in range(20)
)
HEADER = "/* a.h */\n#ifndef A_H\n# define A_H\n# include <b.h>\n" + "".join(
    f"# define F{n} {n}\nint f{n} (const char *s);\n" for n in range(20)
)


@pytest.mark.parametrize(
    ("text", "language"), [(SHELL, "bash"), (EXPRESS, "javascript"), (HEADER, "cpp")]
)
def test_a_source_is_told_by_its_first_line_and_its_statements(text: str, language: str) -> None:
    source = Source(text)
    assert detect(source) is Kind.CODE
    assert language_of(source) == language


def test_modules_that_are_required_are_imports() -> None:
    text = "".join(
        f"const m{n} = require('./some/where/m{n}'){('', '.part', '(x)')[n % 3]};\n"
        for n in range(9)
    )
    shown = skeleton(text + "const a = compute('m');\nmodule.exports = a;\n", "a.js").text
    assert shown.endswith("… L1-9: 9 imports\nconst a = compute('m');\nmodule.exports = a;\n")


def test_the_value_of_an_arrow_is_a_body() -> None:
    style = "  color: theme.color.of.some.kind,\n" * 6
    shown = skeleton(
        f"const Root = styled('div')(({{ theme }}) => ({{\n{style}}}));\nexport {{ Root }};\n",
        "a.js",
    ).text
    assert "(({ theme }) => … L1-8);\nexport { Root };" in shown
