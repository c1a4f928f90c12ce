"""The tokens of a phrase, one after the other, and the lists that phrases are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from picosched.errors import PicoschedError
from picosched.timespec.bits import bits
from picosched.timespec.place import Place

QUOTED = r"""\"[^"]*\"|'[^'"]*'"""
"""A name in quotes."""

_TOKEN = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}(?:t[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?(?![\w-]))"
    r"|(?P<clock>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?:[ \t]*[ap]m\b)?|[0-9]{1,2}[ \t]*[ap]m\b)"
    r"|(?P<ordinal>[0-9]{1,4}(?:st|nd|rd|th)\b)"
    r"|(?P<number>[0-9]{1,9}\b)"
    r"|(?P<word>monday-to-friday\b|[a-z]+)"
    rf"|(?P<quoted>{QUOTED})"
    r"|(?P<mark>,|-|…|\.\.\.)",
    re.ASCII | re.IGNORECASE,
)
_ZONE = re.compile(r"[A-Z][A-Za-z]+(?:/[A-Z][\w+-]*)+", re.ASCII)
_QUOTED = re.compile(f"({QUOTED})")
_DATE_TIME = re.compile(r"(-[0-9]{2})t(?=[0-9])")
_BLANK = re.compile(r"\s*", re.ASCII)
_CLOCK = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?(?::([0-9]{2}))?[ \t]*([ap]m)?")

_ORDINALS = {
    word: n
    for n, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), 1
    )
}
_TO = ("to", "-", "through", "until")
_AND = (",", "and", "or")


@dataclass(frozen=True, slots=True)
class Token:
    """A token, in small letters unless it is quoted: its kind, and how many characters into the phrase it
    begins."""

    text: str
    kind: str
    offset: int


_END = ""


