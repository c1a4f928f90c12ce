"""The rulesets of a workspace: those that are open as the editor has them, the others as their files are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from picosched.cli.lsp.document import Document, Mention
from picosched.errors import PicoschedError
from picosched.krl.source import read_source

MOST = 1_000
"""Files that are read."""
LEFT_OUT = {"node_modules", "site-packages"}
"""Folders that are not looked into; nor are those that begin with a dot."""


class Rulesets:
    """The rulesets in some folders."""

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        self.folders = [*folders]
        self._open: dict[str, Document] = {}
        self._files: dict[Path, tuple[int, Document]] = {}

    def open(self, uri: str, text: str) -> Document:
        """A document with its new text; the same one if it has not changed."""
        known = self._open.get(uri)
        if known is None or known.text != text:
            self._open[uri] = known = Document(uri, text)
        return known

    def close(self, uri: str) -> None:
        self._open.pop(uri, None)

    def all(self) -> list[Document]:
        """Every ruleset that can be read."""
        files = [each for path in islice(self._paths(), MOST) if (each := self._file(path)) is not None]
        return [*self._open.values(), *(each for each in files if each.uri not in self._open)]

    def mentions(self) -> list[Mention]:
        """The events of all of them."""
        return [each for document in self.all() for each in document.mentions]

    def _file(self, path: Path) -> Document | None:
        try:
            changed = path.stat().st_mtime_ns
            known = self._files.get(path)
            if known is None or known[0] != changed:
                self._files[path] = known = changed, Document(path.absolute().as_uri(), read_source(path))
        except (OSError, PicoschedError):
            return None
        return known[1]

    def _paths(self) -> Iterator[Path]:
        for top in self.folders:
            for folder, inner, names in os.walk(top):
                inner[:] = sorted(each for each in inner if not each.startswith(".") and each not in LEFT_OUT)
                yield from (Path(folder, name) for name in sorted(names) if name.endswith(".krl"))
