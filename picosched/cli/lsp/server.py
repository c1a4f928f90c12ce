"""The language server: LSP requests in, answers of the other modules out, over stdin and stdout.

Positions of the protocol count UTF-16 units unless the client agrees to others; here they become offsets, and
back. A change is checked once the typing pauses.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path
from pygls.workspace import TextDocument

from picosched.check import check
from picosched.check.finding import Finding
from picosched.cli.lsp.completing import Kind, completions
from picosched.cli.lsp.document import Document, Range
from picosched.cli.lsp.hovering import hover, word_at
from picosched.cli.lsp.placing import definitions, references
from picosched.cli.lsp.rehearsing import SPAN, firsts, rehearsed
from picosched.cli.lsp.renaming import renamable, renamed
from picosched.cli.lsp.rulesets import Rulesets
from picosched.cli.lsp.timespecs import repeats
from picosched.clock import SystemClock
from picosched.errors import KrlError, PicoschedError, Span, lines_of
from picosched.krl.printer import formatted
from picosched.krl.source import Source
from picosched.settings import Settings
from picosched.timespec.almanac import PLAIN

logger = logging.getLogger(__name__)

REHEARSE = "picosched.rehearse"
"""The command, of a URI and an event, that returns the text of a rehearsal."""

PAUSE = 0.2
"""Seconds without a change before a text is checked."""

KINDS: dict[Kind, types.CompletionItemKind] = {
    "operator": types.CompletionItemKind.Method,
    "function": types.CompletionItemKind.Function,
    "value": types.CompletionItemKind.Property,
    "action": types.CompletionItemKind.Function,
    "event": types.CompletionItemKind.Event,
    "keyword": types.CompletionItemKind.Keyword,
    "name": types.CompletionItemKind.Variable,
    "variable": types.CompletionItemKind.Field,
    "module": types.CompletionItemKind.Module,
}


# Python ends lines at U+2028 and others too, with which pygls would apply changes at the wrong place.
TextDocument.lines = property(lambda document: tuple(lines_of(document.source)))  # type: ignore[method-assign, assignment]


class KrlServer(LanguageServer):
    """A server with the rulesets of its workspace."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__("picosched", version("picosched"))
        self.settings = settings
        """Those of the engine that will run the rulesets, if they are known."""
        self.almanac = PLAIN if settings is None else settings.almanac
        self.rulesets = Rulesets()
        self.findings: dict[str, list[Finding]] = {}
        """By URI: those last published."""

    def document(self, uri: str) -> Document:
        return self.rulesets.open(uri, self.text(uri))

    def text(self, uri: str) -> str:
        """The text of a document, open or in a file; an error of the protocol if there is none."""
        try:
            return self.workspace.get_text_document(uri).source
        except OSError as error:
            raise JsonRpcInvalidParams(f"cannot read {uri}: {error.strerror}") from error

    def offset(self, uri: str, position: types.Position) -> int:
        return self.workspace.get_text_document(uri).offset_at_position(position)

    def placed(self, place: Range) -> types.Location:
        """A range as the protocol has it."""
        document = place.document
        span = document.source.span(place.start, place.end)
        return types.Location(document.uri, self.range(span, lines_of(document.text)))

    def range(self, span: Span, lines: Sequence[str]) -> types.Range:
        """A span in a text of these lines."""
        start = types.Position(span.line - 1, span.column - 1)
        end = types.Position(span.end_line - 1, span.end_column - 1)
        return self.workspace.position_codec.range_to_client_units(lines or [""], types.Range(start, end))

    def report_server_error(self, error: Exception, source: type[Exception]) -> None:
        """To the log alone: where sending is what failed, a message about it would fail too, without end."""
        logger.error("%s", error)

    def publish(self, uri: str) -> None:
        """Check a text and tell the editor its findings."""
        document = self.workspace.get_text_document(uri)
        now = SystemClock().now()
        found = check(document.source, uri, self.almanac, now, settings=self.settings)
        self.findings[uri] = found
        shown = [_diagnostic(each, self.range(each.span, document.lines)) for each in found]
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri, shown, version=document.version)
        )


def _diagnostic(finding: Finding, place: types.Range) -> types.Diagnostic:
    error = finding.severity == "error"
    return types.Diagnostic(
        place,
        finding.message,
        types.DiagnosticSeverity.Error if error else types.DiagnosticSeverity.Warning,
        code=finding.code,
        source="picosched",
    )


