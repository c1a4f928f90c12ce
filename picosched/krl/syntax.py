"""The tree: one frozen dataclass for each construct of the language.

Two trees are equal if they have the same meaning; positions (`start` and `end`, offsets, the end exclusive)
are ignored. Expressions come first, then events, then rules: the order of the grammar, of the
compiler and of the chapters in docs/language.md.

It is one idea, and longer than most files: one dataclass for each construct of the language.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def construct(cls: type[T]) -> type[T]:
    """A dataclass with slots that must not be changed, which mypy checks.

    `dataclass` would compile six methods for each of these classes, which took a sixth of the time in which
    `picosched check` starts. So it compiles `__init__`, and `Node` has the others for all.
    """
    return dataclass(slots=True, eq=False, repr=False)(cls)


@construct
class Node:
    """A construct and its position."""

    __match_args__: ClassVar[tuple[str, ...]]

    start: int = field(default=0, kw_only=True)
    end: int = field(default=0, kw_only=True)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._meaning() == other._meaning()

    def __hash__(self) -> int:
        return hash((type(self), self._meaning()))

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
        return f"{type(self).__name__}({', '.join(shown)})"

    def _meaning(self) -> tuple[Any, ...]:
        """All but the position: the fields that are no keywords, which `dataclass` lists for `match`."""
        return tuple(getattr(self, name) for name in self.__match_args__)


class Expression(Node):
    """A construct with a value."""

    __slots__ = ()


# ---- expressions ----------------------------------------------------------------------------------


@construct
class Literal(Expression):
    """null, true, false, a number or a string."""

    value: Any


@construct
class Regex(Expression):
    """`re#pattern#flags`."""

    pattern: str
    flags: str = ""


@construct
class Chevron(Expression):
    """`<<text #{expression} text>>`: str and Expression parts in turn."""

    parts: tuple[str | Expression, ...]


@construct
class Array(Expression):
    items: tuple[Expression, ...]


@construct
class Map(Expression):
    entries: tuple[tuple[Expression, Expression], ...]


@construct
class Name(Expression):
    """A plain identifier."""

    id: str


@construct
class Qualified(Expression):
    """`domain:name`: a member of a module."""

    domain: str
    name: str


@construct
class Persistent(Expression):
    """`ent:name` or `app:name`."""

    kind: str
    name: str


@construct
class Group(Expression):
    """Parentheses that matter, because without them the text would parse differently."""

    inner: Expression


@construct
class Parameter(Node):
    name: str
    default: Expression | None = None


@construct
class Declaration(Node):
    """`name = value`."""

    name: str
    value: Expression


@construct
class Function(Expression):
    """`function(parameters){ declarations result }`."""

    parameters: tuple[Parameter, ...]
    declarations: tuple[Declaration, ...]
    result: Expression


@construct
class Defaction(Expression):
    """`defaction(parameters){ declarations actions return result }`."""

    parameters: tuple[Parameter, ...]
    configure: tuple[Declaration, ...]
    declarations: tuple[Declaration, ...]
    actions: ActionBlock
    result: Expression | None = None


@construct
class Argument(Node):
    """An argument of a call, by position or by name."""

    value: Expression
    name: str | None = None


@construct
class Call(Expression):
    """`callee(arguments)`."""

    callee: Expression
    arguments: tuple[Argument, ...]


@construct
class Member(Expression):
    """`receiver.name` without a call: a property of a map (deprecated in the peers)."""

    receiver: Expression
    name: str


@construct
class Method(Expression):
    """`receiver.name(arguments)`, or `receiver.domain:name(arguments)`."""

    receiver: Expression
    name: str
    arguments: tuple[Argument, ...]
    domain: str | None = None


@construct
class Index(Expression):
    """`receiver[index]`."""

    receiver: Expression
    index: Expression


@construct
class Path(Expression):
    """`receiver{path}`."""

    receiver: Expression
    path: Expression


@construct
class Prefix(Expression):
    """`not x`, `-x`, `+x`."""

    operator: str
    operand: Expression


@construct
class Infix(Expression):
    operator: str
    left: Expression
    right: Expression


@construct
class Conditional(Expression):
    """`test => then | otherwise`."""

    test: Expression
    then: Expression
    otherwise: Expression


@construct
class Current(Expression):
    """`current ent:trail` (place 0), `history n ent:trail`."""

    place: Expression
    trail: Persistent


@construct
class Seen(Expression):
    """`seen pattern in ent:trail [within n period]`, `seen pattern before|after other in ent:trail`."""

    pattern: Expression
    trail: Persistent
    order: str | None = None
    other: Expression | None = None
    within: Within | None = None


@construct
class Lately(Expression):
    """Classic `ent:counter > 3 within 5 minutes`. Variables have no times here, so it cannot be evaluated."""

    condition: Expression
    within: Within


@construct
class Within(Node):
    """`within amount period`."""

    amount: Expression
    period: str


# ---- events ---------------------------------------------------------------------------------------


class EventExpression(Node):
    """The events a rule selects: one event, or a pattern of several."""

    __slots__ = ()


@construct
class AttributePattern(Node):
    """`name re#pattern#`."""

    name: str
    pattern: Regex


@construct
class EventPrimitive(EventExpression):
    """`domain type attribute re#…# setting(names) where condition`."""

    domain: str
    type: str
    attributes: tuple[AttributePattern, ...] = ()
    setting: tuple[str, ...] = ()
    where: Expression | None = None


@construct
class AnyEvent(EventExpression):
    """`select where condition`: any event for which it holds."""

    where: Expression


@construct
class EventOperation(EventExpression):
    """`a and b`, `before(a, b, c)`, `a between(b, c)`, `a not between(b, c)`.

    `operator`: and or before then after between notbetween.
    """

    operator: str
    operands: tuple[EventExpression, ...]


@construct
class EventGroup(EventExpression):
    """`any n (…)`, `count n (…)`, `repeat n (…)`, the last two with `max(x)` and its kin."""

    operator: str
    number: int
    operands: tuple[EventExpression, ...]
    aggregator: str | None = None
    setting: tuple[str, ...] = ()


@construct
class EventWithin(EventExpression):
    """`event within amount period`."""

    event: EventExpression
    within: Within


# ---- rules ----------------------------------------------------------------------------------------


@construct
class Action(Node):
    """`label => name(arguments) with k = v setting(names)`."""

    callee: Name | Qualified
    arguments: tuple[Argument, ...]
    options: tuple[Declaration, ...] = ()
    setting: tuple[str, ...] = ()
    label: str | None = None


@construct
class ActionBlock(Node):
    """`if condition then every { … }`. `order`: one, every, sample or choose.

    `ignored`: classic constructs among the actions, each with the number of actions before it; -1 is before
    the block, and a number greater than that of the actions is behind it.
    """

    order: str
    actions: tuple[Action, ...]
    condition: Expression | None = None
    selector: Expression | None = None
    ignored: tuple[tuple[int, Ignored], ...] = ()


@construct
class Guard(Node):
    """`if condition` or `on final` after a statement."""

    condition: Expression | None = None


class Statement(Node):
    """A statement of a postlude."""

    __slots__ = ()


@construct
class Guarded(Statement):
    statement: Statement
    guard: Guard


@construct
class Assign(Statement):
    """`ent:x{path} := value`."""

    target: Persistent
    path: Expression | None
    value: Expression


@construct
class Set(Statement):
    """Classic `set ent:x{path} value`; without a value a flag."""

    target: Persistent
    path: Expression | None = None
    value: Expression | None = None


@construct
class Count(Statement):
    """Classic `ent:x += step from start`."""

    target: Persistent
    operator: str
    step: Expression
    begin: Expression | None = None
    path: Expression | None = None


@construct
class Clear(Statement):
    """`clear ent:x{path}`."""

    target: Persistent
    path: Expression | None = None


@construct
class Mark(Statement):
    """Classic `mark ent:trail with value`."""

    trail: Persistent
    value: Expression | None = None


@construct
class Forget(Statement):
    """Classic `forget pattern in ent:trail`."""

    pattern: Expression
    trail: Persistent


@construct
class Local(Statement):
    """`name = value`, for the following statements."""

    declaration: Declaration


@construct
class Raise(Statement):
    """`raise DOMAIN event TYPE for RIDS attributes MAP`; without a domain the type is "domain:type"."""

    domain: str | None
    type: Expression
    rids: Expression | None = None
    attributes: Expression | None = None


@construct
class ScheduleEvent(Statement):
    """`schedule DOMAIN event TYPE at TIME` or `… repeat TIMESPEC`, in a postlude."""

    domain: str | None
    type: Expression
    at: Expression | None = None
    repeat: Expression | None = None
    attributes: Expression | None = None
    setting: str | None = None


@construct
class Log(Statement):
    level: str
    value: Expression


@construct
class Error(Statement):
    level: str
    value: Expression


@construct
class Last(Statement):
    """`last`: no further pass, no later rule of this ruleset."""


@construct
class Postlude(Node):
    """What follows the actions: if the rule fired, if not, and in the end."""

    fired: tuple[Statement, ...] = ()
    notfired: tuple[Statement, ...] = ()
    final: tuple[Statement, ...] = ()


@construct
class Foreach(Node):
    """`foreach expression setting(value, key)`."""

    over: Expression
    setting: tuple[str, ...]


@construct
class Rule(Node):
    name: str
    state: str = "active"
    select: EventExpression | None = None
    foreach: tuple[Foreach, ...] = ()
    prelude: tuple[Declaration, ...] = ()
    actions: ActionBlock | None = None
    postlude: Postlude | None = None


@construct
class Property(Node):
    """A meta property that is a key and a value: name, description, author, version, logging …"""

    key: str
    value: Expression


@construct
class Shares(Node):
    """`shares a, b` or `provides a, b` (`key` says which)."""

    key: str
    names: tuple[Name, ...]


@construct
class ProvidesKeys(Node):
    """`provides keys a, b to rid, rid`."""

    keys: tuple[Name, ...]
    rids: tuple[str, ...]


@construct
class Key(Node):
    """`key name value`."""

    name: str
    value: Expression


@construct
class UseModule(Node):
    """`use module rid version "v" alias name with a = 1`."""

    rid: str
    version: Expression | None = None
    alias: str | None = None
    config: tuple[Declaration, ...] = ()


@construct
class Configure(Node):
    """`configure using a = 1 b = 2`."""

    defaults: tuple[Declaration, ...]


@construct
class Window(Node):
    """`window name from TIMESPEC to TIMESPEC in ZONE`: open from one time to another, recurring."""

    name: str
    opens: Expression
    closes: Expression
    zone: Expression | None = None


@construct
class ErrorsTo(Node):
    """`errors to rid version "v"`."""

    rid: str
    version: Expression | None = None


@construct
class Ignored(Node):
    """A classic construct without meaning outside a browser: kept verbatim, without effect."""

    text: str


@construct
class Ruleset(Node):
    rid: str
    meta: tuple[Node, ...] = ()
    globals: tuple[Node, ...] = ()
    rules: tuple[Rule, ...] = ()
    dispatch: Ignored | None = None
