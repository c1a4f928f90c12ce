"""Constructs in rows, and the comments among them.

All that has a place of its own in the layout is a `Piece`: a rule, a statement, an entry of a map. Pieces
stand in a block, one a line, or in a list with commas, one a line where the whole does not fit on one. A
comment stays where it stood among them:

- alone on its line, it is a row before the piece that followed;
- behind a piece, or behind the bracket that opens the block, it stays behind it;
- before a piece on the same line, it stays before it.

A comment inside a piece that no block or list of its own takes becomes a row above the piece; or, if a
comment before it has already found a place further inside, it goes behind the piece: the order stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from picosched.krl import syntax
from picosched.krl.printer.document import (
    BREAK,
    LINE,
    SOFT,
    Break,
    Choice,
    Doc,
    Group,
    Indent,
    Note,
    breaks,
    broken,
    joined,
)
from picosched.krl.printer.margin import Comment, Margin


@dataclass(frozen=True, slots=True)
class Piece:
    """A construct's position, its layout, and the text that must follow it."""

    start: int
    end: int
    layout: Callable[[], Doc]
    behind: str = ""


@dataclass(slots=True)
class Rows:
    """Pieces and comments, each a row, as they are being collected."""

    comma: str = ""
    opening: list[Doc] = field(default_factory=list)
    rows: list[list[Doc]] = field(default_factory=list)
    apart: list[bool] = field(default_factory=list)
    loud: bool = False
    """Whether a comment needs the end of its line."""
    closed: bool = False
    """Whether the last line can take nothing more."""

    def row(self, doc: Doc, apart: bool, closed: bool = False) -> None:
        self.rows.append([doc])
        self.apart.append(apart)
        self.closed = closed

    def comments(self, line: Sequence[Comment], apart: bool) -> None:
        """Add comments on rows of their own."""
        first, *others = line
        self.row(_shown(first), apart, closed=not first.inline)
        self.loud = True
        for comment in others:
            self.note(comment, ending=True)

    def note(self, comment: Comment, ending: bool) -> None:
        """Add a comment after the last row."""
        if self.closed:
            self.comments([comment], False)
            return
        space = " " if comment.inline else "  "
        if self.comma and not self.rows and comment.inline and not ending:
            space = ""  # `[/* none */]`
        line = self.rows[-1] if self.rows else self.opening
        line.append(Note(space + comment.text))
        self.closed = not comment.inline
        self.loud |= self.closed or ending

    def lines(self) -> Doc:
        """The rows, each on a line."""
        found: list[Doc] = []
        for row, apart in zip(self.rows, self.apart, strict=True):
            found += [Break(apart), tuple(row)] if found else [tuple(row)]
        return tuple(found)

    def texts(self) -> list[Doc]:
        return [tuple(row) for row in self.rows]


@dataclass(slots=True)
class Frame:
    """A piece that is being laid out: how many comments had a place before it, and those to go above it."""

    placed: int
    above: list[Comment] = field(default_factory=list)