def new_server(settings: Settings | None = None) -> KrlServer:
    """A server with its features, not started yet."""
    server = KrlServer(settings)

    @server.feature(types.INITIALIZED)
    def initialized(ls: KrlServer, params: types.InitializedParams) -> None:
        folders = [each.uri for each in ls.workspace.folders.values()] or [ls.workspace.root_uri or ""]
        paths = [path for uri in folders if uri and (path := to_fs_path(uri))]
        ls.rulesets.folders = [*map(Path, paths)]

    @server.feature(types.SHUTDOWN)
    def on_shutdown(ls: KrlServer, params: None) -> None:
        # Pygls would cancel them too, but walks the very map that each one leaves as it is cancelled.
        for number, future in [*ls.protocol._request_futures.items()]:
            if number != ls.protocol.msg_id:
                future.cancel()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(ls: KrlServer, params: types.DidOpenTextDocumentParams) -> None:
        ls.document(params.text_document.uri)
        ls.publish(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def did_change(ls: KrlServer, params: types.DidChangeTextDocumentParams) -> None:
        uri, version = params.text_document.uri, params.text_document.version
        await asyncio.sleep(PAUSE)
        open = uri in ls.workspace.text_documents
        if open and ls.workspace.get_text_document(uri).version == version:
            ls.publish(uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(ls: KrlServer, params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        ls.rulesets.close(uri)
        ls.findings.pop(uri, None)
        ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def on_hover(ls: KrlServer, params: types.HoverParams) -> types.Hover | None:
        uri = params.text_document.uri
        document, offset = ls.document(uri), ls.offset(uri, params.position)
        findings = _findings_at(ls, uri, offset)
        text = hover(document, offset, SystemClock().now(), ls.almanac, ls.rulesets.mentions(), findings)
        word = word_at(document.text, offset)
        place = None if word is None else ls.placed(Range(document, *word)).range
        shown = _markdown(text)
        return None if shown is None else types.Hover(shown, place)

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions([".", ":", '"']))
    def on_completion(ls: KrlServer, params: types.CompletionParams) -> list[types.CompletionItem]:
        uri = params.text_document.uri
        offers = completions(ls.document(uri), ls.offset(uri, params.position), ls.rulesets.mentions())
        return [
            types.CompletionItem(
                each.label,
                kind=KINDS[each.kind],
                detail=each.detail or None,
                documentation=_markdown(each.text),
            )
            for each in offers
        ]

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def on_definition(ls: KrlServer, params: types.DefinitionParams) -> list[types.Location]:
        uri = params.text_document.uri
        found = definitions(ls.document(uri), ls.offset(uri, params.position), ls.rulesets.all())
        return [*map(ls.placed, found)]

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    def on_references(ls: KrlServer, params: types.ReferenceParams) -> list[types.Location]:
        uri = params.text_document.uri
        found = references(ls.document(uri), ls.offset(uri, params.position), ls.rulesets.all())
        return [*map(ls.placed, found)]

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def on_formatting(ls: KrlServer, params: types.DocumentFormattingParams) -> list[types.TextEdit] | None:
        source = ls.text(params.text_document.uri)
        try:
            text = formatted(source, params.text_document.uri)
        except KrlError:
            return None  # a diagnostic says why
        whole = types.Range(types.Position(0, 0), types.Position(len(lines_of(source)) + 1, 0))
        return [] if text == source else [types.TextEdit(whole, text)]

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    def on_code_lens(ls: KrlServer, params: types.CodeLensParams) -> list[types.CodeLens]:
        document, now = ls.document(params.text_document.uri), SystemClock().now()
        times = [
            types.CodeLens(
                ls.placed(Range(document, each.node.start, each.node.start + len("schedule"))).range,
                types.Command(each.next(now), ""),
            )
            for each in repeats(document, ls.almanac)
        ]
        title = f"rehearse {SPAN.days} days"
        return times + [
            types.CodeLens(
                ls.placed(each.place).range,
                types.Command(title, REHEARSE, arguments=[document.uri, each.event]),
            )
            for each in firsts(document)
        ]

    @server.command(REHEARSE)
    async def on_rehearse(ls: KrlServer, uri: str, event: str) -> str:
        # A thread of the server's own would send the answer itself, to an output that may just be closing.
        now = SystemClock().now().replace(microsecond=0)
        return await asyncio.to_thread(rehearsed, ls.text(uri), event, now, ls.settings or Settings())

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    def on_prepare_rename(ls: KrlServer, params: types.PrepareRenameParams) -> types.Range | None:
        uri = params.text_document.uri
        place = renamable(ls.document(uri), ls.offset(uri, params.position))
        return None if place is None else ls.placed(place).range

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    def on_rename(ls: KrlServer, params: types.RenameParams) -> types.WorkspaceEdit:
        uri, offset = params.text_document.uri, ls.offset(params.text_document.uri, params.position)
        try:
            places = renamed(ls.document(uri), offset, ls.rulesets.all(), params.new_name)
        except PicoschedError as error:
            raise JsonRpcInvalidParams(str(error)) from error
        edits: dict[str, list[types.TextEdit]] = {}
        for each in map(ls.placed, places):
            edits.setdefault(each.uri, []).append(types.TextEdit(each.range, params.new_name))
        return types.WorkspaceEdit(edits)

    return server


def _markdown(text: str | None) -> types.MarkupContent | None:
    return types.MarkupContent(types.MarkupKind.Markdown, text) if text else None


def _findings_at(server: KrlServer, uri: str, offset: int) -> list[Finding]:
    """The findings last published that stand at an offset."""
    here = Source(uri, server.text(uri)).place(offset)
    return [
        each
        for each in server.findings.get(uri, [])
        if (each.span.line, each.span.column) <= here <= (each.span.end_line, each.span.end_column)
    ]
