"""Listings: every path, name and column is read back from the view exactly."""

import pytest

from furler_engine.compressors import listing, name_list, path_list, tree
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.shared.outline import Unfolder, fold, join_names, split_names
from furler_engine.shared.paths import common_root
from furler_engine.types import Draft, Hints, Kind, Plan, Policy, Source

LS_LR = """\
app:
total 24
-rw-r--r-- 1 root root    8429 Nov 20 07:48 __init__.py
drwxr-xr-x 2 root root    4096 Nov 20 07:48 __pycache__
-rwxr-xr-x 1 bob  root 3356592 Nov 20 07:48 parser.so
lrwxrwxrwx 1 root root      13 Jan  1  2025 now -> releases/5
drwxr-xr-x 9 root root   12288 Nov 20 07:48 my files

app/my files:
total 8
-rw-r--r-- 1 root root 12 Nov 20 07:48 a b.txt
-rw-r--r-- 1 root root  7 Nov 20 07:48 Nov 20 07:48 x

app/empty:
total 0
"""
LS_R = """\
pkg:
OWNERS
acme
api
empty

pkg/acme:
client
secrets.go

pkg/acme/client:
http.go
"a" b.go

pkg/api:
scheme.go

pkg/empty:
"""
TREE = """\
.
├── README.md
├── my file.txt
├── src
│   ├── app
│   │   ├── a.py
│   │   └── b.py
│   └── main.py
└── zz
    └── last

3 directories, 6 files
"""
NPM = """\
app@1.0.0 /srv/app
├── foo@2.0.0
├─┬ bar@1.1.0
│ ├── foo@2.0.0 deduped
│ └─┬ baz@3.0.0
│   └── UNMET OPTIONAL DEPENDENCY qux@^4
└─┬ quux@0.1.0
  ├── @org/grault@7.7.7
  └─┬ garply@1.2.3
    └── corge@1.0.0
"""
GRADLE = """\
compileClasspath - Compile classpath for source set 'main'.
+--- org.slf4j:slf4j-api:2.0.9
+--- com.acme:core:1.4
|    +--- com.acme:base:1.4
|    |    \\--- org.slf4j:slf4j-api:1.7.36 -> 2.0.9 (*)
|    \\--- com.acme:io:1.4
\\--- com.acme:web:1.4
     \\--- com.acme:core:1.4 (*)
"""
FIND = """\
src
src/app
src/app/main.py
src/app/util
src/app/util/io.py
src/app/util/my file.py
src/app/util/a"b.py
src/app/last.py
src/docs
src/docs/one.md
src/docs/(old)
src/docs/(old)/x.md
src/docs/a:b
src/docs/a:b/y.md
"""
MODELS = "".join(f"lib/models/{n}xx/{a}_{n}xx.py\n" for n in "abcdefgh" for a in ("conf", "model"))


def view(plan: Plan, text: str, query: str = "") -> Draft:
    source = Source(text, Hints(query=query))
    draft = plan(source, Policy())
    assert draft is not None
    check(source, draft)
    assert not draft.elisions
    return draft


CASES = [
    (listing.plan, LS_LR),
    (listing.plan, LS_LR.replace("\n", "\n\n", 1)),
    (listing.plan, "".join(f"-rw-r--r-- 1 dev dev   {n:5} Jan {n:2} 22:27 m_{n}.py\n" for n in range(10, 29))),
    (name_list.plan, LS_R.replace('"a" b', "a b")),
    (name_list.plan, LS_R.replace('"a" b.go\n', "").replace("OWNERS\nacme", "acme\nOWNERS")),
    (tree.plan, TREE),
    (tree.plan, TREE.replace("│   ", "│\xa0\xa0 ")),
    (tree.plan, TREE.replace("│   ", "|   ").replace("├── ", "|-- ").replace("└── ", "`-- ")),
    (tree.plan, NPM),
    (tree.plan, NPM.removesuffix("    └── corge@1.0.0\n")),
    (tree.plan, GRADLE),
    (path_list.plan, FIND),
    (path_list.plan, FIND.replace("src", ".")),
    (path_list.plan, "".join(sorted(FIND.splitlines(keepends=True), reverse=True))),
    (path_list.plan, MODELS),
    (path_list.plan, MODELS.replace("conf", "co*nf")),
    (path_list.plan, MODELS.replace("lib/", "/ü n/")),
    (path_list.plan, MODELS.replace("\n", "\r\n")),
    (path_list.plan, MODELS + "find: '/root': Permission denied\n| x/y\n[z/y\n\n"),
]  # fmt: skip


