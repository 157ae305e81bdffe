"""G5 of docs/guarantees.md: every Python that Furler runs on gives the same bytes."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FAULTY_PATTERNS = """
import ast, importlib, pkgutil, re, sys
from pathlib import Path
from re import _constants as codes, _parser as parser

ONE = {codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN}

def is_faulty(part):
    if isinstance(part, parser.SubPattern | list | tuple):
        items = list(part)
        if items and items[0] is codes.POSSESSIVE_REPEAT:
            inside = list(items[1][2])
            return len(inside) != 1 or inside[0][0] not in ONE
        return (bool(items) and items[0] is codes.ATOMIC_GROUP) or any(map(is_faulty, items))
    return False

parse, found, seen = parser.parse, [], 0

def noting(pattern, *rest):
    global seen
    tree = parse(pattern, *rest)
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(parser.__file__.rpartition("/")[0]):
        frame = frame.f_back
    if frame.f_globals.get("__name__", "").startswith("furler"):
        seen += 1
        if is_faulty(tree):
            found.append(f"{frame.f_globals['__name__']}: {pattern!r}")
    return tree

parser.parse = noting
assert is_faulty(parse("x(?:ab)*+")) and is_faulty(parse("(?>a|b)")) and is_faulty(parse("((?:ab){2}+)"))
assert not is_faulty(parse("a*+[bc]++(?:d[^e]?+)*"))
files = 0
for name in ("furler", "furler_engine", "furler_compressor", "furler_gateway", "furler_kompress"):
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        if module.name.endswith("__main__"):
            continue
        source = Path(importlib.util.find_spec(module.name).origin)
        files += 1
        # What a function compiles for itself, as far as it is written there in one piece.
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.") and node.args:
                if isinstance(node.args[0], ast.Constant) and is_faulty(parse(node.args[0].value)):
                    found.append(f"{module.name}: {node.args[0].value!r}")
        importlib.import_module(module.name)
print(files, seen)
print(*dict.fromkeys(found), sep="\\n", end="")
"""


def test_no_pattern_repeats_a_group_possessively() -> None:
    """Python up to 3.11.4 ends such a repetition, and an atomic group, in the wrong place (gh-106052)."""
    done = subprocess.run(
        [sys.executable, "-c", FAULTY_PATTERNS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    counts, _, found = done.stdout.partition("\n")
    files, patterns = map(int, counts.split())
    assert files > 200
    assert patterns > 300
    assert found == ""


VIEWS = """
import hashlib, sys
from pathlib import Path
from furler_engine.pipeline import compress
from furler_engine.types import Hints, Policy
texts = [path.read_text(encoding="utf-8") for path in sorted(Path("tests/golden").rglob("*.in"))]
# Where words, strings and tags break off half way: what Pythons have read in several ways.
words = "The un-, pre-, and post- words of the well-known thing that is to be read with care by you' and I. "
texts += [
    "\\n\\n".join(f"Point {n} of it. " + words * (1 + n % 5) for n in range(30)),
    "".join(f"<p title='a \\"b' id=\\"x>{n}\\">The end of the {n} 'is <b>\\"near</b>.</p>\\n" for n in range(200)),
    "".join(f"INSERT INTO t VALUES ({n},'it''s','a''{'x' if n % 9 else ''}','b\\\\'');\\n" for n in range(200)),
    "[" + ",".join('{"n": %d, "s": "a\\\\\\\\\\\\"[{\\\\n", "t": "\\\\"]"}' % n for n in range(300)) + "]",
]
for text in texts:
    for model in ("", "a model/1"):
        asking = compress(text, Hints(query="state 41"), Policy(model=model), "a" * 16)
        answers = {t: tuple(n % 2 / 2 for n in range(len(t.split()))) for t in asking.asks}
        view = compress(text, Hints(query="state 41"), Policy(model=model), "a" * 16, answers)
        print(view.kind, hashlib.sha256(repr((view.text, view.elisions, asking.asks)).encode()).hexdigest())
"""


def test_another_python_of_this_machine_gives_the_same_views() -> None:
    """Of the same minor version, so that it runs what is installed here: Debian's own, in CI."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = {
        path
        for folder in (*os.environ.get("PATH", "").split(os.pathsep), "/usr/bin", "/usr/local/bin")
        if (path := shutil.which(name, path=folder)) is not None
    }
    others = {version: path for path in sorted(found) if (version := _version(path))}
    others.pop(platform.python_version(), None)
    if not others:
        pytest.skip(f"no {name} of another patch version than {platform.python_version()} is here")
    standard = Path(os.__file__).parent
    packages = [path for path in sys.path if path and not _is_within(path, standard)]
    outputs = {}
    for version, python in {platform.python_version(): sys.executable, **others}.items():
        done = subprocess.run(
            [python, "-s", "-c", VIEWS],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(packages)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{version}: {done.stderr}"
        outputs[version] = done.stdout
    assert all(views.count("\n") > 50 for views in outputs.values())
    assert len(set(outputs.values())) == 1, outputs


def _version(python: str) -> str:
    """Return the version of a Python, '' for a program that does not run."""
    done = subprocess.run(
        [python, "-c", "import platform; print(platform.python_version())"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def _is_within(path: str, standard: Path) -> bool:
    """Whether a place of modules is the standard library's, which each Python has of its own."""
    inside = Path(path).resolve().parts
    return "site-packages" not in inside and (
        Path(path).resolve().is_relative_to(standard) or path.endswith(".zip")
    )
