"""The pytest plugin, in inner runs of pytest: the fixture `pico`, and transcripts as tests."""

import re
import shutil
from pathlib import Path

import pytest

# An inner run forgets what it was the first to import: so that not each imports the engine anew.
import picosched.rehearsal.pico
import picosched.rehearsal.transcript  # noqa: F401

ROOT = Path(__file__).parent.parent

CLOCK = """\
ruleset clock {
  meta { shares ticks, answer }
  global { ticks = function() { ent:ticks.defaultsTo(0) } answer = function() { ent:answer } }
  rule begin {
    select when clock begin
    send_directive("begun")
    fired { schedule clock event "tick" repeat "*/10 * * * *" }
  }
  rule tick {
    select when clock tick
    send_directive("tick", {"n": ticks() + 1, "chance": random:integer(1000000)})
    always { ent:ticks := ticks() + 1 }
  }
  rule ask {
    select when clock ask
    pre { answer = http:get("https://example.com/weather", {"of": event:attrs{"of"}}) }
    send_directive("answer", answer)
  }
  rule ask_later {
    select when clock ask_later
    fired { schedule clock event "ask" at time:add(time:now(), {"hours": 1}) }
  }
  rule break_later {
    select when clock break_later
    fired { schedule clock event "broken" at time:add(time:now(), {"hours": 1}) }
  }
  rule broken { select when clock broken pre { x = "x" - 1 } }
}
"""


@pytest.fixture(autouse=True)
def project(pytester: pytest.Pytester) -> Path:
    """The folder of a project that has rulesets: the inner run stands in it."""
    shutil.copytree(ROOT / "rulesets", pytester.path / "rulesets")
    (pytester.path / "rulesets" / "clock.krl").write_text(CLOCK)
    return pytester.path


def passes(pytester: pytest.Pytester, text: str, tests: int = 1) -> None:
    pytester.makepyfile(text)
    pytester.runpytest().assert_outcomes(passed=tests)


def test_time_passes_when_the_test_says_so(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        from datetime import timedelta

        def test_it(pico):
            pico.install("clock.krl")
            turn = pico.raise_event("clock", "begin")
            assert turn.fired == ["clock.begin"]
            assert pico.advance() == []
            assert [record.type for record in pico.advance(minutes=25)] == ["tick", "tick"]
            assert pico.clock.now().isoformat() == "2026-01-01T00:25:00+00:00"
            (record,) = pico.travel_to("2026-01-01T00:30:00Z")
            assert (record.rules, record.scheduled.nominal) == (["tick"], record.at)
            assert [record.at.minute for record in pico.advance(timedelta(minutes=20))] == [40, 50]
            assert pico.query("clock", "ticks") == 5
            (repeat,) = pico.scheduled()
            assert (repeat.due.hour, repeat.fires) == (1, 5)
            assert [fire.nominal.minute for fire in pico.history()] == [50, 40, 30, 20, 10]
            assert str(pico) == "<a pico at 2026-01-01T00:50:00Z>"
        """,
    )


def test_what_was_said_is_told_once(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        def test_it(pico):
            pico.install("tea_timer.krl")
            pico.raise_event("tea", "started", {"minutes": 5})
            assert pico.said() == [("say", {"text": "steeping"})]
            assert pico.said() == []
            pico.raise_event("tea", "started", {"minutes": 1, "tea": "Assam"})
            assert len(pico.advance(minutes=5)) == 2
            assert pico.said() == [
                ("say", {"text": "steeping"}),
                ("say", {"text": "your Assam is ready"}),
                ("say", {"text": "your tea is ready"}),
            ]
        """,
    )


