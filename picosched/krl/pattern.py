"""Regular expressions: JavaScript's syntax and meaning on Python's `regex` engine.

KRL's patterns are JavaScript's. Most of the notation is shared, so a pattern is read once, token by token,
and rewritten where Python differs: `$` and `.`, ASCII `\\d \\w \\b`, JavaScript's white space, `[^]`,
references to groups that took no part (they match the empty string), escapes that mean nothing, and what
Python would take for an extension of its own.

`regex` rather than `re`, because its searches take a timeout, so no pattern runs away. It unrolls counted
repeats, so the reader also adds up how large a pattern will become. A turn has a time limit for all its
searches. Short ones are timed by a cheap clock, long ones by the CPU time of their thread.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, TypedDict, TypeVar

from picosched.clock import computed, ticks
from picosched.errors import KrlError
from picosched.krl.size import BOUNDS, charge, claim_bytes

SEARCH_SECONDS = 0.25
"""The time limit of one search."""
LONGEST_SUBJECT = 1_000_000
"""Characters of a searched text, because the engine's memory grows with it."""
QUICK_STEPS = 1_000_000
"""Steps of the engine that need no limit of time. One repetition after another: length ** (n + 1)."""
LARGEST_PATTERN = 5_000
"""Elements of a pattern, each as often as it is repeated by count. The engine keeps 150 bytes for each."""
PATTERN, CHARACTER = 500, 60
"""Steps that it takes to compile a pattern, and for each character of its source; an element takes one."""
DEEPEST_GROUP, MOST_CAPTURES = 100, 100
MOST_CAPTURED = 1_000_000
"""Groups of all matches in one text together."""
MATCH_BYTES = 256

if TYPE_CHECKING:
    import regex
T = TypeVar("T")


class Limit(TypedDict):
    """Options of a search: the time limit, and whether other threads may run meanwhile."""

    timeout: float
    concurrent: bool


LINE_ENDS = "\n\r\u2028\u2029"
DIGIT, WORD = "0-9", "A-Za-z0-9_"
SPACE = "\\t-\\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
CLASSES = {
    "d": DIGIT,
    "D": "\\x00-/:-\U0010ffff",
    "w": WORD,
    "W": "\\x00-/:-@\\[-\\^`{-\U0010ffff",
    "s": SPACE,
    "S": "\\x00-\\x08\\x0e-\\x1f!-\u009f\u00a1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e"
    "\u2060-\u2fff\u3001-\ufefe\uff00-\U0010ffff",
}
"""The inside of a set for each class escape; complements are spelled out, for sets cannot nest."""
CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
EDGE = f"(?:(?<=[{WORD}])(?![{WORD}])|(?<![{WORD}])(?=[{WORD}]))"
NO_EDGE = f"(?:(?<=[{WORD}])(?=[{WORD}])|(?<![{WORD}])(?![{WORD}]))"
GROUPS = ("(?:", "(?=", "(?!", "(?<=", "(?<!")
COUNT = re.compile(r"\{(\d+)(,(\d*))?\}")
NAME = re.compile(r"\(\?<([A-Za-z_][A-Za-z0-9_]*)>")
CAPTURE = re.compile(r"\((?:\?<(?![=!])|(?!\?))")
ESCAPED = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|c([A-Za-z])|([0-7]{1,3}))")
PROPERTY = re.compile(r"\\[pP]\{[A-Za-z_=]+\}")
REFERENCE = re.compile(r"\\(?:([1-9]\d*)|k<([A-Za-z_][A-Za-z0-9_]*)>)")