@pytest.mark.parametrize(("plan", "text"), CASES)
def test_every_line_of_a_listing_is_read_back(plan: Plan, text: str) -> None:
    draft = view(plan, text)
    assert draft.shown == draft.total == len(Source(text).lines)


def test_a_size_and_a_name_are_all_that_a_usual_row_shows() -> None:
    rows = view(listing.plan, LS_LR).text.split("\n")
    assert rows[1:4] == [
        "[usual file: -rw-r--r-- 1 root root Nov 20 07:48]",
        "[usual dir/: drwxr-xr-x 2 root root 4096 Nov 20 07:48]",
        "[usual link: lrwxrwxrwx 1 root root Nov 20 07:48]",
    ]
    assert rows[4:10] == [
        "# app (total 24)",
        "8429 __init__.py",
        "__pycache__/",
        "mode=-rwxr-xr-x owner=bob 3356592 parser.so",
        "13 Jan  1  2025 now -> releases/5",
        "links=9 size=12288 my files/",
    ]


def test_a_directory_is_written_once() -> None:
    assert view(path_list.plan, FIND).text.split("\n")[1:] == [
        "src/app/: main.py",
        """ util/: io.py "my file.py" a"b.py""",
        "src/:",
        " app/: last.py",
        " docs/: one.md",
        "  (old)/: x.md",
        "| src/docs/a:b/y.md",
    ]


def test_paths_that_the_query_names_stand_whole() -> None:
    text = view(path_list.plan, MODELS, query="where is the model of cxx?").text
    assert "lib/models/cxx/model_cxx.py" in text
    assert "\ncxx/: conf_*.py model_*.py\n" in text
    assert "* in a name is the name of its directory" in text


def test_names_of_directories_stand_once_when_sorting_puts_them_back() -> None:
    assert view(name_list.plan, LS_R.replace('"a" b.go\n', "")).text.split("\n")[1:] == [
        "pkg/: OWNERS",
        " acme/: secrets.go",
        "  client/: http.go",
        " api/: scheme.go",
        " empty/: -",
    ]


def test_a_tree_loses_its_branches_only() -> None:
    assert view(tree.plan, TREE).text.split("\n")[1:] == [
        "| .",
        ' README.md "my file.txt"',
        " src/",
        "  app/",
        "   a.py b.py",
        "  main.py",
        " zz/",
        "  last",
        "| ",
        "| 3 directories, 6 files",
    ]


def test_a_tree_of_packages_loses_its_branches_only() -> None:
    assert view(tree.plan, NPM).text.split("\n")[1:] == [
        "| app@1.0.0 /srv/app",
        " foo@2.0.0",
        " bar@1.1.0/",
        '  "foo@2.0.0 deduped"',
        "  baz@3.0.0/",
        '   "UNMET OPTIONAL DEPENDENCY qux@^4"',
        " quux@0.1.0/",
        "  @org/grault@7.7.7",
        "  garply@1.2.3/",
        "   corge@1.0.0",
    ]


@pytest.mark.parametrize("text", [LS_LR, LS_R, TREE, MODELS, NPM, GRADLE])
def test_listings_are_detected(text: str) -> None:
    assert detect(Source(text)) is Kind.LISTING


@pytest.mark.parametrize(
    "text", ["usr_1,2026-01-01,a/b\n" * 20, "https://x.example/a/b\n" * 20, "a: b/c\n" * 20]
)
def test_tables_links_and_settings_are_no_listings(text: str) -> None:
    assert detect(Source(text)) is not Kind.LISTING


def test_a_root_is_cut_at_a_separator() -> None:
    assert common_root(["src/application/a", "src/apple/b"]) == "src/"
    assert common_root(["a", "b"]) == ""
    assert common_root([]) == ""


def test_an_outline_is_unfolded_to_its_directories() -> None:
    directories = ["a/b/c/", "a/b/d/e/", "", "a/b/", "a/b/", "x/"]
    outline = Unfolder()
    unfolded = [
        (heading.index, outline.enter(heading.depth, heading.relative))
        for heading in fold(directories)
    ]
    assert [directory for index, directory in unfolded if index >= 0] == directories


def test_names_with_blanks_survive_standing_side_by_side() -> None:
    names = ["a", "b c", "|", "é ", "-"]
    assert split_names(join_names(names)) == names