class Tokens:
    """The tokens of a phrase, and the next of them. What can be read is taken, or left where it is."""

    def __init__(self, text: str, place: Place) -> None:
        self.source, self.place = text, place
        self.tokens: list[Token] = []
        self.next = 0
        at = 0
        while (at := _skipped(text, at)) < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                if zone := _ZONE.match(text, self.tokens[-1].offset if self.tokens else at):
                    wanted = f'the zone apart: --tz {zone[0]}, "_timezone" of a schedule, tz of a source'
                    raise place.fault(zone[0], wanted, zone.start())
                raise place.fault(text[at:].partition(" ")[0], "a word, a number or a time of day", at)
            word = match[0] if match.lastgroup == "quoted" else match[0].lower()
            self.tokens.append(Token(word, match.lastgroup or "", at))
            at = match.end()

    def peek(self, ahead: int = 0) -> str:
        """The text of the next token, or of a later one; "" at the end."""
        at = self.next + ahead
        return self.tokens[at].text if at < len(self.tokens) else _END

    def kind(self, ahead: int = 0) -> str:
        at = self.next + ahead
        return self.tokens[at].kind if at < len(self.tokens) else _END

    def took(self, *words: str) -> str:
        """Consume and return the next token if it is one of the words; otherwise ""."""
        if (word := self.peek()) and word in words:
            self.next += 1
            return word
        return ""

    def took_phrase(self, *words: str) -> bool:
        """Consume these words if they all come next."""
        if all(self.peek(ahead) == word for ahead, word in enumerate(words)):
            self.next += len(words)
            return True
        return False

    def word(self, *words: str) -> str:
        """Consume and return the next token, which must be one of the words."""
        if not (found := self.took(*words)):
            raise self.fault(words[0])
        return found

    def fault(self, wanted: str, back: int = 0) -> PicoschedError:
        """The error for the next token, or for one before it."""
        at = self.next - back
        if at < len(self.tokens):
            token = self.tokens[at]
            found = self.source[token.offset : token.offset + len(token.text)]
            return self.place.fault(found, wanted, token.offset)
        return self.place.fault("", wanted, len(self.source))

    # Single things

    def quoted(self) -> str:
        """A name in quotes, without them."""
        if self.kind() != "quoted":
            raise self.fault('a name in quotes, such as "DE-BY"')
        self.next += 1
        return self.peek(-1)[1:-1]

    def number(self, low: int, high: int, what: str) -> int:
        if self.kind() != "number" or not low <= int(self.peek()) <= high:
            raise self.fault(f"{what}, {low} to {high}")
        self.next += 1
        return int(self.peek(-1))

    def ordinal(self, ahead: int = 0) -> int | None:
        """The next token as an ordinal number, without consuming it."""
        word = self.peek(ahead)
        return int(word[:-2]) if self.kind(ahead) == "ordinal" else _ORDINALS.get(word)

    def at_clock(self, ahead: int = 0) -> bool:
        return self.kind(ahead) in ("clock", "number") or self.peek(ahead) in ("noon", "midnight")

    def clock(self) -> tuple[int, int]:
        """A time of day: its minute, 0 to 1439, and its second."""
        if word := self.took("noon", "midnight"):
            return (720, 0) if word == "noon" else (0, 0)
        match = _CLOCK.fullmatch(self.peek())
        if match is None:
            raise self.fault("a time of day such as 9:00, 5pm or noon")
        hour, minute, second, half = int(match[1]), int(match[2] or 0), int(match[3] or 0), match[4]
        if half and 1 <= hour <= 12:
            hour = hour % 12 + 12 * (half == "pm")
        elif half:
            hour = 24
        if hour > 23 or minute > 59 or second > 59:
            raise self.fault("a time of day, 00:00 to 23:59:59")
        self.next += 1
        return 60 * hour + minute, second

    def moment(self) -> datetime:
        """A date, or a date with a time."""
        try:
            found = datetime.fromisoformat(self.peek().upper())
        except ValueError:
            raise self.fault("an existing day and time") from None
        self.next += 1
        return found

    # Lists

    def numbers(self, low: int, high: int, what: str) -> int:
        """A set of numbers, as `1, 3 and 5`, `2 to 5` or `1, 4, 7 … 28`."""
        return self._set(
            lambda: self.number(low, high, what), lambda ahead: self.kind(ahead) == "number", what
        )

    def counted(self, unit: str, low: int, high: int) -> int:
        """A set of numbers after the name of their unit, as `minutes 0 and 30`."""
        self.word(unit, f"{unit}s")
        return self.numbers(low, high, f"a number of a{'n' if unit == 'hour' else ''} {unit}")

    def names(self, names: Mapping[str, int], what: str) -> int:
        """A set of what `names` name, as `january, march and june to august`."""

        def name() -> int:
            if self.peek() not in names:
                raise self.fault(what)
            self.next += 1
            return names[self.peek(-1)]

        return self._set(name, lambda ahead: self.peek(ahead) in names, what)

    def more(self, begins: Callable[[int], bool]) -> bool:
        """Consume a comma or "and" if another list item follows; return whether it does."""
        ahead = 1
        while self.peek(ahead) in _AND:
            ahead += 1
        if self.peek() in _AND and begins(ahead):
            self.next += ahead
            return True
        return False

    def _set(self, item: Callable[[], int], begins: Callable[[int], bool], what: str) -> int:
        found = [item()]
        ranges = 0
        while True:
            if self.peek() in _TO and begins(1):
                self.next += 1
                last = item()
                # Sunday ends a week here.
                if last == 0:
                    ranges |= 1
                    last = 7 if found[-1] else 0
                if last < found[-1]:
                    raise self.fault(f"{what}, the lower end first", back=1)
                ranges |= bits(
                    each % 7 if last == 7 and what == WEEKDAY else each for each in range(found[-1], last + 1)
                )
                found.append(last)
            elif self.peek() in ("…", "...") and begins(1) and len(found) > 1:
                self.next += 1
                step, last = found[-1] - found[-2], item()
                if step < 1 or last < found[-1] or (last - found[-1]) % step:
                    raise self.fault("the end of that row of numbers", back=1)
                ranges |= bits(range(found[-1], last + 1, step))
                found.append(last)
            elif self.more(begins):
                found.append(item())
            else:
                break
        return ranges | bits(each % 7 if what == WEEKDAY else each for each in found)


WEEKDAY = "a weekday"


def in_normal_form(text: str) -> str:
    """A phrase in small letters, but for the T of a time, with single spaces, and what is quoted as it is, in
    double quotes."""
    parts = _QUOTED.split(text)
    return "".join(
        f'"{part[1:-1]}"' if at % 2 else _DATE_TIME.sub(r"\1T", re.sub(r"\s+", " ", part.lower()))
        for at, part in enumerate(parts)
    ).strip()


def _skipped(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at
