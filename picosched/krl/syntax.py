"""The tree: one frozen dataclass for each construct of the language.

Two trees are equal if they have the same meaning; positions (`start` and `end`, offsets, the end exclusive)
are ignored. Expressions come first, then events, then rules: the order of the grammar, of the
compiler and of the chapters in docs/language.md.

It is one idea, and longer than most files: one dataclass for each construct of the language.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """A construct and its position."""

    start: int = field(default=0, kw_only=True, compare=False, repr=False)
    end: int = field(default=0, kw_only=True, compare=False, repr=False)


class Expression(Node):
    """A construct with a value."""

    __slots__ = ()


# ---- expressions ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    """null, true, false, a number or a string."""

    value: Any


@dataclass(frozen=True, slots=True)
class Regex(Expression):
    """`re#pattern#flags`."""

    pattern: str
    flags: str = ""


@dataclass(frozen=True, slots=True)
class Chevron(Expression):
    """`<<text #{expression} text>>`: str and Expression parts in turn."""

    parts: tuple[str | Expression, ...]


@dataclass(frozen=True, slots=True)
class Array(Expression):
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Map(Expression):
    entries: tuple[tuple[Expression, Expression], ...]


@dataclass(frozen=True, slots=True)
class Name(Expression):
    """A plain identifier."""

    id: str


@dataclass(frozen=True, slots=True)
class Qualified(Expression):
    """`domain:name`: a member of a module."""

    domain: str
    name: str


@dataclass(frozen=True, slots=True)
class Persistent(Expression):
    """`ent:name` or `app:name`."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Group(Expression):
    """Parentheses that matter, because without them the text would parse differently."""

    inner: Expression


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    name: str
    default: Expression | None = None


@dataclass(frozen=True, slots=True)
class Declaration(Node):
    """`name = value`."""

    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Function(Expression):
    """`function(parameters){ declarations result }`."""

    parameters: tuple[Parameter, ...]
    declarations: tuple[Declaration, ...]
    result: Expression


@dataclass(frozen=True, slots=True)
class Defaction(Expression):
    """`defaction(parameters){ declarations actions return result }`."""

    parameters: tuple[Parameter, ...]
    configure: tuple[Declaration, ...]
    declarations: tuple[Declaration, ...]
    actions: ActionBlock
    result: Expression | None = None


@dataclass(frozen=True, slots=True)
class Argument(Node):
    """An argument of a call, by position or by name."""

    value: Expression
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """`callee(arguments)`."""

    callee: Expression
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Member(Expression):
    """`receiver.name` without a call: a property of a map (deprecated in the peers)."""

    receiver: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Method(Expression):
    """`receiver.name(arguments)`, or `receiver.domain:name(arguments)`."""

    receiver: Expression
    name: str
    arguments: tuple[Argument, ...]
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class Index(Expression):
    """`receiver[index]`."""

    receiver: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Path(Expression):
    """`receiver{path}`."""

    receiver: Expression
    path: Expression


@dataclass(frozen=True, slots=True)
class Prefix(Expression):
    """`not x`, `-x`, `+x`."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Infix(Expression):
    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Conditional(Expression):
    """`test => then | otherwise`."""

    test: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Current(Expression):
    """`current ent:trail` (place 0), `history n ent:trail`."""

    place: Expression
    trail: Persistent


@dataclass(frozen=True, slots=True)
class Seen(Expression):
    """`seen pattern in ent:trail [within n period]`, `seen pattern before|after other in ent:trail`."""

    pattern: Expression
    trail: Persistent
    order: str | None = None
    other: Expression | None = None
    within: Within | None = None


@dataclass(frozen=True, slots=True)
class Lately(Expression):
    """Classic `ent:counter > 3 within 5 minutes`. Variables have no times here, so it cannot be evaluated."""

    condition: Expression
    within: Within


@dataclass(frozen=True, slots=True)
class Within(Node):
    """`within amount period`."""

    amount: Expression
    period: str


# ---- events ---------------------------------------------------------------------------------------


class EventExpression(Node):
    """The events a rule selects: one event, or a pattern of several."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class AttributePattern(Node):
    """`name re#pattern#`."""

    name: str
    pattern: Regex


@dataclass(frozen=True, slots=True)
class EventPrimitive(EventExpression):
    """`domain type attribute re#…# setting(names) where condition`."""

    domain: str
    type: str
    attributes: tuple[AttributePattern, ...] = ()
    setting: tuple[str, ...] = ()
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class AnyEvent(EventExpression):
    """`select where condition`: any event for which it holds."""

    where: Expression


@dataclass(frozen=True, slots=True)
class EventOperation(EventExpression):
    """`a and b`, `before(a, b, c)`, `a between(b, c)`, `a not between(b, c)`.

    `operator`: and or before then after between notbetween.
    """

    operator: str
    operands: tuple[EventExpression, ...]


