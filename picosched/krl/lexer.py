"""Text to tokens, with PLY.

Every identifier is a WORD here: KRL has hardly a reserved word, so whether `rule` is a keyword depends on
where it stands, and only the parser knows (grammar/tokens.py asks it). A chevron is a lexer state of its own,
since its text obeys no other rule; a beesting `#{…}` inside it goes back to the ordinary state until the
brace that closes it.

A token's `value` is what it means; `lexpos` and `endlexpos` are the offsets where it stands.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from itertools import islice
from typing import Any

from ply import lex

from picosched.errors import KrlError
from picosched.krl.operators import SIGNS
from picosched.krl.source import Source

MAX_NESTING = 200
MOST_TOKENS = 60_000
"""Per text; compiling that many takes about two seconds at worst."""

states = (("chevron", "exclusive"),)

PUNCTUATION = {sign.token: sign.text for sign in SIGNS if not sign.text.isalpha()} | {
    "ASSIGN": ":=",
    "ARROW": "=>",
    "FROM_URL": "<-",
    "PLUS_EQ": "+=",
    "MINUS_EQ": "-=",
    "EQUALS": "=",
    "BAR": "|",
    "DOT": ".",
    "COMMA": ",",
    "SEMICOLON": ";",
    "COLON": ":",
    "LPAREN": "(",
    "RPAREN": ")",
    "LBRACKET": "[",
    "RBRACKET": "]",
    "LBRACE": "{",
    "RBRACE": "}",
}
_TYPES = {text: type for type, text in PUNCTUATION.items()}

tokens = (
    "WORD",
    "INTEGER",
    "NUMBER",
    "STRING",
    "REGEX",
    "RAW",
    "CHEVRON_OPEN",
    "CHEVRON_TEXT",
    "CHEVRON_CLOSE",
    "BEE_OPEN",
    "BEE_CLOSE",
    *PUNCTUATION,
)

OPERAND_ENDS = frozenset(
    ("WORD", "INTEGER", "NUMBER", "STRING", "REGEX", "RAW", "CHEVRON_CLOSE", "RPAREN", "RBRACKET", "RBRACE")
)
_SIGNS = {"?": "`test => this | that`", "!": "`not`", "&": "`&&`"}
"""How KRL writes the meaning of a character that it does not have."""
_STRING_ESCAPE = re.compile(r"\\([\"'\\])")
_CHEVRON_ESCAPE = re.compile(r"\\(>|#\{|\\)")


def t_blank(t: Any) -> None:
    r"[ \t\r\n\f\v\u00a0\ufeff]+"


def t_comment(t: Any) -> Any:
    r"//[^\r\n]*|/\*(?:[^*]|\*(?!/))*\*/"
    t.lexer.comments.append((t.lexpos, t.value))


def t_unclosed_comment(t: Any) -> Any:
    r"/\*"
    _fault(t, "found no end to this comment, wanted */", len(t.value))


def t_classic_regex(t: Any) -> Any:
    r"re/(?:\\.|[^/\\\r\n])*/[gim]*"
    if t.lexer.last in ("DOT", "COLON"):  # a member called `re`, divided
        t.lexer.lexpos = t.lexpos + 2
        return _token(t, "WORD", "re")
    return _regex(t, t.value[3:], "/")


def t_regex(t: Any) -> Any:
    r"(?:re)?\#(?:\\[\s\S]|[^\#\\])*\#[gim]*"
    return _regex(t, t.value[t.value.index("#") + 1 :], "#")


def t_unclosed_regex(t: Any) -> Any:
    r"(?:re)?\#"
    _fault(t, "found no end to this regular expression, wanted a closing #", len(t.value))


def t_WORD(t: Any) -> Any:  # noqa: N802 (PLY names a rule after its token)
    r"[A-Za-z_$][A-Za-z0-9_$]*"
    word = _token(t, "WORD", t.value)
    if t.value == "emit":
        t.lexer.last = "EMIT"  # `emit <| … |>`: no operand that would be less than something
    return word


def t_NUMBER(t: Any) -> Any:  # noqa: N802
    r"\d*\.\d+"
    value = float(t.value)
    return _token(t, "NUMBER", int(value) if value.is_integer() and value <= 2**53 else value)


def t_INTEGER(t: Any) -> Any:  # noqa: N802
    r"\d+"
    # A number that no double holds exactly is the nearest double, as everywhere in the language.
    value = int(t.value) if len(t.value) < 300 else float(t.value)
    return _token(t, "INTEGER", value if value <= 2**53 else float(value))


def t_STRING(t: Any) -> Any:  # noqa: N802
    r"""\"(?:\\[\s\S]|[^"\\])*\"|'(?:\\[\s\S]|[^'\\])*'"""
    escaped = (t.value[0], "\\")
    text = _STRING_ESCAPE.sub(lambda m: m[1] if m[1] in escaped else m[0], t.value[1:-1])
    return _token(t, "STRING", text)


