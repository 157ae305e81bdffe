"""rg --json: a search view, with every place; what is shown gives the events back byte for byte."""

import json

import pytest

from furler_engine.compressors import search_json
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.pipeline import compress
from furler_engine.shared.grep_json import Begin, End, Found, Other, read
from furler_engine.types import Draft, Hints, Kind, Lines, LinesShown, Policy, Source


def event(kind: str, data: dict[str, object]) -> str:
    return json.dumps({"type": kind, "data": data}, separators=(",", ":"), ensure_ascii=False)


def begin(path: str) -> str:
    return event("begin", {"path": {"text": path}})


def found(path: str, number: int, text: str, offset: int, word: str = "") -> str:
    start = text.encode().find(word.encode()) if word else -1
    matches = [{"match": {"text": word}, "start": start, "end": start + len(word.encode())}]
    data = {"path": {"text": path}, "lines": {"text": text + "\n"}, "line_number": number}
    data |= {"absolute_offset": offset, "submatches": matches if word else []}
    return event("match" if word else "context", data)


END = (
    '{"type":"end","data":{"path":{"text":"src/ü b.py"},"binary_offset":null,"stats":{"elapsed":{"secs":0,"nanos":26439,"human":"0.000026s"},'
    '"searches":1,"searches_with_match":1,"bytes_searched":7000,"bytes_printed":1577,"matched_lines":2,"matches":3}}}'
)
SUMMARY = '{"data":{"elapsed_total":{"human":"0.03s","nanos":30555203,"secs":0},"stats":{"matches":3}},"type":"summary"}'
LINES = [
    begin("src/ü b.py"),
    found("src/ü b.py", 3, '    say("größe")\r', 40, "größe"),
    found("src/ü b.py", 4, "", 60),
    found("src/ü b.py", 9, "# größe | end 7", 200, "größe"),
    END,
    SUMMARY,
]


def drafts(text: str, query: str = "") -> list[Draft]:
    source = Source(text, Hints(query=query))
    found = [search_json.plan(source, Policy()), search_json.plan_eliding(source, Policy())]
    for draft in filter(None, found):
        check(source, draft)
    return [draft for draft in found if draft is not None]


def test_every_event_is_read_and_written_back() -> None:
    events = list(read(LINES))
    assert [type(event) for event in events] == [Begin, Found, Found, Found, End, Other]
    draft = drafts("\n".join(LINES))[0]
    assert isinstance(draft.coverage, LinesShown)
    assert draft.coverage.decode is not None
    assert list(enumerate(LINES, 1)) == list(draft.coverage.decode(draft.text))
    assert draft.text.split("\n")[1:5] == [
        "# src/ü b.py",
        '3@40[9-16]:    say("größe")\r',
        "4-",
        "9@200[2-9]:# größe | end 7",
    ]


@pytest.mark.parametrize(
    "line",
    [
        found("src/other.py", 3, "a path that did not begin", 40, "path"),
        LINES[1].replace("größe", "gr\\u00f6\\u00dfe"),
        LINES[1].replace('"line_number":3', '"line_number":3.0'),
        LINES[1].replace('"start":9', '"start":99'),
        LINES[1].replace("\\n", ""),
        LINES[1].replace("\\r", "\\n"),
        END.replace('"secs":0', '"secs":1'),
        END[:60],
        '{"type":"match","data":{}}',
        "rg: x: No such file or directory (os error 2)",
        "",
    ],
)
def test_what_would_not_be_written_back_is_no_event(line: str) -> None:
    lines = [*LINES[:4], line, *LINES[4:]]
    assert isinstance(list(read(lines))[4], Other)
    assert len(drafts("\n".join(lines))) == 2


def _many() -> list[str]:
    lines = []
    for name in ("a", "b"):
        path = f"src/{name}.py"
        own = [
            found(path, n * 9, f"        raise ConnectionError('closed, attempt {n}')", n * 400, "raise")
            for n in range(1, 60)
        ]  # fmt: skip
        lines += [begin(path), *own, END.replace("src/ü b.py", path)]
    lines[30] = found(
        "src/a.py", 262, "        raise ChargebackError('suspended')", 11_000, "raise"
    )
    return lines


def test_every_match_is_listed_and_statistics_are_counted_as_left_out() -> None:
    lines = _many()
    draft = drafts("\n".join(lines))[1]
    files = draft.text.split("# src/")[1:]
    for number in [n * 9 for n in range(1, 60) if n != 30]:
        assert all(str(number) in file for file in files)
    assert [elision.place for elision in draft.elisions if isinstance(elision.place, Lines)]
    assert "statistics are left out; every match is listed" in draft.text
    assert "bytes_searched" not in draft.text


def test_matches_that_the_query_names_keep_their_text() -> None:
    draft = drafts("\n".join(_many()), query="why was the chargeback suspended")[1]
    assert "raise ChargebackError('suspended')" in draft.text


def test_it_is_taken_for_search_results_and_not_for_rows_of_a_table() -> None:
    text = "\n".join(_many())
    view = compress(text, Hints(), Policy(), "a" * 16)
    assert (view.kind, view.compressors) == (Kind.SEARCH_RESULTS, ("search_json_brief",))
    assert view.tokens_after < view.tokens_before / 5


def test_other_events_stay_json() -> None:
    text = "\n".join('{"type":"begin","at":%d}' % n for n in range(9))  # noqa: UP031 - braces
    assert detect(Source(text)) is Kind.JSON
    assert drafts(text) == []