class Regex:
    """A KRL regular expression: its source as JavaScript shows it, its flags in order, and the engine's."""

    __slots__ = ("compiled", "every", "flags", "quick", "source")

    def __init__(self, source: str, flags: str = "") -> None:
        self.source = source or "(?:)"
        self.flags = "".join(sorted(set(flags)))
        self.every = "g" in flags
        """Whether it means all matches rather than the first."""
        if unknown := self.flags.strip("gim"):
            raise KrlError(f'unknown flag "{unknown}" on a RegExp; there are g, i and m')
        charge(PATTERN + CHARACTER * min(len(self.source), LARGEST_PATTERN))
        reader = Reader(self.source, "m" in flags)
        import regex  # late: many rulesets have no pattern

        options = regex.V0 | (regex.I if "i" in flags else 0)
        try:
            written = reader.read()
            charge(reader.weight)
            self.compiled = regex.compile(written, options, cache_pattern=False)
        except (regex.error, RecursionError, OverflowError) as cause:
            raise invalid(self.source, str(cause)) from cause
        self.quick = 0 if reader.nested else int(QUICK_STEPS ** (1 / (reader.repeats + 1)))
        """Longer texts are searched with a time limit, which costs more than most searches."""

    def search(self, text: str) -> regex.Match[str] | None:
        """The first match in the text."""
        budget = BOUNDS.budget
        if len(text) <= self.quick:
            began = ticks()
            found = self.compiled.search(text, concurrent=False)
            budget.searched(ticks() - began)
            return found
        return self._timed(text, lambda limit: self.compiled.search(text, **limit))

    def matches(self, text: str) -> list[regex.Match[str]]:
        """All matches in the text."""
        return self._timed(text, lambda limit: self._gathered(self.compiled.finditer(text, **limit)))

    def _gathered(self, coming: Iterator[regex.Match[str]]) -> list[regex.Match[str]]:
        most = MOST_CAPTURED // (self.compiled.groups + 1)
        found: list[regex.Match[str]] = []
        while some := list(islice(coming, 1_000)):
            claim_bytes(MATCH_BYTES * len(some))
            found += some
            if len(found) > most:
                raise KrlError(f"{shortened(self.source)} has more than {most} matches", code="too_large")
        return found

    def _timed(self, text: str, search: Callable[[Limit], T]) -> T:
        """What a search gives that ends after some time; what it took is counted.

        The engine's time is that of all threads while it lets others run. So where it gives up before this
        thread has computed for so long, it searches again and lets none.
        """
        if len(text) > LONGEST_SUBJECT:
            raise too_long(text)
        budget = BOUNDS.budget
        began = computed()
        left = seconds = max(0.0, min(SEARCH_SECONDS, budget.seconds_to_search()))
        try:
            for alone in (False, True):
                try:
                    return search({"timeout": left, "concurrent": not alone})
                except TimeoutError:
                    left = seconds - (computed() - began)
                    if left < seconds / 10:
                        break
            raise self.endless()
        finally:
            budget.searched(computed() - began)

    def endless(self) -> KrlError:
        return KrlError(
            f"{shortened(self.source)} took more than {SEARCH_SECONDS} s on one text", code="too_large"
        )

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Regex):
            return self.source == other.source and self.flags == other.flags
        return NotImplemented

    def __hash__(self) -> int:
        return hash((self.source, self.flags))

    def __str__(self) -> str:
        # As in the Node engine, which has no flag m.
        return f"re#{self.source}#{self.flags.replace('m', '')}"

    def __repr__(self) -> str:
        return f"Regex({self.source!r}, {self.flags!r})"


@lru_cache(maxsize=128)
def regex_of(source: str, flags: str = "") -> Regex:
    """Compile a pattern given at run time."""
    return Regex(source, flags)


def shortened(source: str) -> str:
    return f"re#{source[:60]}{'…' if len(source) > 60 else ''}#"


def invalid(source: str, reason: str) -> KrlError:
    return KrlError(f"{shortened(source)} is not a RegExp: {reason}")


def too_long(text: str) -> KrlError:
    return KrlError(
        f"a RegExp searches at most {LONGEST_SUBJECT} characters; found {len(text)}", code="too_large"
    )


