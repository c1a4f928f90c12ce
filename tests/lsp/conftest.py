"""`picosched lsp` as a process, and an editor's client that speaks the protocol with it over stdio."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.lsp.client import LanguageClient

PATIENCE = 30


class Editor(LanguageClient):
    """A client that keeps the diagnostics it is sent."""

    def __init__(self, folder: Path) -> None:
        super().__init__("editor", "1")
        self.folder = folder
        self.found: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()

        @self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def told(params: types.PublishDiagnosticsParams) -> None:
            self.found.put_nowait(params)

    async def begin(self) -> types.InitializeResult:
        script = Path(sys.executable).with_name("picosched")
        await self.start_io(str(script), "lsp", cwd=self.folder)
        folders = [types.WorkspaceFolder(self.folder.as_uri(), "rulesets")]
        result = await self.initialize_async(
            types.InitializeParams(types.ClientCapabilities(), workspace_folders=folders)
        )
        self.initialized(types.InitializedParams())
        return result

    async def open(self, name: str, text: str) -> types.PublishDiagnosticsParams:
        """Open a text; what the server finds in it."""
        item = types.TextDocumentItem(self.uri(name), "krl", 1, text)
        self.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return await self.told()

    async def told(self) -> types.PublishDiagnosticsParams:
        return await asyncio.wait_for(self.found.get(), PATIENCE)

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def at(self, name: str, text: str, part: str, more: int = 0) -> dict[str, Any]:
        """The parameters of a request about a part of a text: just behind its first `more` characters."""
        offset = text.index(part) + more
        line = text.count("\n", 0, offset)
        units = text[text.rfind("\n", 0, offset) + 1 : offset].encode("utf-16-le")
        return {
            "text_document": types.TextDocumentIdentifier(self.uri(name)),
            "position": types.Position(line, len(units) // 2),
        }


Play = Callable[[Callable[[Editor], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Runs what an editor does, and ends the server as an editor does."""

    def play(story: Callable[[Editor], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            editor = Editor(tmp_path)
            await editor.begin()
            await story(editor)
            await editor.shutdown_async(None)
            editor.exit(None)
            assert editor._server is not None
            assert await asyncio.wait_for(editor._server.wait(), PATIENCE) == 0
            await editor.stop()

        asyncio.run(whole())

    return play