@dataclass(frozen=True, slots=True)
class EventGroup(EventExpression):
    """`any n (…)`, `count n (…)`, `repeat n (…)`, the last two with `max(x)` and its kin."""

    operator: str
    number: int
    operands: tuple[EventExpression, ...]
    aggregator: str | None = None
    setting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventWithin(EventExpression):
    """`event within amount period`."""

    event: EventExpression
    within: Within


# ---- rules ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Action(Node):
    """`label => name(arguments) with k = v setting(names)`."""

    callee: Name | Qualified
    arguments: tuple[Argument, ...]
    options: tuple[Declaration, ...] = ()
    setting: tuple[str, ...] = ()
    label: str | None = None


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Guard(Node):
    """`if condition` or `on final` after a statement."""

    condition: Expression | None = None


class Statement(Node):
    """A statement of a postlude."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Guarded(Statement):
    statement: Statement
    guard: Guard


@dataclass(frozen=True, slots=True)
class Assign(Statement):
    """`ent:x{path} := value`."""

    target: Persistent
    path: Expression | None
    value: Expression


@dataclass(frozen=True, slots=True)
class Set(Statement):
    """Classic `set ent:x{path} value`; without a value a flag."""

    target: Persistent
    path: Expression | None = None
    value: Expression | None = None


@dataclass(frozen=True, slots=True)
class Count(Statement):
    """Classic `ent:x += step from start`."""

    target: Persistent
    operator: str
    step: Expression
    begin: Expression | None = None
    path: Expression | None = None


@dataclass(frozen=True, slots=True)
class Clear(Statement):
    """`clear ent:x{path}`."""

    target: Persistent
    path: Expression | None = None


@dataclass(frozen=True, slots=True)
class Mark(Statement):
    """Classic `mark ent:trail with value`."""

    trail: Persistent
    value: Expression | None = None


@dataclass(frozen=True, slots=True)
class Forget(Statement):
    """Classic `forget pattern in ent:trail`."""

    pattern: Expression
    trail: Persistent


@dataclass(frozen=True, slots=True)
class Local(Statement):
    """`name = value`, for the following statements."""

    declaration: Declaration


@dataclass(frozen=True, slots=True)
class Raise(Statement):
    """`raise DOMAIN event TYPE for RIDS attributes MAP`; without a domain the type is "domain:type"."""

    domain: str | None
    type: Expression
    rids: Expression | None = None
    attributes: Expression | None = None


@dataclass(frozen=True, slots=True)
class ScheduleEvent(Statement):
    """`schedule DOMAIN event TYPE at TIME` or `… repeat TIMESPEC`, in a postlude."""

    domain: str | None
    type: Expression
    at: Expression | None = None
    repeat: Expression | None = None
    attributes: Expression | None = None
    setting: str | None = None


@dataclass(frozen=True, slots=True)
class Log(Statement):
    level: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Error(Statement):
    level: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Last(Statement):
    """`last`: no further pass, no later rule of this ruleset."""


@dataclass(frozen=True, slots=True)
class Postlude(Node):
    """What follows the actions: if the rule fired, if not, and in the end."""

    fired: tuple[Statement, ...] = ()
    notfired: tuple[Statement, ...] = ()
    final: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Foreach(Node):
    """`foreach expression setting(value, key)`."""

    over: Expression
    setting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule(Node):
    name: str
    state: str = "active"
    select: EventExpression | None = None
    foreach: tuple[Foreach, ...] = ()
    prelude: tuple[Declaration, ...] = ()
    actions: ActionBlock | None = None
    postlude: Postlude | None = None


@dataclass(frozen=True, slots=True)
class Property(Node):
    """A meta property that is a key and a value: name, description, author, version, logging …"""

    key: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Shares(Node):
    """`shares a, b` or `provides a, b` (`key` says which)."""

    key: str
    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class ProvidesKeys(Node):
    """`provides keys a, b to rid, rid`."""

    keys: tuple[Name, ...]
    rids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Key(Node):
    """`key name value`."""

    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class UseModule(Node):
    """`use module rid version "v" alias name with a = 1`."""

    rid: str
    version: Expression | None = None
    alias: str | None = None
    config: tuple[Declaration, ...] = ()


@dataclass(frozen=True, slots=True)
class Configure(Node):
    """`configure using a = 1 b = 2`."""

    defaults: tuple[Declaration, ...]


@dataclass(frozen=True, slots=True)
class Window(Node):
    """`window name from TIMESPEC to TIMESPEC in ZONE`: open from one time to another, recurring."""

    name: str
    opens: Expression
    closes: Expression
    zone: Expression | None = None


@dataclass(frozen=True, slots=True)
class ErrorsTo(Node):
    """`errors to rid version "v"`."""

    rid: str
    version: Expression | None = None


@dataclass(frozen=True, slots=True)
class Ignored(Node):
    """A classic construct without meaning outside a browser: kept verbatim, without effect."""

    text: str


@dataclass(frozen=True, slots=True)
class Ruleset(Node):
    rid: str
    meta: tuple[Node, ...] = ()
    globals: tuple[Node, ...] = ()
    rules: tuple[Rule, ...] = ()
    dispatch: Ignored | None = None