class Page:
    """Lays out a tree with the margin of its text. `of` finds the layout of a node by its type."""

    layouts: ClassVar[dict[type, Callable[[Page, Any], Doc]]] = {}

    def __init__(self, margin: Margin) -> None:
        self.margin = margin
        self.shielded: syntax.Node | None = None
        """The expression that needs parentheses for what stands before it."""
        self._frames: list[Frame] = []
        self._placed = 0

    def of(self, node: syntax.Node) -> Doc:
        """The layout of a node."""
        shielded = self.shields(node)
        doc = self.layouts[type(node)](self, node)
        return ("(", doc, ")") if shielded else doc

    def shields(self, node: syntax.Node) -> bool:
        """Whether a node is to have parentheses that precedence does not ask for; asked once."""
        found = self.shielded is node
        if found:
            self.shielded = None
        return found

    def piece(self, node: syntax.Node, behind: str = "") -> Piece:
        return Piece(node.start, node.end, lambda: self.of(node), behind)

    def block(self, pieces: Iterable[Piece], close: int, *, soft: bool = False, spaced: bool = False) -> Doc:
        """`{ … }`, one piece a line; a single piece may stand on the line of the braces if that is `soft`."""
        found = self.rows(pieces, close, spaced=spaced)
        if not found.rows:
            return ("{", *found.opening, BREAK if found.opening else "", "}")
        if soft and len(found.rows) == 1 and not found.loud:
            return Group(("{", *found.opening, Indent((LINE, *found.texts())), LINE, "}"))
        return Group(("{", *found.opening, Indent((BREAK, found.lines())), BREAK, "}"))

    def listed(
        self, brackets: str, pieces: Sequence[Piece], start: int, end: int, *, hug: bool = False
    ) -> Doc:
        """`[a, b]` on one line, or one piece a line. If it may `hug`, the last piece alone may be broken."""
        early = self.margin.before(start)
        if early and self._placed == self._frames[-1].placed:
            self._frames[-1].above += early
            early = []
        found = self.rows(pieces, end, early, comma=",")
        first, last = brackets[0], brackets[1]
        if not found.rows and not found.loud:
            return (first, *found.opening, last)
        inner: Doc = (*found.opening, Indent((SOFT, joined(found.texts(), LINE))), SOFT)
        whole = Group((first, inner, last), broken=found.loud)
        *others, final = found.texts() or [""]
        opened = broken(final)
        if not hug or found.loud or opened is None or breaks(tuple(others)):
            return whole
        embraced = (first, joined([*others, opened], " "), last)
        flat = (first, joined(found.texts(), " "), last)
        return Choice(flat, embraced, Group(whole.inner, broken=True))

    def rows(
        self,
        pieces: Iterable[Piece],
        close: int,
        early: Sequence[Comment] = (),
        *,
        comma: str = "",
        spaced: bool = False,
    ) -> Rows:
        """Pieces, and the comments before, between and after them up to `close`."""
        found = Rows(comma)
        waiting = list(early)
        pieces = list(pieces)
        for piece in pieces:
            waiting += self.margin.before(piece.start)
            self._frames.append(Frame(self._placed))
            doc = piece.layout()
            frame = self._frames.pop()
            inside = self.margin.before(piece.end)
            # Comments not claimed by an inner construct move above it, unless an earlier one was placed
            # inside.
            if self._placed == frame.placed:
                frame.above += inside
                inside = []
            self._placed += len(waiting) + len(frame.above) + len(inside)
            first = len(found.rows)
            line = self._above(found, waiting, follows=True)
            if frame.above and line:
                found.comments(line, line[0].apart)
                line = []
            apart = line[0].apart if line else self.margin.apart(piece.start)
            for comment in frame.above:
                found.comments([comment], apart)
                apart = False
            before = "".join(f"{comment.text} " for comment in line)
            found.row((before, doc, piece.behind, comma if piece is not pieces[-1] else ""), apart)
            if spaced and first and not any(found.apart[first:]):
                found.apart[first] = True
            for comment in inside:
                found.note(comment, ending=True)
            waiting = []
        waiting += self.margin.before(close)
        self._placed += len(waiting)
        self._above(found, waiting, follows=False)
        return found

    def _above(self, found: Rows, comments: list[Comment], *, follows: bool) -> list[Comment]:
        """Place comments that stand between two pieces; those on the line of the second are left to it."""
        count = next((index for index, each in enumerate(comments) if each.alone), len(comments))
        if count and follows and not comments[count - 1].ending and (found.comma or not found.rows):
            count = 0
        for comment in comments[:count]:
            found.note(comment, comments[count - 1].ending)
        lines: list[list[Comment]] = []
        for comment in comments[count:]:
            if lines and not comment.alone and lines[-1][-1].inline:
                lines[-1].append(comment)
            else:
                lines.append([comment])
        rest = lines.pop() if lines and follows and lines[-1][-1].inline and not lines[-1][-1].ending else []
        if any("\n" in comment.text for comment in rest):
            lines.append(rest)
            rest = []
        for line in lines:
            found.comments(line, line[0].apart)
        return rest


def _shown(comment: Comment) -> Doc:
    """A comment on a line of its own; the stars of one of several lines stay in a column."""
    first, *others = comment.text.split("\n")
    if others and all(line.lstrip().startswith("*") for line in others):
        return joined([first, *(" " + line.lstrip() for line in others)], BREAK)
    return comment.text


def lays_out(*types: type) -> Callable[[Callable[[Page, Any], Doc]], Callable[[Page, Any], Doc]]:
    """Register a function that lays out nodes of these types."""

    def keep(layout: Callable[[Page, Any], Doc]) -> Callable[[Page, Any], Doc]:
        for type in types:
            Page.layouts[type] = layout
        return layout

    return keep
