"""What an editor is answered: findings, hovers, completions, definitions, references, formatting, lenses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from picosched.cli.lsp.reference import actions, members, operators
from picosched.cli.lsp.server import REHEARSE
from picosched.krl.library import ACTIONS, MODULES, OPERATORS

pytestmark = [pytest.mark.files, pytest.mark.slow]

MORNING = """ruleset morning {
  meta { shares cups }
  global {
    NINE = "0 9 * * 1-5"
    cups = function() { ent:cups.defaultsTo(0) }
  }
  rule plan {
    select when morning wanted
    pre { said = "☕🫖" + event:attrs{"who"}.uc() }
    send_directive("planned", {"said": said})
    fired {
      schedule tea event "due" repeat NINE attributes {"_name": "tea", "_timezone": "Europe/Berlin"}
      schedule tea event "due" repeat "0 10 * * *"
    }
  }
}
"""
TEA = """ruleset tea {
  rule make {
    select when tea due
    fired { ent:made := ent:made.defaultsTo(0) + 1 }
  }
}
"""


def value(hover: types.Hover | None) -> str:
    assert hover is not None and isinstance(hover.contents, types.MarkupContent)
    return hover.contents.value


def texts(found: Any, files: dict[str, str]) -> list[str]:
    """The text at each location, behind the name of its file."""
    assert found is not None
    told = []
    for each in found:
        name = each.uri.rpartition("/")[2]
        start, end = each.range.start, each.range.end
        assert start.line == end.line
        line = files[name].splitlines()[start.line].encode("utf-16-le")
        told.append(f"{name} {line[start.character * 2 : end.character * 2].decode('utf-16-le')}")
    return told


def test_findings_come_as_one_types(play: Any) -> None:
    async def story(editor: Any) -> None:
        found = await editor.open("morning.krl", MORNING)
        assert [(each.code, each.severity) for each in found.diagnostics] == [
            ("W303", types.DiagnosticSeverity.Warning)
        ] * 2
        broken = MORNING.replace('"0 10 * * *"', '"0 25 * * *"')
        document = types.VersionedTextDocumentIdentifier(2, editor.uri("morning.krl"))
        for text in (MORNING.replace("rule plan", "rule"), broken):  # only the last is checked
            change = types.TextDocumentContentChangeWholeDocument(text)
            editor.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))
            document = types.VersionedTextDocumentIdentifier(3, document.uri)
        error, *_ = [each for each in (await editor.told()).diagnostics if each.code[0] == "E"]
        assert (error.code, error.severity) == ("E304", types.DiagnosticSeverity.Error)
        assert error.range == types.Range(types.Position(12, 38), types.Position(12, 50))
        hover = await editor.text_document_hover_async(
            types.HoverParams(**editor.at("morning.krl", broken, '"0 25', 3))
        )
        assert "E304 invalid timespec" in value(hover)
        editor.text_document_did_close(
            types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(document.uri))
        )
        assert list((await editor.told()).diagnostics) == []

    play(story)


def test_settings_of_the_folder_are_gone_by(play: Any, tmp_path: Path) -> None:
    often = TEA.replace(
        "ent:made := ent:made.defaultsTo(0) + 1", 'schedule tea event "due" repeat "* * * * *"'
    )
    (tmp_path / "picosched.toml").write_text("[engine]\nmin_period = 60\n")

    async def story(editor: Any) -> None:
        assert list((await editor.open("often.krl", often)).diagnostics) == []

    play(story)
    (tmp_path / "picosched.toml").write_text("[engine]\nmin_period = 'often'\n")

    async def without(editor: Any) -> None:
        assert [each.code for each in (await editor.open("often.krl", often)).diagnostics] == ["W403"]

    play(without)


def test_a_finding_behind_wide_characters_stands_where_the_editor_shows_it(play: Any) -> None:
    async def story(editor: Any) -> None:
        text = 'ruleset a {\n  rule b { select when a b send_directive("🫖☕" + nosuch) }\n}\n'
        (error,) = (await editor.open("a.krl", text)).diagnostics
        start = len('  rule b { select when a b send_directive("🫖☕" + '.encode("utf-16-le")) // 2
        assert (error.code, error.range.start, error.range.end) == (
            "E101", types.Position(1, start), types.Position(1, start + len("nosuch"))
        )  # fmt: skip

    play(story)


@pytest.mark.parametrize("end", ["\u2028", "\x85", "\f", "\v", "\x1c"])
def test_a_line_ends_where_the_protocol_says(play: Any, end: str) -> None:
    async def story(editor: Any) -> None:
        text = f"ruleset a {{ // a{end}b\n  rule b {{ select when a b send_directive(nosuch) }}\n}}\n"
        (error,) = (await editor.open("a.krl", text)).diagnostics
        assert (error.code, error.range.start.line) == ("E101", 1)
        place = types.Range(error.range.start, error.range.end)
        change = types.TextDocumentContentChangePartial(range=place, text='"x"')
        document = types.VersionedTextDocumentIdentifier(2, editor.uri("a.krl"))
        editor.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))
        assert not [each for each in (await editor.told()).diagnostics if each.code.startswith("E")]

    play(story)


def test_a_text_that_is_not_there_is_an_error_of_the_request(play: Any) -> None:
    async def story(editor: Any) -> None:
        document = types.TextDocumentIdentifier(editor.uri("nosuch.krl"))
        with pytest.raises(JsonRpcInvalidParams, match="cannot read file:"):
            await editor.text_document_hover_async(types.HoverParams(document, types.Position(0, 0)))
        with pytest.raises(JsonRpcInvalidParams, match="cannot read file:"):
            await editor.text_document_formatting_async(
                types.DocumentFormattingParams(document, types.FormattingOptions(2, insert_spaces=True))
            )

    play(story)


UNDER = [
    (".uc()", 2, "```krl\nuc()\n```\noperator: "),
    ("event:attrs", 7, "```krl\nevent:attrs\n```\nvalue: the map of attributes"),
    ("send_directive", 3, "sends the caller a directive"),
    ('"0 10', 4, "**at 10:00 every day**"),
    ("repeat NINE", 9, "**at 09:00 on Monday to Friday, Europe/Berlin time**"),
    ("NINE = ", 1, 'NINE = "0 9 * * 1-5"'),
    ("said})", 2, 'said = "☕🫖" + event:attrs{"who"}.uc()'),
    ("shares cups", 8, "cups = function() { ent:cups.defaultsTo(0) }"),
    ("schedule tea", 10, "- selected by tea.make"),
    ("morning wanted", 2, "`morning:wanted`\n- selected by morning.plan"),
]


def test_what_is_under_the_pointer_is_explained(play: Any, tmp_path: Path) -> None:
    (tmp_path / "tea.krl").write_text(TEA)

    async def story(editor: Any) -> None:
        await editor.open("morning.krl", MORNING)
        for part, more, told in UNDER:
            params = types.HoverParams(**editor.at("morning.krl", MORNING, part, more))
            assert told in value(await editor.text_document_hover_async(params))
        params = types.HoverParams(**editor.at("morning.krl", MORNING, "rule plan", 2))
        assert await editor.text_document_hover_async(params) is None

    play(story)


def test_a_timespec_is_shown_with_its_next_times(play: Any) -> None:
    async def story(editor: Any) -> None:
        await editor.open("morning.krl", MORNING)
        params = types.HoverParams(**editor.at("morning.krl", MORNING, '"0 9 * * 1-5"', 3))
        times = value(await editor.text_document_hover_async(params)).splitlines()[2:7]
        assert len(times) == 5 and all("09:00:00 Europe/Berlin (" in each for each in times)
        assert all(each[2:5] in ("Mon", "Tue", "Wed", "Thu", "Fri") for each in times)
        document = types.TextDocumentIdentifier(editor.uri("morning.krl"))
        lenses = await editor.text_document_code_lens_async(types.CodeLensParams(document))
        nine, ten, rehearse = (each.command.title for each in lenses)
        assert rehearse == "rehearse 7 days"
        assert nine.startswith("next: ") and nine.endswith(" 09:00 Europe/Berlin") and ten.endswith(" 10:00")
        assert [each.range.start.line for each in lenses] == [11, 12, 7]

    play(story)


OFFERED: list[tuple[str, set[str], set[str]]] = [
    ("ent:cups.", {"defaultsTo", "uc"}, {"rule", "cups"}),
    ("time:", {"now", "add"}, {"uc", "attrs"}),
    ("ent:", {"cups"}, {"now"}),
    ('schedule tea event "', {"due"}, {"wanted"}),
    ('schedule tea event "due" at time:now() attributes {"_', {"_name", "_timezone"}, {"uc"}),
    ("select when ", {"tea due", "morning wanted"}, {"uc"}),
    ("", {"cups", "NINE", "send_directive", "schedule", "event"}, {"uc"}),
    ('send_directive("a.', set(), {"uc"}),
]


def test_what_may_come_next_is_offered(play: Any, tmp_path: Path) -> None:
    (tmp_path / "tea.krl").write_text(TEA)

    async def story(editor: Any) -> None:
        await editor.open("morning.krl", MORNING)
        for number, (typed, wanted, unwanted) in enumerate(OFFERED):
            text = MORNING.replace("    fired {\n", f"    fired {{\n      {typed}\n")
            name = f"{number}.krl"
            await editor.open(name, text)
            begun = "fired {\n      "
            params = types.CompletionParams(**editor.at(name, text, begun + typed, len(begun) + len(typed)))
            labels = {each.label for each in await editor.text_document_completion_async(params)}
            assert (wanted - labels, unwanted & labels) == (set(), set()), typed

    play(story)


def test_definitions_and_references_reach_over_rulesets_and_events(play: Any, tmp_path: Path) -> None:
    (tmp_path / "tea.krl").write_text(TEA)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "other.krl").write_text(TEA)
    (tmp_path / "latin.krl").write_bytes(b"ruleset \xff")
    used = "ruleset shop {\n  meta { use module morning alias m }\n"
    used += '  rule sell { select when a b send_directive("n", {"n": m:cups()}) }\n}\n'
    files = {"morning.krl": MORNING, "tea.krl": TEA, "shop.krl": used}

    async def story(editor: Any) -> None:
        await editor.open("morning.krl", MORNING)
        await editor.open("shop.krl", used)

        async def defined(name: str, part: str, more: int) -> list[str]:
            params = types.DefinitionParams(**editor.at(name, files[name], part, more))
            return texts(await editor.text_document_definition_async(params), files)

        async def referred(name: str, part: str, more: int) -> list[str]:
            context = types.ReferenceContext(include_declaration=True)
            params = types.ReferenceParams(context, **editor.at(name, files[name], part, more))
            return texts(await editor.text_document_references_async(params), files)

        due = 'morning.krl schedule tea event "due"'
        assert await defined("morning.krl", "schedule tea", 10) == ["tea.krl tea due"]
        assert await defined("tea.krl", "tea due", 5) == [due, due]
        assert await referred("tea.krl", "tea due", 5) == [due, due, "tea.krl tea due"]
        assert await defined("morning.krl", "repeat NINE", 9) == ["morning.krl NINE"]
        assert await referred("morning.krl", "NINE = ", 1) == ["morning.krl NINE"] * 2
        assert await referred("morning.krl", "shares cups", 8) == ["morning.krl cups"] * 2
        assert await defined("tea.krl", "ent:made.defaults", 6) == ["tea.krl made"]
        assert await referred("tea.krl", "ent:made.defaults", 6) == ["tea.krl made"] * 2
        assert await defined("shop.krl", "m:cups", 3) == ["morning.krl cups"]
        assert await defined("shop.krl", "module morning", 9) == ["morning.krl "]
        assert await defined("morning.krl", "meta", 1) == []

    play(story)


SHOP = """ruleset shop {
  meta { use module morning }
  rule sell {
    select when shop opened
    pre { n = morning:cups() }
    fired { raise tea event "due" for "tea" attributes {"n": n} }
  }
}
"""
RENAMED = [
    # the place: file, text, characters behind its start; the new name; what stands in files then
    ("morning.krl", "repeat NINE", 9, "EARLY", ["morning EARLY = ", "morning repeat EARLY attributes"]),
    ("morning.krl", "cups = fun", 1, "drunk", [
        "morning shares drunk", "morning drunk = fun", "morning { ent:cups.", "shop morning:drunk()",
    ]),
    ("tea.krl", "made := ", 2, "total", ["tea ent:total := ent:total.defaultsTo"]),
    ("tea.krl", "tea due", 5, "ready", [
        "tea select when tea ready", 'shop tea event "ready"', 'morning tea event "ready" repeat NINE',
        'morning tea event "ready" repeat "0',
    ]),
    ("shop.krl", '"due" for', 2, "ready", ["tea select when tea ready"]),
    ("tea.krl", "rule make", 6, "brew", ["tea rule brew {"]),
    ("morning.krl", "ruleset morning", 10, "dawn", [
        "morning ruleset dawn {", "morning when morning wanted",
        "shop use module dawn }", "shop = dawn:cups()",
    ]),
    ("shop.krl", 'for "tea"', 6, "kettle", [
        "tea ruleset kettle {", "tea when tea due", 'shop raise tea event "due" for "kettle"',
    ]),
]  # fmt: skip
REFUSED = [
    ("morning.krl", "cups = fun", 1, "a b", "wanted a name that can stand there"),
    ("morning.krl", "cups = fun", 1, "", "wanted a name that can stand there"),
    ("morning.krl", "cups = fun", 1, "NINE", "which means something else in this ruleset already"),
    ("morning.krl", "meta {", 1, "x", "found nothing that can be renamed"),
    ("morning.krl", "send_directive", 1, "x", "found nothing that can be renamed"),
]


def with_edits(text: str, edits: Any) -> str:
    """A text of narrow characters after edits."""
    lines = text.splitlines(True)
    for each in sorted(edits, key=lambda edit: (edit.range.start.line, -edit.range.start.character)):
        start, end = each.range.start, each.range.end
        line = lines[start.line].encode("utf-16-le")
        new = line[: start.character * 2] + each.new_text.encode("utf-16-le") + line[end.character * 2 :]
        lines[start.line] = new.decode("utf-16-le")
    return "".join(lines)


def test_a_renaming_reaches_all_places_in_all_rulesets(play: Any, tmp_path: Path) -> None:
    files = {"morning.krl": MORNING, "tea.krl": TEA, "shop.krl": SHOP}
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    async def story(editor: Any) -> None:
        for name, text in files.items():
            await editor.open(name, text)
        for name, part, more, new, told in RENAMED:
            place = editor.at(name, files[name], part, more)
            assert await editor.text_document_prepare_rename_async(types.PrepareRenameParams(**place)), part
            edit = await editor.text_document_rename_async(types.RenameParams(new_name=new, **place))
            after = {uri.rpartition("/")[2]: edits for uri, edits in edit.changes.items()}
            for each in told:
                file, _, says = each.partition(" ")
                assert says in with_edits(files[f"{file}.krl"], after[f"{file}.krl"]), (part, each)
        for name, part, more, new, why in REFUSED:
            place = editor.at(name, files[name], part, more)
            with pytest.raises(JsonRpcInvalidParams, match=why):
                await editor.text_document_rename_async(types.RenameParams(new_name=new, **place))
        place = editor.at("morning.krl", MORNING, "send_directive", 1)
        assert await editor.text_document_prepare_rename_async(types.PrepareRenameParams(**place)) is None

    play(story)


def test_a_rule_is_rehearsed_from_above_its_event(play: Any, tmp_path: Path) -> None:
    (tmp_path / "picosched.toml").write_text("[engine]\ngranularity = 1\nmin_period = 60\n")

    async def story(editor: Any) -> None:
        await editor.open("morning.krl", MORNING)
        lens_of = types.CodeLensParams(types.TextDocumentIdentifier(editor.uri("morning.krl")))
        *_, lens = await editor.text_document_code_lens_async(lens_of)
        params = types.ExecuteCommandParams(lens.command.command, lens.command.arguments)
        head, _, *lines = (await editor.workspace_execute_command_async(params)).splitlines()
        assert head.startswith("morning:wanted, and the week until 2")
        assert "morning:wanted" in lines[0] and "fired       morning.plan" in lines[1]
        # Five working days, and each day at ten; one more or less where the clocks change.
        assert 11 <= sum("tea:due" in each for each in lines) <= 13
        await editor.open("often.krl", TEA.replace("ent:made := ent:made.defaultsTo(0) + 1", "x := nosuch"))
        asked = [editor.uri("often.krl"), "tea:due"]
        told = await editor.workspace_execute_command_async(types.ExecuteCommandParams(REHEARSE, asked))
        assert "^" in told and "found" in told

    play(story)


def test_an_editor_may_leave_in_the_middle_of_a_rehearsal(play: Any, tmp_path: Path) -> None:
    (tmp_path / "picosched.toml").write_text("[engine]\ngranularity = 1\nmin_period = 1\n")
    often = TEA.replace("wanted", "due").replace(
        "ent:made :=", 'schedule tea event "due" repeat "* * * * * *" setting(id);\n      ent:made :='
    )

    async def story(editor: Any) -> None:
        await editor.open("often.krl", often)
        asked = types.ExecuteCommandParams(REHEARSE, [editor.uri("often.krl"), "tea:due"])
        editor.workspace_execute_command(asked)

    play(story)


def test_a_text_is_formatted_and_a_wrong_one_is_left_alone(play: Any) -> None:
    async def story(editor: Any) -> None:
        await editor.open("untidy.krl", TEA.replace("\n    ", "   "))
        await editor.open("no.krl", "ruleset {")
        options = types.FormattingOptions(2, True)

        async def formatted(name: str) -> Any:
            document = types.TextDocumentIdentifier(editor.uri(name))
            params = types.DocumentFormattingParams(document, options)
            return await editor.text_document_formatting_async(params)

        (edit,) = await formatted("untidy.krl")
        assert "\n    select when tea due\n" in edit.new_text
        assert edit.range.start == types.Position(0, 0)
        assert await formatted("no.krl") is None
        again = await editor.open("again.krl", edit.new_text)
        assert list(again.diagnostics) == [] and list(await formatted("again.krl")) == []

    play(story)


TORN = ["", "ruleset", 'ruleset a { global { x = "a', "ruleset a { rule b { x.uc() }", "\n" * 3]


def test_a_text_that_cannot_be_parsed_is_answered_all_the_same(play: Any) -> None:
    async def story(editor: Any) -> None:
        for number, text in enumerate(TORN):
            name = f"{number}.krl"
            await editor.open(name, text)
            place = editor.at(name, text, text[-1:], 0)
            await editor.text_document_hover_async(types.HoverParams(**place))
            await editor.text_document_definition_async(types.DefinitionParams(**place))
            context = types.ReferenceContext(include_declaration=True)
            await editor.text_document_references_async(types.ReferenceParams(context, **place))
            assert await editor.text_document_completion_async(types.CompletionParams(**place)) is not None
            document = types.TextDocumentIdentifier(editor.uri(name))
            assert await editor.text_document_code_lens_async(types.CodeLensParams(document)) == ()

    play(story)


def test_the_reference_has_every_name_of_the_library() -> None:
    assert set(OPERATORS) <= set(operators())
    assert {f"{module}:{name}" for module, names in MODULES.items() for name in names} == set(members())
    assert set(ACTIONS) == set(actions())
    assert operators()["substr"].call == "substr(start, len)"
    assert members()["event:pause"].kind == "action"
