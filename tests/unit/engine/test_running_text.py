"""What a model may judge: English running text, and the plain words in it."""

import pytest

from furler_engine.shared.running_text import stretches, words

PROSE = "The worker was restarted on Tuesday because the disk of the host was really full."


def running(text: str) -> list[str]:
    return [text[start:end] for start, end in stretches(text, [(0, len(text))])]


def told_apart(text: str) -> tuple[list[str], list[str]]:
    """Return the words that may go, and those that stay."""
    both: tuple[list[str], list[str]] = ([], [])
    for start, end in stretches(text, [(0, len(text))]):
        for word in words(text, start, end):
            both[not word.may_go].append(text[word.start : word.end])
    return both


def test_paragraphs_that_only_blank_lines_part_are_one_text() -> None:
    assert running(f"{PROSE}\n\n{PROSE}\n{PROSE}\n") == [f"{PROSE}\n\n{PROSE}\n{PROSE}"]


@pytest.mark.parametrize(
    "block",
    [
        f"# {PROSE}",
        f"{PROSE}\n=====",
        f"```\n{PROSE}\n```",
        f"~~~text\n{PROSE}\n\n{PROSE}\n~~~",
        f"    {PROSE}",
        f"\t{PROSE}",
        f"| {PROSE} | {PROSE} |",
        f"{PROSE} | {PROSE}",
        f"<div>{PROSE}</div>",
        f"[1]: {PROSE}",
        f".. note:: {PROSE}",
        f"$ {PROSE}",
        f"ERROR: {PROSE}",
        f"[WARN] {PROSE}",
        f"2026-11-20 12:00:01 ERROR worker-3 {PROSE}",
        "磁盘已满，因此工人在星期二被重新启动，因为主机的磁盘真的已经满了。",
        f"{PROSE} 磁盘已满，因此工人在星期二被重新启动 {PROSE}",
        "디스크가 가득 차서 화요일에 작업자가 다시 시작되었다고 관리자가 말했다.",
        "ディスクが いっぱいだったので 火曜日に ワーカーが 再起動された と 管理者が 言った。",
        "ดิสก์ของโฮสต์เต็มจริง ๆ ดังนั้นคนงานจึงถูกเริ่มใหม่ในวันอังคาร ตามที่ผู้ดูแลบอก",
        "Der Dienst wurde am Dienstag nicht neu gestartet, weil die Platte noch Platz hatte und lief.",
        "Le service n'a pas été redémarré mardi, parce que le disque avait encore de la place libre.",
        "El servicio no se reinició el martes porque el disco del servidor todavía tenía espacio.",
        "Сервис не был перезапущен во вторник, потому что на диске ещё оставалось место для записи.",
        "a1 b2 c3 = d4 + e5 ; f6(g7) -> h8 the of and to that",
    ],
)
def test_what_is_no_english_running_text_is_never_asked_about(block: str) -> None:
    text = f"{PROSE}\n\n{block}\n\n{PROSE}\n"
    assert running(text) == [PROSE, PROSE]


def test_a_fence_that_never_closes_ends_the_running_text() -> None:
    assert running(f"{PROSE}\n\n```\n{PROSE}\n\n{PROSE}\n") == [PROSE]


def test_an_item_with_its_lines_is_running_text_and_its_code_is_not() -> None:
    item = f"- {PROSE}\n  {PROSE}"
    assert running(f"{item}\n\n      pip install it and then run the thing with it\n") == [item]


def test_only_what_is_shown_is_asked_about() -> None:
    text = f"{PROSE}\n\n{PROSE}\n\n{PROSE}\n"
    size = len(PROSE)
    assert stretches(text, [(0, size + 2), (2 * size + 4, len(text))]) == [
        (0, size),
        (2 * size + 4, 3 * size + 4),
    ]


def test_an_interval_within_a_line_bounds_what_is_asked_about() -> None:
    assert stretches(PROSE, [(4, 20), (30, 50)]) == [(4, 20), (30, 50)]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("`git commit -m`", ["`git", "commit", "-m`"]),
        ("``a `b` c``", ["``a", "`b`", "c``"]),
        ("[the whole manual](https://example.org/a)", ["[the", "whole", "manual](https://example.org/a)"]),
        ("[the manual][1]", ["[the", "manual][1]"]),
        ('"connection was refused"', ['"connection', "was", 'refused"']),
        ("“connection was refused”", ["“connection", "was", "refused”"]),
        ("'connection was refused'", ["'connection", "was", "refused'"]),
        ("<a href=x>the link</a>", ["<a", "href=x>the", "link</a>"]),
        ("{{ the value }}", ["{{", "the", "value", "}}"]),
        ("磁盘", ["磁盘"]),
        ("HTTP", ["HTTP"]),
        ("camelCase", ["camelCase"]),
        ("snake_case", ["snake_case"]),
        ("a.b.c", ["a.b.c"]),
        ("/etc/hosts", ["/etc/hosts"]),
        ("--force", ["--force"]),
        ("v1.2", ["v1.2"]),
        ("12", ["12"]),
        ("50%", ["50%"]),
        ("C++", ["C++"]),
        ("**bold**", ["**bold**"]),
        ("(as", ["(as"]),
        ("following:", ["following:"]),
        ("naïve\u00a0word", ["naïve", "word"]),
    ],
)  # fmt: skip
def test_what_has_a_sign_in_it_is_never_dropped(said: str, kept: list[str]) -> None:
    text = f"The worker was restarted with {said} because the disk of the host was really full."
    assert told_apart(text)[1] == kept


def test_names_of_speakers_and_marks_of_items_are_never_dropped() -> None:
    text = f"Project Manager: {PROSE}\nIndustrial Designer: {PROSE}\n- {PROSE}\n3. {PROSE}"
    assert told_apart(text)[0] == PROSE.split() * 4


def test_short_turns_and_items_stay_whole() -> None:
    text = f"Ann: {PROSE}\nBob: Yes, that is right.\nAnn: {PROSE}"
    assert told_apart(text)[1] == ["Ann:", "Bob:", "Yes,", "that", "is", "right.", "Ann:"]


def test_a_text_that_is_set_in_as_a_whole_is_running_text() -> None:
    page = (
        f"NAME\n       {PROSE}\n       {PROSE}\n\n       -f      {PROSE}\n"
        + f"       {PROSE}\n" * 20
    )
    assert told_apart(page)[0] == PROSE.split() * 23


@pytest.mark.parametrize("hyphen", ["-", "‐"])
def test_the_rest_of_a_word_parted_at_the_end_of_a_line_is_never_dropped(hyphen: str) -> None:
    text = f"The worker was restarted on Tuesday be{hyphen}\ncause the disk of the host was full."
    assert told_apart(text)[1] == [f"be{hyphen}", "cause"]


def test_words_are_those_of_str_split_in_order() -> None:
    text = f"{PROSE}\n\n- {PROSE} `a b`\u2003c\n  {PROSE}\n"
    for start, end in stretches(text, [(0, len(text))]):
        found = [text[w.start : w.end] for w in words(text, start, end)]
        assert found == text[start:end].split()