def test_time_does_not_go_back(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        import pytest
        from picosched import PicoschedError

        def test_it(pico):
            with pytest.raises(PicoschedError, match="wanted a time from 2026-01-01T00:00:00Z on"):
                pico.travel_to("2025-12-31")
            with pytest.raises(PicoschedError, match="wanted a time from"):
                pico.advance(minutes=-1)
        """,
    )


def test_each_test_has_a_pico_of_its_own_and_the_same_chance(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        import pytest

        seen = []

        @pytest.mark.parametrize("seed", [
            1,
            pytest.param(1, id="again"),
            pytest.param(7, marks=pytest.mark.picosched(seed=7)),
        ])
        def test_it(pico, seed):
            pico.install("clock.krl")
            pico.raise_event("clock", "begin")
            pico.advance(minutes=10)
            seen.append(pico.said())
            assert pico.query("clock", "ticks") == 1
            assert (seen[0] == seen[-1]) == (seed == 1)
        """,
        tests=3,
    )


def test_the_start_and_the_settings_come_from_ini_and_markers(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\npicosched_start = 2027-06-01T12:00:00Z\n")
    passes(
        pytester,
        """
        import pytest

        pytestmark = pytest.mark.picosched(granularity=5)

        def test_the_ini_says_when_the_clock_begins(pico):
            assert pico.clock.now().isoformat() == "2027-06-01T12:00:00+00:00"
            assert pico.engine.settings.granularity == 5

        @pytest.mark.picosched(start="2030-01-01", min_period=1)
        class TestIt:
            @pytest.mark.picosched(granularity=1)
            def test_the_nearest_marker_wins(self, pico):
                assert pico.clock.now().year == 2030
                assert (pico.engine.settings.granularity, pico.engine.settings.min_period) == (1, 1)
        """,
        tests=2,
    )


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ("granularty=1", 'did you mean "granularity"?'),
        ("granularity=0", "found 0, wanted a whole number, 1 or more"),
        ("start='noon'", "found 'noon', wanted an ISO 8601 time"),
        ("'2030-01-01'", "found '2030-01-01', wanted NAME=VALUE"),
    ],
)
def test_a_marker_that_is_wrong_says_so(pytester: pytest.Pytester, marker: str, told: str) -> None:
    pytester.makepyfile(f"import pytest\n@pytest.mark.picosched({marker})\ndef test_it(pico): pass\n")
    result = pytester.runpytest("--strict-markers")
    result.assert_outcomes(errors=1)
    assert told in result.stdout.str()