def literal(character: str) -> str:
    return f"\\{character}" if character in "\\^$.|?*+()[]{}-&~#" else character


class Frame:
    """A group while it is parsed: its size, and the size of its last element."""

    __slots__ = ("last", "number", "total")

    def __init__(self, number: int = 0) -> None:
        self.total = 0
        self.last = 0
        self.number = number


class Reader:
    """Reads one JavaScript pattern and writes it for Python."""

    def __init__(self, source: str, multiline: bool) -> None:
        self.source = source
        self.at = 0
        self.written: list[str] = []
        self.frames = [Frame()]
        self.repeatable = False
        self.repeats = 0
        self.nested = False
        """Whether a group is repeated, which can make searches exponential."""
        if len(source) > LARGEST_PATTERN:
            raise self.too_large()
        bare = re.sub(r"\\.|\[(?:[^\]\\]|\\.)*\]", "_", source, flags=re.S)
        self.captures = len(CAPTURE.findall(bare))
        self.captured = 0
        self.weight = 0
        self.names: dict[str, int] = {}
        self.anchors = ("\\A", "\\Z")
        if multiline:
            self.anchors = (f"(?<![^{LINE_ENDS}])", f"(?![^{LINE_ENDS}])")

    def read(self) -> str:
        if self.captures > MOST_CAPTURES:
            raise self.too_large()
        while self.at < len(self.source):
            self.element()
        if len(self.frames) > 1:
            raise invalid(self.source, "a ( is not closed")
        self.weight = self.frames[0].total + self.frames[0].last
        return "".join(self.written)

    def element(self) -> None:
        character = self.source[self.at]
        if character == "\\":
            self.escape()
        elif character == "[":
            self.atom(self.set())
        elif character == "(":
            self.open()
        elif character == ")":
            self.close()
        elif character in "*+?" or (character == "{" and COUNT.match(self.source, self.at)):
            self.repeat()
        elif character == "|":
            self.mark("|", 1)
        elif character in "^$":
            self.mark(self.anchors[character == "$"], 1)
        else:
            self.atom(f"[^{LINE_ENDS}]" if character == "." else literal(character), 1)

    def mark(self, text: str, length: int) -> None:
        """Write an element that matches no character and cannot be repeated."""
        self.written.append(text)
        self.at += length
        self.repeatable = False

    def atom(self, text: str, length: int = 0, weight: int = 1) -> None:
        frame = self.frames[-1]
        frame.total += frame.last
        frame.last = weight
        self.mark(text, length)
        self.repeatable = True

    def repeat(self) -> None:
        if not self.repeatable:
            raise invalid(self.source, f"nothing to repeat before {self.source[self.at]}")
        text = self.source[self.at]
        if count := COUNT.match(self.source, self.at):
            text = count[0]
            self.frames[-1].last *= max(1, int((count[3] or count[1])[:9]))
            if sum(frame.total + frame.last for frame in self.frames) > LARGEST_PATTERN:
                raise self.too_large()
        if self.written[-1] == ")":
            self.nested = True
        self.repeats += 1
        lazy = "?" if self.source.startswith("?", self.at + len(text)) else ""
        self.mark(text + lazy, len(text + lazy))

    def open(self) -> None:
        if len(self.frames) > DEEPEST_GROUP:
            raise self.too_large()
        start = next((start for start in GROUPS if self.source.startswith(start, self.at)), None)
        name = NAME.match(self.source, self.at)
        if start is None and name is None and self.source.startswith("(?", self.at):
            raise invalid(self.source, f"unknown group {self.source[self.at : self.at + 4]}")
        if start:
            self.frames.append(Frame())
            self.mark(start, len(start))
            return
        self.captured += 1
        self.frames.append(Frame(self.captured))
        if name:
            self.names[name[1]] = self.captured
            self.mark(f"(?P<{name[1]}>", len(name[0]))
        else:
            self.mark("(", 1)

    def close(self) -> None:
        if len(self.frames) == 1:
            raise invalid(self.source, "a ) closes nothing")
        frame = self.frames.pop()
        self.atom(")", 1, weight=frame.total + frame.last + 1)

    def escape(self) -> None:
        """Write the meaning of an escape outside a set."""
        following = self.source[self.at + 1 : self.at + 2]
        reference = REFERENCE.match(self.source, self.at)
        if following in CLASSES:
            self.atom(f"[{CLASSES[following]}]", 2)
        elif following == "b":
            self.mark(EDGE, 2)
        elif following == "B":
            self.mark(NO_EDGE, 2)
        elif reference and (number := self.referred(reference)):
            still_open = any(frame.number == number for frame in self.frames)
            # One branch of a conditional: where the group took no part, JavaScript matches nothing.
            self.atom("(?:)" if still_open else f"(?({number})\\g<{number}>)", len(reference[0]))
        elif found := PROPERTY.match(self.source, self.at):
            self.atom(found[0], len(found[0]))
        else:
            character, length = self.character()
            self.atom(literal(character), length)

    def referred(self, reference: re.Match[str]) -> int:
        number = self.names.get(reference[2], 0) if reference[2] else int(reference[1][:9])
        return number if number <= self.captures else 0

    def character(self) -> tuple[str, int]:
        """The character at this position, escaped or not, and its length in the pattern."""
        if self.source[self.at] != "\\":
            return self.source[self.at], 1
        following = self.source[self.at + 1 : self.at + 2]
        if not following:
            raise invalid(self.source, "it ends in \\")
        if following in CONTROLS:
            return CONTROLS[following], 2
        if found := ESCAPED.match(self.source, self.at):
            hexadecimal, unit, control, octal = found.groups()
            if control:
                return chr(ord(control) % 32), 3
            return chr(int(octal, 8) if octal else int(hexadecimal or unit, 16)), len(found[0])
        return following, 2

    def set(self) -> str:
        """Write a `[…]`, and go past it."""
        negated = self.source.startswith("[^", self.at)
        self.at += 2 if negated else 1
        inside: list[str] = []
        while not self.source.startswith("]", self.at):
            if self.at >= len(self.source):
                raise invalid(self.source, "a [ is not closed")
            start, single = self.member()
            if not self.source.startswith("-", self.at) or self.source.startswith("-]", self.at):
                inside.append(literal(start) if single else start)
                continue
            self.at += 1
            if self.at >= len(self.source):
                raise invalid(self.source, "a [ is not closed")
            end, end_single = self.member()
            if single and end_single:
                if end < start:
                    raise invalid(self.source, f"the range {start}-{end} is out of order")
                inside.append(f"{literal(start)}-{literal(end)}")
            else:
                ends = [literal(start) if single else start, literal(end) if end_single else end]
                inside.append("\\-".join(ends))
        self.at += 1
        if not inside:
            return "[\\x00-\U0010ffff]" if negated else "(?!)"
        return f"[{'^' if negated else ''}{''.join(inside)}]"

    def member(self) -> tuple[str, bool]:
        """The next member of a set: a character and True, or the content of a class escape and False."""
        following = self.source[self.at + 1 : self.at + 2] if self.source[self.at] == "\\" else ""
        if following and following in CLASSES:
            self.at += 2
            return CLASSES[following], False
        if found := PROPERTY.match(self.source, self.at):
            self.at += len(found[0])
            return found[0], False
        if following == "b":
            self.at += 2
            return "\b", True
        character, length = self.character()
        self.at += length
        return character, True

    def too_large(self) -> KrlError:
        return KrlError(
            f"{shortened(self.source)} is too large: a RegExp has at most {LARGEST_PATTERN} elements, "
            f"and {MOST_CAPTURES} groups, {DEEPEST_GROUP} deep",
            code="too_large",
        )
