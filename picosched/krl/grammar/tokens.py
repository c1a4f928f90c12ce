"""A filter between lexer and parser that decides whether a WORD is a keyword or a name.

KRL's keywords are contextual: `rule`, `event`, `fired` are ordinary identifiers inside expressions. So a
word is a keyword exactly where the grammar has a place for that keyword: the parser's own tables are asked
whether it could be shifted next (`acceptable` walks the stack as the parser would). A few words fit both
ways; the following token decides (`ONLY_BEFORE`). Thanks to this filter the productions stay simple and the
grammar has no conflicts.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from picosched.errors import KrlError
from picosched.krl.lexer import tokens_of
from picosched.krl.operators import SIGNS
from picosched.krl.source import Source

RESERVED = frozenset(("function", "defaction", "return", "not", "setting", "null", "true", "false"))

_CONTEXTUAL = """
    ruleset meta dispatch global rule dialect classic name
    description author version logging on off shares share provides
    provide keys key to use module alias with css javascript resource configure using errors authz require
    user sharing window dataset datasource cachable for emit callbacks
    is active inactive test select when where and or before then after between any count repeat within
    max min sum avg push foreach pre if every sample choose always fired notfired else finally
    raise event attributes schedule at log error last clear set mark forget in from returns
    current history seen
"""
KEYWORDS = {word: word.upper() for word in (*RESERVED, *_CONTEXTUAL.split())}
KEYWORDS |= {sign.text: sign.token for sign in SIGNS if sign.text.isalpha()}
"""word → the type of its token."""

PERSISTENT = frozenset(("ent", "app"))
"""The prefixes of variables; a module with the alias `app` replaces the second."""

PERIODS = frozenset(
    f"{unit}{plural}"
    for unit in ("second", "minute", "hour", "day", "week", "month", "year")
    for plural in ("", "s")
)
LEVELS = frozenset(("error", "warn", "info", "debug"))
PAGE_EVENTS = frozenset(("pageview", "click", "submit", "change", "dblclick", "update"))

_NUMBERS = ("INTEGER", "NUMBER")
_OPERAND = ("STRING", "INTEGER", "NUMBER", "REGEX", "CHEVRON_OPEN", "RAW")
_STARTS = (*_OPERAND, "WORD", "LPAREN", "LBRACE", "LBRACKET")

_BLOCKS = frozenset(
    ("fired", "notfired", "always", "else", "finally", "pre", "every", "sample", "global", "meta")
)

# A word of these is the keyword only before one of these tokens; elsewhere it is a name.
ONLY_BEFORE: dict[str, tuple[str, ...]] = {
    "pre": ("LBRACE",),
    "every": ("LBRACE",),
    "sample": ("LBRACE",),
    "always": ("LBRACE",),
    "fired": ("LBRACE",),
    "notfired": ("LBRACE",),
    "else": ("LBRACE",),
    "finally": ("LBRACE",),
    "emit": (*_OPERAND, "WORD", "LT", "LBRACKET"),
    "callbacks": ("LBRACE",),
    "any": (*_NUMBERS, "LPAREN"),
    "count": _NUMBERS,
    "repeat": _STARTS,
    "keys": ("WORD",),
    "current": ("WORD",),
    "history": (*_NUMBERS, "WORD"),
    "seen": ("STRING", "REGEX", "WORD"),
}
# Two words that are one token.
PAIRS = {("on", "final"): "ON_FINAL"}


AFTER_ACTIONS = ("fired", "notfired", "always", "callbacks", ";")
OPENING = ("LPAREN", "LBRACKET", "LBRACE", "BEE_OPEN")
CLOSING = ("RPAREN", "RBRACKET", "RBRACE", "BEE_CLOSE")


class Tokens:
    """The tokens of one text, as PLY wants them: `token()` gives the next, None at the end."""

    lineno = 0  # PLY reads these two for empty productions
    lexpos = 0

    def __init__(self, source: Source, parser: Any, start: int = 0, end: int | None = None) -> None:
        self.source = source
        self._parser = parser
        self._tokens = tokens_of(source, start, end)
        self._next = 0
        self._before = self._previous = ""
        self._after_where = -1
        """The place after the parentheses of `where (…)`."""

    def token(self) -> Any:
        if self._next == len(self._tokens):
            return None
        token = self._tokens[self._next]
        self._next += 1
        if token.type in ("WORD", "INTEGER") and self.acceptable("RID"):
            self._join_rid(token)
        elif token.type == "WORD":
            token.type = self._classified(token)
        elif token.type == "LBRACE" and self.acceptable("BLOCK"):
            self._swallow(token)
        elif token.type == "LBRACE" and self._next - 1 == self._after_where and self._is_block():
            token.type = "ACTIONS"
        self._before, self._previous = self._previous, token.type
        return token

    @property
    def read(self) -> int:
        """How many tokens the parser has read."""
        return self._next

    @property
    def stack(self) -> list[int]:
        """The parser's states."""
        return self._parser.statestack  # type: ignore[no-any-return]

    @property
    def symbols(self) -> list[Any]:
        """The tokens and productions that the parser has on its stack."""
        return self._parser.symstack  # type: ignore[no-any-return]

    def follow(self, stack: list[int]) -> Iterable[str]:
        """The types of token that the tables know in a state, whether they can be shifted or not."""
        return self._parser.action[stack[-1]]  # type: ignore[no-any-return]

    def at(self, index: int) -> Any:
        """The token at an index; None outside the text."""
        return self._tokens[index] if 0 <= index < len(self._tokens) else None

    def opening(self, index: int) -> int:
        """The index of the bracket that the one at an index closes; -1 if there is none."""
        return next((start for start, end in self._closed_at.items() if end == index), -1)

    def apart(self, token: Any, following: Any) -> bool:
        """Whether two tokens stand on different lines."""
        return token is None or "\n" in self.source.text[token.endlexpos : following.lexpos]

    def _peek(self, distance: int = 0) -> Any:
        index = self._next + distance
        return self._tokens[index] if index < len(self._tokens) else None

    def _peek_type(self, distance: int = 0) -> str:
        token = self._peek(distance)
        return "END" if token is None else token.type

    def _classified(self, token: Any) -> str:
        """The type of a WORD in the parser's current state."""
        word: str = token.value
        following = self._peek_type()
        if self._previous == "COLON" and self._before in ("DOMAIN", "PERSISTENT"):
            return "IDENT"  # the name in `domain:name` is any word
        if self._previous == "DOT":
            of_module = following == "COLON" and self._peek_type(1) == "WORD"
            # In `{m.key: value}` the colon is that of the entry.
            return "DOMAIN" if of_module and not self.acceptable("IDENT", "COLON") else "IDENT"
        if following == "EQUALS" and word not in RESERVED:
            return "BINDER"
        if self._previous == "ALIAS":
            self._parser.persistent -= {word} - {"ent"}  # the module is meant from here on
        keyword = word in KEYWORDS and self.acceptable(KEYWORDS[word])
        if following in ("REGEX", "STRING") and self.acceptable("ATTRIBUTE"):
            # Before a regular expression even a keyword is an attribute, but for these.
            taken = keyword if following == "STRING" else word in ("and", "or", "on")
            if not taken:
                return "ATTRIBUTE"
        after = self._peek()
        if following == "WORD" and (pair := PAIRS.get((word, after.value))) and self.acceptable(pair):
            self._next += 1
            token.endlexpos = after.endlexpos
            return pair
        if following == "COLON":
            if word in self._parser.persistent and self.acceptable("PERSISTENT"):
                return "PERSISTENT"
            if self.acceptable("KEYNAME") and word not in RESERVED:
                return "KEYNAME"
            if self.acceptable("DOMAIN") and word not in RESERVED:
                return "DOMAIN"
        if following in _STARTS and self.acceptable("LEVEL") and (word in LEVELS or following in _OPERAND):
            return "LEVEL"
        if self._is_page_event(word, following) and self.acceptable("PAGE_EVENT"):
            return "PAGE_EVENT"
        if word in PERIODS and self.acceptable("PERIOD"):
            return "PERIOD"
        if word == "within" and not keyword and self.acceptable("WITHIN_TIME"):
            return "WITHIN_TIME"
        if keyword and self._fits(word, following):
            if word == "where" and following == "LPAREN":
                self._after_where = self._next + self._closing(0) + 1
            return KEYWORDS[word]
        if word in _BLOCKS and following == "LBRACE" and not self.acceptable("IDENT", "LBRACE"):
            return KEYWORDS[word]  # a block at a wrong place, not a name
        if word not in RESERVED:
            return "IDENT"
        return "WORD" if self.acceptable("WORD") else KEYWORDS[word]

    def _fits(self, word: str, following: str) -> bool:
        """Whether a word that may be a keyword here is one, according to the following token."""
        after = self._peek()
        if word == "event" and following == "WORD" and after.value == "event" and self.acceptable("IDENT"):
            # The domain in `raise event event "type"`, the keyword in `raise event event:attrs{"type"}`.
            return self._peek_type(1) == "COLON"
        if word == "history" and following == "LPAREN":  # the keyword in `history (n + 1) ent:trail`
            after = self._peek(self._closing(0) + 1)
            return after is not None and after.value in self._parser.persistent
        return word not in ONLY_BEFORE or following in ONLY_BEFORE[word]

    def _closing(self, distance: int) -> int:
        """The distance of the bracket that closes the one at a distance."""
        return self._closed_at.get(self._next + distance, len(self._tokens)) - self._next

    @cached_property
    def _closed_at(self) -> dict[int, int]:
        """The places of opening brackets and of those that close them."""
        found: dict[int, int] = {}
        open_at: list[int] = []
        for place, token in enumerate(self._tokens):
            if token.type in OPENING:
                open_at.append(place)
            elif token.type in CLOSING and open_at:
                found[open_at.pop()] = place
        return found

    def _is_page_event(self, word: str, following: str) -> bool:
        """A one-word event: not the domain of `click thing` or `click:thing`."""
        if word not in PAGE_EVENTS:
            # `inbound_call from #801#`: any word, before an attribute in classic form
            pattern = self._peek(1)
            classic = pattern is not None and self.source.text[pattern.lexpos] == "#"
            return following == "WORD" and classic and self._peek().value not in (*PAGE_EVENTS, "on")
        if following != "WORD":
            return following != "COLON"
        return self._peek().value in KEYWORDS or self._peek_type(1) in ("REGEX", "STRING")

    def _is_block(self) -> bool:
        """Whether what follows the brace after `where (…)` is a block of actions, and not a path."""
        kinds = tuple(self._peek_type(distance) for distance in range(4))
        after = self._peek(self._closing(-1) + 1)
        begins = self._peek().value == "emit" or kinds[:2] in (("WORD", "LPAREN"), ("WORD", "ARROW"))
        ends = after is not None and (after.type == "RBRACE" or after.value in AFTER_ACTIONS)
        return ends and (begins or kinds == ("WORD", "COLON", "WORD", "LPAREN"))

    def _join_rid(self, token: Any) -> None:
        """`org.acme.tea-timer`: words joined by dots and dashes, without blanks; or an integer."""
        token.type = "RID"
        while self._peek_type() in ("DOT", "MINUS") and self._peek().lexpos == token.endlexpos:
            mark = self._peek()
            part = self._peek(1)
            if part is None or part.type != "WORD" or part.lexpos != mark.endlexpos:
                end = mark.endlexpos
                raise KrlError(
                    f'found a ruleset id that ends in "{mark.value}", wanted a word after it',
                    self.source.span(end, end + 1),
                )
            token.value = f"{token.value}{mark.value}{part.value}"
            token.endlexpos = part.endlexpos
            self._next += 2
        token.value = str(token.value)

    def _swallow(self, token: Any) -> None:
        """Skip a classic block, which is accepted and ignored."""
        depth = 1
        while depth:
            inner = self._peek()
            if inner is None:
                raise KrlError(
                    "found no end to this block, wanted }", self.source.span(token.lexpos, token.endlexpos)
                )
            depth += {"LBRACE": 1, "RBRACE": -1}.get(inner.type, 0)
            token.endlexpos = inner.endlexpos
            self._next += 1
        token.type = "BLOCK"
        token.value = self.source.text[token.lexpos : token.endlexpos]

    def acceptable(self, *types: str, stack: list[int] | None = None) -> bool:
        """Whether the parser could shift tokens of these types in turn from its current state.

        A stack of states that is given is used instead, and has them afterwards.
        """
        parser = self._parser
        if stack is None:
            stack = list(parser.statestack)
        for type in types:
            while True:
                state = stack[-1]
                action = parser.defaulted_states.get(state) or parser.action[state].get(type)
                if not action:
                    return bool(action == 0)  # the end, where the text may end
                if action > 0:
                    stack.append(action)
                    break
                production = parser.productions[-action]
                if production.len:
                    del stack[-production.len :]
                stack.append(parser.goto[stack[-1]][production.name])
        return True