def test_the_environment_does_not_count(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICOSCHED_GRANULARITY", "3600")
    passes(pytester, "def test_it(pico): assert pico.engine.settings.granularity == 60")


def test_the_world_outside_is_a_function_of_the_test(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        import pytest
        from picosched.krl.requests import HttpResponse

        @pytest.fixture
        def ask(pico):
            pico.install("clock.krl")
            def ask():
                pico.raise_event("clock", "ask", {"of": "rome"})
                ((_, answer),) = pico.said()
                return answer["status_code"], answer["status_line"], answer["content"]
            return ask

        def test_nobody_is_asked(ask):
            assert ask()[:2] == (0, "nobody is asked on virtual time")

        def test_a_function_answers(pico, ask):
            for answer, told in [
                (503, (503, "", "")),
                ("sunny", (200, "OK", "sunny")),
                ({"sky": ["blue"]}, (200, "OK", '{"sky":["blue"]}')),
                (None, (200, "OK", "null")),
                (HttpResponse(404, "Gone", (), b"?"), (404, "Gone", "?")),
            ]:
                pico.answers(lambda request: answer)
                assert ask() == told
            assert {(each.method, each.url) for each in pico.asked} == {
                ("GET", "https://example.com/weather?of=rome")
            }
            assert len(pico.asked) == 5

        def test_what_the_function_finds_wrong_fails_the_test(pico, ask):
            def answer(request):
                assert "paris" in request.url
            pico.answers(answer)
            with pytest.raises(AssertionError, match="paris"):
                ask()
            pico.raise_event("clock", "ask_later")
            with pytest.raises(AssertionError, match="paris"):
                pico.advance(hours=1)
        """,
        tests=3,
    )


def test_a_ruleset_is_text_or_a_file_that_is_looked_for_around_the_test(
    pytester: pytest.Pytester, project: Path
) -> None:
    (project / "deep" / "er").mkdir(parents=True)
    (project / "deep" / "near.krl").write_text("ruleset near { }")
    (project / "deep" / "er" / "test_it.py").write_text(
        "import pytest\n"
        "from pathlib import Path\n"
        "from picosched import KrlError, PicoschedError\n"
        "def test_it(pico):\n"
        "    names = ['near.krl', Path('tea_timer.krl'), 'rulesets/clock.krl', 'ruleset text { }']\n"
        "    rids = [pico.install(each).rid for each in names]\n"
        "    assert rids == ['near', 'tea_timer', 'clock', 'text']\n"
        "    with pytest.raises(PicoschedError, match='nosuch.krl'):\n"
        "        pico.install('nosuch.krl')\n"
        "    with pytest.raises(KrlError, match='unknown name'):\n"
        "        pico.install('ruleset x { global { a = b } }')\n"
    )
    pytester.runpytest("deep").assert_outcomes(passed=1)


def test_what_a_pico_said_is_told_after_it_is_deleted(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        def test_it(pico):
            kid = pico.engine.new_pico("kid")
            kid.install("rulesets/tea_timer.krl")
            kid.raise_event("tea", "started")
            kid.delete()
            assert pico.said() == [("say", {"text": "steeping"})]
            assert pico.advance(hours=1) == []
        """,
    )


def test_the_errors_of_rules_are_in_the_records(pytester: pytest.Pytester) -> None:
    passes(
        pytester,
        """
        def test_it(pico):
            pico.install("clock.krl")
            pico.raise_event("clock", "break_later")
            broken, told = pico.advance(hours=1)
            assert (broken.type, broken.rules, len(broken.errors)) == ("broken", [], 1)
            assert (told.domain, told.type) == ("system", "error")
        """,
    )


@pytest.mark.slow
def test_the_engine_is_imported_when_a_test_wants_a_pico(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_before():
            assert [name for name in sys.modules if name.startswith("picosched")] == [
                "picosched", "picosched.rehearsal", "picosched.rehearsal.pytest_plugin"
            ]

        def test_with(pico):
            assert "picosched.engine.engine" in sys.modules
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)


# ---- transcripts ----------------------------------------------------------------------------------

AS_WRITTEN = """\
install tea_timer
> raise tea:started minutes=5
< say {"text": "steeping"}
> advance 5m
< say {"text": "your tea is ready"}
"""


@pytest.mark.slow
def test_transcripts_are_tests_where_the_ini_says_so(pytester: pytest.Pytester, project: Path) -> None:
    for name in (
        "spoken/tea.txt",
        "spoken/deeper/more.txt",
        "one.transcript",
        "other.txt",
        "spoken/notes.md",
    ):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(AS_WRITTEN)
    pytester.runpytest().assert_outcomes()
    pytester.makeini("[pytest]\npicosched_transcripts =\n    spoken\n    one.transcript\n")
    result = pytester.runpytest("-v")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines_random(
        ["one.transcript::one PASSED*", "spoken/tea.txt::tea PASSED*", "spoken/deeper/more.txt::more PASSED*"]
    )


def test_a_transcript_that_differs_fails_with_its_lines(pytester: pytest.Pytester, project: Path) -> None:
    (project / "tea.txt").write_text(AS_WRITTEN.replace("your tea is ready", "no tea"))
    (project / "none.txt").write_text("< say\n")
    pytester.makeini("[pytest]\npicosched_transcripts = tea.txt none.txt\n")
    result = pytester.runpytest()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*tea.txt:5:",
            '  expected  < say {"text": "no tea"}',
            '  found     < say {"text": "your tea is ready"}',
        ]
    )
    result.stdout.fnmatch_lines(["*none.txt:1: found `< say` before anything that could bring it forth"])
    assert "Traceback" not in result.stdout.str()


# ---- the page -------------------------------------------------------------------------------------


def test_the_example_of_the_page_passes(pytester: pytest.Pytester) -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    section = page.partition("\n## Test your rulesets\n")[2].partition("\n## ")[0]
    (example,) = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    passes(pytester, example, tests=example.count("def test_"))
