"""Text that does not yet know where its lines break, and the breaking of it.

A document is a str (which may hold line breaks of its own, as a chevron does), or a tuple of documents, or
one of the classes here. A `Group` stands on one line if it fits, else every `Line` of it breaks; what stands
in it is asked anew. A `Choice` is the first of several layouts whose first line fits. A `Note` is text that
takes no room: a comment at the end of a line must not change how the line is laid out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

WIDTH = 100
INDENT = 2


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A place where a line may break; `flat` is what stands there if it does not."""

    flat: str = " "


@dataclass(frozen=True, slots=True, eq=False)
class Break:
    """A place where a line does break. Groups around it break with it."""

    blank: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Note:
    """Text without width."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Indent:
    inner: Doc


class Group:
    """On one line if it fits; `broken` says that it may not be."""

    __slots__ = ("broken", "inner")

    def __init__(self, inner: Doc, broken: bool = False) -> None:
        self.inner = inner
        self.broken = broken or breaks(inner)


class Choice:
    """`flat` if it fits on one line, else the first layout whose first line fits, else the last."""

    __slots__ = ("flat", "layouts")

    def __init__(self, flat: Doc | None, *layouts: Doc) -> None:
        self.flat = None if flat is None or breaks(flat) else flat
        self.layouts = layouts


Doc: TypeAlias = "str | tuple[Doc, ...] | Line | Break | Note | Indent | Group | Choice"

LINE, SOFT, BREAK = Line(), Line(""), Break()


def breaks(doc: Doc) -> bool:
    """Whether a document cannot stand on one line."""
    parts = [doc]
    while parts:
        match parts.pop():
            case tuple() as inner:
                parts += inner
            case Indent(inner):
                parts.append(inner)
            case Break() | Group(broken=True) | Choice(flat=None):
                return True
    return False


def broken(doc: Doc) -> Doc | None:
    """The document with its last bracket broken open, if it ends in one: `f(a, {` and so on."""
    match doc:
        case tuple() if doc:
            if doc[-1] == "":
                return broken(doc[:-1])
            last = broken(doc[-1])
            return None if last is None else (*doc[:-1], last)
        case Group():
            return Group(doc.inner, broken=True)
        case Choice():
            return Choice(None, *doc.layouts)
    return None


def flattened(doc: Doc) -> Doc:
    """The document with no place left where a line may break, if it can stand on one line."""
    if breaks(doc):
        return doc
    match doc:
        case tuple():
            return tuple([flattened(part) for part in doc])
        case Indent() | Group():
            return flattened(doc.inner)
        case Choice() if doc.flat is not None:
            return flattened(doc.flat)
        case Line():
            return doc.flat
    return doc


def joined(parts: list[Doc], separator: Doc) -> Doc:
    found: list[Doc] = []
    for part in parts:
        found += [separator, part] if found else [part]
    return tuple(found)


Task: TypeAlias = tuple[int, bool, Doc]
"""What is still to be written: its indent, whether it stands on one line, and the document."""


def rendered(doc: Doc) -> str:
    """The text of a document."""
    out: list[str] = []
    column = 0
    tasks: list[Task] = [(0, False, doc)]
    while tasks:
        indent, flat, doc = tasks.pop()
        match doc:
            case str():
                if doc:
                    if column < 0:
                        out.append(" " * -column)
                        column = -column
                    out.append(doc)
                    column = _column_after(doc, column)
            case Note():
                out.append(doc.text)
            case tuple():
                tasks += [(indent, flat, part) for part in reversed(doc)]
            case Indent():
                tasks.append((indent + INDENT, flat, doc.inner))
            case Line() if flat:
                tasks.append((indent, flat, doc.flat))
            case Line() | Break():
                out.append("\n\n" if isinstance(doc, Break) and doc.blank else "\n")
                column = -indent
            case Group():
                fits = not doc.broken and _fits([(indent, True, doc.inner)], tasks, abs(column))
                tasks.append((indent, fits, doc.inner))
            case Choice():
                tasks.append(_chosen(doc, indent, tasks, abs(column)))
    return "".join(out)


def _chosen(doc: Choice, indent: int, rest: list[Task], column: int) -> Task:
    if doc.flat is not None and _fits([(indent, True, doc.flat)], rest, column):
        return indent, True, doc.flat
    for layout in doc.layouts[:-1]:
        if _fits([(indent, False, layout)], rest, column):
            return indent, False, layout
    return indent, False, doc.layouts[-1]


def _column_after(text: str, column: int) -> int:
    _, found, last = text.rpartition("\n")
    return len(last) if found else column + len(text)


def _fits(tasks: list[Task], rest: list[Task], column: int) -> bool:
    """Whether the remaining tasks fit on the line."""
    room = WIDTH - column
    behind = len(rest)
    while room >= 0:
        if not tasks:
            if behind == 0:
                return True
            behind -= 1
            tasks = [rest[behind]]
        indent, flat, doc = tasks.pop()
        match doc:
            case str():
                first, found, _ = doc.partition("\n")
                room -= len(first)
                if found:
                    return room >= 0
            case tuple():
                tasks += [(indent, flat, part) for part in reversed(doc)]
            case Indent():
                tasks.append((indent, flat, doc.inner))
            case Line() if flat:
                room -= len(doc.flat)
            case Line() | Break():
                return True
            case Group():
                tasks.append((indent, not doc.broken, doc.inner))
            case Choice():
                tasks.append(
                    (indent, False, doc.layouts[0]) if doc.flat is None else (indent, True, doc.flat)
                )
    return False
