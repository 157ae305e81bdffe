"""Records of many lines: those that are shown are whole and exact, the others are named and counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furler_engine.compressors import records
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.types import Draft, Hints, Kind, Policy, Source

CITIES = ["Oslo", "Pune", "Berlin"]
PSQL = "".join(
    f"-[ RECORD {n} ]--------\nid     | ord_{n * 7919 % 9973:04}\ncity   | {CITIES[n % 3]}\n"
    f"status | {'chargeback' if n == 41 else 'paid'}\nnote   | seen {n % 5} times\n"
    for n in range(1, 81)
)
INI = "; hosts\n\n" + "".join(
    f"[host{n}]\naddress = 10.0.0.{n * 37 % 250}\nport = {8000 + n * 7 % 20}\n; kept by {CITIES[n % 3]}\nuser = deploy\n\n"
    for n in range(80)
)
YAML = "kind: List\nitems:\n" + "".join(
    f"- kind: ConfigMap\n  metadata:\n    name: cfg-{n}\n    zone: {CITIES[n % 3]}\n  data:\n    LEVEL: {'trace' if n == 41 else 'info'}\n"
    for n in range(80)
)
STANZAS = "\n".join(
    f"Package: lib{n}\nVersion: 1.{n % 4}\nSection: libs\nDescription: A library\n that does {n % 3}\n"
    for n in range(80)
)
DOCUMENTS = "".join(
    f"---\n# Source: shop/svc{n}.yaml\nkind: Service\nmetadata:\n  name: svc-{n}\nspec:\n  port: {8000 + n * 7 % 20}\n"
    for n in range(80)
)
TEXTS = [PSQL, INI, YAML, STANZAS, DOCUMENTS]


def view(text: str, query: str = "") -> Draft:
    source = Source(text, Hints(query=query))
    draft = records.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    return draft


@pytest.mark.parametrize("text", TEXTS)
def test_most_records_are_counted_and_what_is_shown_is_exact(text: str) -> None:
    draft = view(text)
    assert "[all 80 records: " in draft.text
    assert len(draft.text) < 0.6 * len(text)
    assert draft.elisions


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (PSQL, "RECORD 41 ]--------\nid     | ord_5543\ncity   | Berlin\nstatus | chargeback\nnote   | seen 1 times"),
        (YAML, "- kind: ConfigMap\n  metadata:\n    name: cfg-41\n    zone: Berlin\n  data:\n    LEVEL: trace"),
    ],
)  # fmt: skip
def test_a_record_with_a_rare_value_is_shown_whole(text: str, whole: str) -> None:
    assert whole in view(text).text


@pytest.mark.parametrize(
    ("text", "query", "whole"),
    [
        (INI, "which port has host57?", "[host57]\naddress = 10.0.0.109\nport = 8019\n; kept by Oslo\nuser = deploy"),
        (STANZAS, "lib33", "Package: lib33\nVersion: 1.1\nSection: libs\nDescription: A library\n that does 0"),
    ],
)  # fmt: skip
def test_a_record_that_the_query_names_is_shown_whole(text: str, query: str, whole: str) -> None:
    assert whole in view(text, query).text


def test_what_is_left_out_is_called_by_its_title() -> None:
    assert "[left out: [host3] " in view(INI).text
    assert "[left out: cfg-3 " in view(YAML).text


def test_rows_printed_downwards_are_a_table_and_the_others_settings() -> None:
    kinds = [detect(Source(text)) for text in TEXTS]
    assert kinds == [Kind.TABLE, *[Kind.CONFIG] * 4]


@pytest.mark.parametrize(
    "text",
    [
        "".join(f'[[package]]\nname = "p{n}"\nversion = "1"\nchecksum = "{n:064x}"\n\n' for n in range(40)),
        "".join(f"[s{n}]\na{n} = 1\nb{n} = 2\nc{n} = 3\n" for n in range(40)),
        "".join(f"- name: step {n}\n" for n in range(40)),
        "\n\n".join(f"Paragraph {n} is of one line." for n in range(40)),
        "",
    ],
)  # fmt: skip
def test_lock_files_and_what_is_not_alike_are_left_alone(text: str) -> None:
    assert records.plan(Source(text), Policy()) is None


@given(st.lists(st.sampled_from([*PSQL[:400].split("\n"), *INI[:300].split("\n"), *YAML[:300].split("\n"), "", "é:", "- a: |"]), max_size=90))  # fmt: skip
def test_any_lines_give_a_proven_draft_or_none(lines: list[str]) -> None:
    source = Source("\n".join(lines))
    draft = records.plan(source, Policy())
    if draft is not None:
        check(source, draft)