def t_unclosed_string(t: Any) -> Any:
    r"[\"']"
    _fault(t, f"found no end to this string, wanted a closing {t.value}", 1)


def t_raw(t: Any) -> Any:
    r"<\|[\s\S]*?\|>|<\[[\s\S]*?\]>"
    if t.lexer.last in OPERAND_ENDS:  # `a <[1].length()`: less than an array
        t.lexer.lexpos = t.lexpos + 1
        return _token(t, "LT", "<")
    return _token(t, "RAW", t.value[2:-2])


def t_chevron(t: Any) -> Any:
    r"<<"
    t.lexer.push_state("chevron")
    t.lexer.chevrons.append(t.lexpos)
    _limit(t, len(t.lexer.chevrons))
    return _token(t, "CHEVRON_OPEN", "<<")


def t_punctuation(t: Any) -> Any:
    ""
    braces = t.lexer.braces
    if braces:
        if t.value == "{":
            braces[-1] += 1
        elif t.value == "}":
            if braces[-1] == 0:
                braces.pop()
                t.lexer.pop_state()
                return _token(t, "BEE_CLOSE", "}")
            braces[-1] -= 1
    if t.value in "([{":
        t.lexer.nesting += 1
        _limit(t, t.lexer.nesting)
    elif t.value in ")]}":
        t.lexer.nesting -= 1
    return _token(t, _TYPES[t.value], t.value)


t_punctuation.__doc__ = "|".join(map(re.escape, sorted(_TYPES, key=len, reverse=True)))


def t_error(t: Any) -> None:
    wanted = _SIGNS.get(t.value[0])
    ending = f"wanted {wanted}" if wanted else "which KRL has no use for"
    _fault(t, f"found the character {t.value[0]!r}, {ending}", 1)


def t_chevron_text(t: Any) -> Any:
    r"(?:[^\\>#]+|\\[\s\S]|>(?!>)|\#(?!\{))+"
    return _token(t, "CHEVRON_TEXT", _CHEVRON_ESCAPE.sub(r"\1", t.value))


def t_chevron_close(t: Any) -> Any:
    r">>"
    t.lexer.pop_state()
    t.lexer.chevrons.pop()
    return _token(t, "CHEVRON_CLOSE", ">>")


def t_chevron_bee(t: Any) -> Any:
    r"\#\{"
    t.lexer.push_state("INITIAL")
    t.lexer.braces.append(0)
    return _token(t, "BEE_OPEN", "#{")


def t_chevron_error(t: Any) -> None:
    _fault(t, f"found the character {t.value[0]!r} at the end of a chevron, wanted >>", 1)


def _token(t: Any, type: str, value: Any) -> Any:
    t.type = type
    t.value = value
    t.endlexpos = t.lexer.lexpos
    t.lexer.last = type
    return t


def _regex(t: Any, body: str, mark: str) -> Any:
    end = body.rindex(mark)
    return _token(t, "REGEX", (body[:end].replace("\\" + mark, mark), body[end + 1 :]))


def _limit(t: Any, depth: int) -> None:
    if depth > MAX_NESTING:
        _fault(t, f"found brackets nested more than {MAX_NESTING} deep", len(t.value))


def _fault(t: Any, message: str, length: int) -> None:
    raise KrlError(message, t.lexer.source.span(t.lexpos, t.lexpos + length))


@cache
def _built() -> Any:
    return lex.lex(module=sys.modules[__name__], reflags=0)


def new_lexer(source: Source, start: int = 0, end: int | None = None) -> Any:
    """A lexer of its own for one text, or a stretch of it; `comments` collects (offset, text) as it reads."""
    lexer = _built().clone()
    # clone() shares this list, which would let two parses at once change each other's state.
    lexer.lexstatestack = []
    lexer.source = source
    lexer.comments = []
    lexer.chevrons = []
    lexer.braces = []
    lexer.nesting = 0
    lexer.last = None
    lexer.begin("INITIAL")
    lexer.input(source.text if end is None else source.text[:end])
    lexer.lexpos = start
    return lexer


def tokens_of(source: Source, start: int = 0, end: int | None = None) -> list[Any]:
    """All tokens; KrlError for invalid text, including an unclosed chevron."""
    lexer = new_lexer(source, start, end)
    found = list(islice(iter(lexer.token, None), MOST_TOKENS + 1))
    if len(found) > MOST_TOKENS:
        last = found[-1]
        message = f"found more than {MOST_TOKENS:,} tokens, wanted a shorter text"
        raise KrlError(message, source.span(last.lexpos, last.endlexpos), code="too_large", kind="E003")
    if lexer.chevrons:
        start = lexer.chevrons[-1]
        raise KrlError("found no end to this chevron, wanted >>", source.span(start, start + 2))
    return found
