"""The commands, run against a backend that answers from a script."""

from __future__ import annotations

import io
import json
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import furler_compressor.main
from furler import AsyncFurler, ContentNotFoundError, Digest, Furler, StoreUnavailableError
from furler.cli import inputs, main
from furler.cli.connection import Connection
from furler.v1 import compression_pb2, compressor_service_pb2, content_pb2, content_service_pb2
from furler.v1.info_service_pb2 import GetStatsResponse, KindStats
from furler_kompress import artefact
from support.fake_backend import Answer, FakeBackend, Outcome, in_turn

REF = "mfzwi3lborqxg5bo"
VIEW = compression_pb2.View(
    text="3 × GET /health\n[furler: …]",
    ref=REF,
    kind=content_pb2.CONTENT_KIND_LOG,
    compressors=["log"],
    elisions=[compression_pb2.Elision(marker="L2-9", tokens=70, summary="health checks")],
    tokens_before=content_pb2.TokenCount(tokens=1000, tokenizer="o200k_base"),
    tokens_after=content_pb2.TokenCount(tokens=250, tokenizer="o200k_base"),
    recipe="0.1.0/abc",
)
COMPRESSED = compressor_service_pb2.CompressResponse(view=VIEW)


class Cli:
    """Runs commands; remembers the connection that each asked for."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        self.fake = FakeBackend(answers)
        self.connections: list[Connection] = []

    def connect(self, connection: Connection) -> Furler:
        self.connections.append(connection)
        return Furler(AsyncFurler(self.fake))

    def run(
        self, *args: str, stdin: bytes = b"", environment: dict[str, str] | None = None
    ) -> Result:
        return CliRunner().invoke(
            main, args, input=stdin, env=environment, obj=self.connect, prog_name="furler"
        )


def _compressed(cli: Cli) -> compressor_service_pb2.CompressRequest:
    (request,) = cli.fake.requests("Compress")
    assert isinstance(request, compressor_service_pb2.CompressRequest)
    return request


def test_compress_prints_the_view_and_nothing_else() -> None:
    cli = Cli({"Compress": in_turn(COMPRESSED)})
    done = cli.run("compress", stdin="größer".encode())
    assert (done.exit_code, done.stdout_bytes, done.stderr) == (0, VIEW.text.encode(), "")
    assert _compressed(cli).content.inline == "größer".encode()
    assert _compressed(cli).content.hints.filename == ""


def test_compress_passes_every_option_on(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    file.write_bytes(b"lines\r\n")
    cli = Cli({"Compress": in_turn(COMPRESSED)})
    options = [
        "--kind",
        "log",
        "--query",
        "why",
        "--tool",
        "bash",
        "--space",
        "team",
        "--timeout",
        "5",
        "--data",
        "dir",
    ]
    policy = [
        "--policy",
        "target_tokens=90",
        "--policy",
        "levels.log=tight",
        "--policy",
        "retention=2h",
    ]
    done = cli.run("compress", str(file), *options, *policy)
    assert done.exit_code == 0
    request = _compressed(cli)
    hints = request.content.hints
    assert request.content.inline == b"lines\r\n"
    assert (hints.query, hints.tool_name, hints.filename) == ("why", "bash", str(file))
    assert (request.space, request.policy.target_tokens) == ("team", 90)
    assert request.policy.retention.seconds == 7200
    assert request.policy.levels[0].level == compression_pb2.LEVEL_TIGHT
    assert cli.connections == [Connection(data="dir", space="team", timeout=5.0)]


def test_json_is_one_object_with_all_figures() -> None:
    done = Cli({"Compress": in_turn(COMPRESSED)}).run("compress", "--json", stdin=b"x")
    got = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert (got["text"], got["ref"], got["kind"], got["saved"]) == (VIEW.text, REF, "log", 0.75)
    assert got["elisions"] == [{"marker": "L2-9", "summary": "health checks", "tokens": 70}]
    assert got["degraded"] is None


def test_a_degraded_view_is_told_on_the_side() -> None:
    view = compression_pb2.View(
        text="x", degraded=compression_pb2.DEGRADED_REASON_STORE_UNAVAILABLE
    )
    answer = compressor_service_pb2.CompressResponse(view=view)
    done = Cli({"Compress": in_turn(answer)}).run("compress", stdin=b"x")
    assert done.stdout == "x"
    assert done.stderr.startswith("furler: degraded: store unavailable;")


def test_input_that_is_no_text_says_where_and_what_to_do() -> None:
    cli = Cli({})
    done = cli.run("compress", stdin=b"abc\xff")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "byte 0xff at offset 3; convert it first" in done.stderr
    assert "iconv" in done.stderr
    assert cli.fake.calls == []


def test_a_terminal_with_nothing_piped_in_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    with pytest.raises(Exception, match="nothing to read: name a FILE"):
        inputs.read_content("-")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("compress", "no such file"), "cannot read no such file: No such file"),
        (("compress", "--policy", "target_tokens", "-"), "want KEY=VALUE"),
        (("compress", "--policy", "target_token=5"), "did you mean 'target_tokens'"),
        (("compress", "--policy", "target_tokens=five"), "policy.target_tokens: want a whole"),
        (("compress", "--policy", "levels.log=tigt"), "did you mean 'tight'"),
        (("compress", "--policy", "keep=half"), "policy.keep: want a number"),
        (("compress", "--policy", "retention=1w"), "want 90s, 15m, 12h or 7d"),
        (("compress", "--policy", "allow_model=maybe"), "want true or false"),
        (("compress", "--kind", "loog"), "'loog' is not one of"),
        (("compress", "--server", "a:1", "--data", "b"), "exclude each other"),
        (("retrieve", REF, "--lines", "9-3"), "9-3 is no range"),
        (("retrieve", REF, "--lines", "3", "--query", "x"), "want one selector"),
        (("retrieve", REF, "--context", "2"), "context: goes with match"),
        (("up", "--listen", "50051"), "want HOST:PORT"),
    ],
)
def test_a_wrong_call_gets_one_clear_line_and_exit_code_2(
    args: Sequence[str], message: str
) -> None:
    cli = Cli({})
    done = cli.run(*args, stdin=b"x")
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert (done.stdout, cli.fake.calls) == ("", [])


def test_a_policy_is_read_by_the_kind_of_its_fields() -> None:
    settings = (
        "keep=0.5", "allow_model=yes", "disabled_compressors=log,code", "min_tokens=0",
        "tokenizer=cl100k_base", "retention=90s", "levels.code=off",
    )  # fmt: skip
    assert inputs.read_policy(settings) == {
        "keep": 0.5,
        "allow_model": True,
        "disabled_compressors": ("log", "code"),
        "min_tokens": 0,
        "tokenizer": "cl100k_base",
        "retention": 90.0,
        "levels": {"code": "off"},
    }
    assert inputs.read_policy(()) is None


def test_keep_stands_for_the_policys_field() -> None:
    assert inputs.read_policy((), 0.5) == {"keep": 0.5}
    assert inputs.read_policy(("keep=0.9", "min_tokens=0"), 0.5) == {"keep": 0.5, "min_tokens": 0}
    cli = Cli({"Compress": in_turn(StoreUnavailableError("not asked further"))})
    cli.run("compress", "--keep", "0.4", "-", stdin=b"text")
    assert _compressed(cli).policy.keep == 0.4


def test_a_failed_call_is_one_line_and_exit_code_1() -> None:
    answers = {"Retrieve": in_turn(ContentNotFoundError("no such\n reference"))}
    done = Cli(answers).run("retrieve", REF, "--lines", "1-2")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "furler: no such reference\n"


def test_an_interrupt_is_quiet() -> None:
    def interrupted(_connection: Connection) -> Furler:
        raise KeyboardInterrupt

    done = CliRunner().invoke(main, ["stats"], obj=interrupted)
    assert (done.exit_code, done.stdout, done.stderr) == (130, "", "")


def test_what_the_line_says_goes_before_the_environment() -> None:
    cli = Cli({})
    environment = {"FURLER_SERVER": "env:1", "FURLER_TOKEN": "t"}
    cli.run("stats", environment=environment)
    cli.run("stats", "--data", "dir", environment=environment)
    cli.run("stats", "--server", "line:2", "--no-tls", environment=environment)
    assert cli.connections == [
        Connection(server="env:1", token="t"),  # noqa: S106 - made up
        Connection(data="dir", token="t"),  # noqa: S106 - made up
        Connection(server="line:2", token="t", tls=False),  # noqa: S106 - made up
    ]


def _part(data: bytes, next_page: str = "") -> content_service_pb2.RetrieveResponse:
    return content_service_pb2.RetrieveResponse(
        data=data, next_page_token=next_page, picked=content_pb2.TokenCount(tokens=12)
    )


def test_retrieve_prints_the_exact_bytes_of_all_pages() -> None:
    cli = Cli({"Retrieve": in_turn(_part(b"a\r\n\x00", "p2"), _part("ö".encode()[:1]))})
    done = cli.run("retrieve", REF, "--match", "ERROR|WARN", "--context", "2")
    assert (done.exit_code, done.stdout_bytes, done.stderr) == (0, b"a\r\n\x00\xc3", "")
    first, second = cli.fake.requests("Retrieve")
    assert isinstance(first, content_service_pb2.RetrieveRequest)
    assert isinstance(second, content_service_pb2.RetrieveRequest)
    assert (first.page_token, second.page_token) == ("", "p2")
    assert second.selector.match == content_pb2.Match(pattern="ERROR|WARN", context_lines=2)


def test_one_page_on_request_says_how_to_go_on() -> None:
    cli = Cli({"Retrieve": in_turn(_part(b"a\n", "p2"))})
    done = cli.run("retrieve", REF, "--lines", "L2-9", "--max-tokens", "5")
    assert done.stdout == "a\n"
    assert done.stderr == "furler: there is more: --page p2 (12 tokens picked in all)\n"


def test_retrieve_without_a_selector_is_the_whole_original_checked() -> None:
    whole = b"abc"
    digest = content_pb2.Digest(sha256=bytes.fromhex(Digest.of(whole).sha256))
    message = content_service_pb2.ReadContentResponse(chunk=whole, original=digest)
    done = Cli({"ReadContent": in_turn(message)}).run("retrieve", REF)
    assert (done.exit_code, done.stdout_bytes) == (0, whole)


def test_a_retrieved_part_as_json_is_one_object() -> None:
    part = _part(b"a\n", "p2")
    part.expire_time.FromSeconds(1_000_000_000)
    done = Cli({"Retrieve": in_turn(part)}).run("retrieve", REF, "--path", "$.a", "--json")
    got = json.loads(done.stdout)
    assert (got["text"], got["next_page"], got["picked_tokens"]) == ("a\n", "p2", 12)
    assert got["expires"] == "2001-09-09T01:46:40+00:00"


STATS = GetStatsResponse(
    kinds=[
        KindStats(kind=content_pb2.CONTENT_KIND_JSON, views=1, tokens_before=100, tokens_after=90),
        KindStats(
            kind=content_pb2.CONTENT_KIND_LOG, views=20, cached=2, tokens_before=9000,
            tokens_after=1000,
        ),
    ],
    retrievals=3,
    retrieval_misses=1,
    originals=2,
    stored_bytes=5 * 1024 * 1024,
)  # fmt: skip


def test_stats_are_plain_columns_when_piped() -> None:
    done = Cli({"GetStats": in_turn(STATS)}).run("stats")
    assert done.stdout.splitlines() == [
        "kind  views  cached  degraded  tokens before  after   saved",
        "log      20       2         0          9,000  1,000  88.9 %",
        "json      1       0         0            100     90  10.0 %",
        "all      21       2         0          9,100  1,090  88.0 %",
        "Originals stored: 2 (5.0 MiB). Retrievals: 3, and 1 of what was gone.",
    ]


def test_stats_of_nothing_say_so() -> None:
    done = Cli({}).run("stats")
    assert done.stdout.splitlines()[0] == "Nothing compressed yet."


def test_stats_as_json() -> None:
    got = json.loads(Cli({"GetStats": in_turn(STATS)}).run("stats", "--json").stdout)
    assert (got["originals"], got["kinds"][1]["kind"]) == (2, "log")


def test_explain_shows_what_was_tried() -> None:
    answer = compressor_service_pb2.ExplainResponse(
        view=VIEW,
        decisions=[
            compression_pb2.Decision(compressor="json", reason="does not fit", tokens_after=1000),
            compression_pb2.Decision(
                compressor="log", applied=True, reason="1 of 9 lines", tokens_after=250
            ),
        ],
    )
    done = Cli({"Explain": in_turn(answer)}).run("explain", stdin=b"x")
    assert done.stdout.splitlines() == [
        "tried  chosen  tokens  why",
        "json   no       1,000  does not fit",
        "log    yes        250  1 of 9 lines",
        "log · 1,000 → 250 tokens · 75.0 % saved",
    ]
    assert json.loads(Cli({"Explain": in_turn(answer)}).run("explain", "--json", stdin=b"x").stdout)


def test_up_starts_the_compressor_where_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Sequence[str] | None] = []

    def fake_main(argv: Sequence[str] | None = None) -> int:
        started.append(argv)
        return 0

    monkeypatch.setattr(furler_compressor.main, "main", fake_main)
    given = ("--listen", "127.0.0.1:0", "--data", "d", "--workers", "2", "--no-gateway")
    done = Cli({}).run("up", *given)
    assert done.exit_code == 0
    expected = ["--listen", "127.0.0.1:0", "--store", "d", "--workers", "2"]
    assert started == [expected]
    assert 'Furler.connect("127.0.0.1:0")' in done.stderr
    assert "/mcp" not in done.stderr


def test_up_says_when_the_port_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        compressor = Cli({}).run("up", "--listen", address)
        free = ("--listen", "127.0.0.1:0", "--gateway")
        gateway = Cli({}).run("up", *free, address)
        operations = Cli({}).run("up", *free, "127.0.0.1:0", "--operations", address)
    for done, option in (
        (compressor, "--listen"),
        (gateway, "--gateway"),
        (operations, "--operations"),
    ):
        assert done.exit_code == 2
        assert f"{address} is in use, perhaps by another `furler up`" in done.stderr
        assert done.stderr.rstrip().endswith(f"try another {option}")


def test_a_doctor_of_what_works_finds_nothing_wrong() -> None:
    done = Cli(_healthy()).run("doctor")
    states = {line.split("  ")[0]: line for line in done.stdout.splitlines()}
    assert done.exit_code == 0, done.output
    names = [
        "check",
        "engine",
        "tokenizers",
        "grammars",
        "store",
        "server 127.0.0.1:50051",
        "model",
    ]
    assert list(states) == names
    assert "missing" in states["model"]


def test_a_doctor_names_the_model_with_its_checksum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FURLER_MODEL", "onnx")
    done = Cli(_healthy()).run("doctor")
    (model,) = [line for line in done.stdout.splitlines() if line.startswith("model ")]
    digest = artefact.manifest()[artefact.MODEL]
    assert artefact.version() in model
    assert f"sha256 {digest[:16]}" in model


def test_a_doctor_of_a_broken_store_says_what_to_do() -> None:
    done = Cli({"Compress": in_turn(StoreUnavailableError("the disk is full"))}).run("doctor")
    assert done.exit_code == 1
    assert "the disk is full" in done.stdout
    assert "store: name a directory you may write to with --data" in done.stdout


def test_a_doctor_notices_bytes_that_are_not_what_was_stored() -> None:
    answers = _healthy()
    wrong = content_pb2.Digest(sha256=bytes.fromhex(Digest.of("other").sha256))
    answers["ReadContent"] = in_turn(
        content_service_pb2.ReadContentResponse(chunk=b"other", original=wrong)
    )
    done = Cli(answers).run("doctor", "--json")
    checks = {each["name"]: each for each in json.loads(done.stdout)["checks"]}
    assert done.exit_code == 1
    assert checks["store"]["state"] == "failed"
    assert checks["store"]["found"] == "other bytes came back than were stored"


def _healthy() -> dict[str, Answer]:
    """Answers of a server that stores one content and gives it back."""
    stored: list[bytes] = []

    def keep(request: object) -> Outcome:
        assert isinstance(request, compressor_service_pb2.CompressRequest)
        stored.append(request.content.inline)
        return COMPRESSED

    def give(_request: object) -> Outcome:
        digest = content_pb2.Digest(sha256=bytes.fromhex(Digest.of(stored[-1]).sha256))
        return content_service_pb2.ReadContentResponse(chunk=stored[-1], original=digest)

    return {"Compress": keep, "ReadContent": give}
