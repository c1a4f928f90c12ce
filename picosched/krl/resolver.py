"""Resolves names, and reports all errors that can be found before a rule runs.

KRL has one scope for `global`, one for each function body and one for each rule. A value may use only names
declared above it, while the body of a declared function may use any name of its scope; so the values of a
scope are walked in order first, then the bodies of its functions. Beyond `global` lie the operators and the
built-in actions, which any declaration may shadow. It is one idea, a single walk over the tree.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from itertools import chain

from picosched.errors import KrlError, Span
from picosched.krl import syntax
from picosched.krl.classic import PAGE_ACTIONS, PREDICATES, datasets, for_classic
from picosched.krl.compiler import FRAMES
from picosched.krl.extent import Extent
from picosched.krl.library import ACTIONS, OPERATORS
from picosched.krl.misuse import NO_TIMES, Use, action_as_function, misuse, near_by
from picosched.krl.names import Names, children, effective, kind_of
from picosched.krl.pattern import regex_of
from picosched.krl.resolved import AT_USE, MISUSES, Resolved, is_warning, lacking
from picosched.krl.source import Source
from picosched.krl.testing import NAME
from picosched.krl.windows import window_faults


def resolve(tree: syntax.Ruleset, source: Source) -> Resolved:
    """Resolve the names of a ruleset."""
    resolver = _Resolver(source, classic=for_classic(tree))
    resolver.ruleset(tree)
    faults = [*resolver.faults, *window_faults(tree, source)]
    faults.sort(key=lambda fault: (fault.span.line, fault.span.column) if fault.span else (0, 0))
    left_out = frozenset(resolver.left_out)
    return Resolved(faults, resolver.classic, resolver.inactive, resolver.unselectable, left_out)


def resolve_body(body: syntax.Function, source: Source) -> list[KrlError]:
    """All errors in the names of a standalone expression."""
    resolver = _Resolver(source)
    resolver.expression(body, Names())
    return [each for each in resolver.faults if not is_warning(each)]


MOST_SUGGESTED = 20
"""Faults that name similar names."""


class _Resolver:
    def __init__(self, source: Source, *, classic: bool = False) -> None:
        sys.setrecursionlimit(max(sys.getrecursionlimit(), FRAMES))
        self.source = source
        self.faults: list[KrlError] = []
        self._suggested = 0
        self.classic = classic
        self.inactive: dict[str, str] = {}
        self.unselectable: set[str] = set()
        """Inactive rules whose `select` cannot be evaluated."""
        self.left_out: dict[str, str] = {}
        """The values of `global` that cannot be evaluated, each with the reason."""
        self.used_modules: set[str] = set()
        self.extent = Extent(source)
        self.bare_attributes = False
        """In `where` an unknown name is an attribute of the event."""

    def fault(self, kind: str, message: str, node: syntax.Node) -> None:
        if self.classic and kind in AT_USE:
            kind = "W114"
        self.faults.append(KrlError(message, self._span(node), kind=kind))

    def _near(self, name: str, *known: Iterable[str]) -> str:
        """Similar names, as the end of a message; only of the first faults, as it takes long to find them."""
        self._suggested += 1
        return "" if self._suggested > MOST_SUGGESTED else near_by(name, chain(*known))

    def _span(self, node: syntax.Node) -> Span:
        return self.source.span(node.start, node.end)

    # ---- rulesets ---------------------------------------------------------------------------------

    def ruleset(self, tree: syntax.Ruleset) -> None:
        known = {**dict.fromkeys(PREDICATES if self.classic else (), "function"), NAME: "value"}
        names = Names(Names(kinds=known))
        self._meta(tree.meta, names)
        for name, word in datasets(tree).items():
            self.left_out[name] = f"{name} is a {word}"
        self._globals([each for each in tree.globals if isinstance(each, syntax.Declaration)], names)
        for property in tree.meta:
            if isinstance(property, syntax.Shares):
                self._shared(property, names)
        self.extent.rules(tree.rules)
        seen: dict[str, syntax.Rule] = {}
        for rule in tree.rules:
            if rule.name in seen:
                line = self.source.place(seen[rule.name].start)[0]
                code = "W113" if self.classic else "E114"
                said = f"found a second rule named {rule.name}, the first is on line {line}"
                self.fault(code, said, rule)
                self.inactive.pop(rule.name, None)
                self.unselectable.discard(rule.name)
            seen[rule.name] = rule
            if rule.state != "inactive":
                self._rule_or_not(rule, names)

    def _meta(self, meta: Iterable[syntax.Node], names: Names) -> None:
        seen: set[str] = set()
        for property in meta:
            match property:
                case syntax.Property():
                    if property.key in seen:
                        code = "W113" if self.classic else "E116"
                        said = f"found a second {property.key} in meta, wanted at most one"
                        self.fault(code, said, property)
                    seen.add(property.key)
                    self.expression(property.value, Names())
                case syntax.UseModule():
                    alias = property.alias or property.rid
                    if alias in self.used_modules:
                        self.fault("W112", f"found a second module named {alias}; this one is used", property)
                    for setting in property.config:
                        self.expression(setting.value, names)
                    self.used_modules.add(alias)
                case syntax.Configure():
                    self._declarations(property.defaults, names)
                case syntax.Key():
                    self.expression(property.value, Names())

    def _shared(self, property: syntax.Shares, names: Names) -> None:
        verb = "share" if property.key == "shares" else "provide"
        for name in property.names:
            kind = names.kinds.get(name.id)
            if kind is None and name.id != NAME:
                near = self._near(name.id, names.kinds)
                self.fault("E119", f"cannot {verb} {name.id}: it is not declared in global{near}", name)
            elif kind == "action" and verb == "share":
                self.fault("E120", f"cannot share {name.id}: an action cannot answer a query", name)

    def _globals(self, declarations: Sequence[syntax.Declaration], names: Names) -> None:
        """The declarations of `global`; a classic ruleset is left without values that cannot be evaluated."""
        if self.classic:
            trial = _Resolver(self.source, classic=True)
            trial.used_modules, trial.left_out = self.used_modules, self.left_out
            trial._declarations(declarations, Names(names.around, dict(names.kinds)))
            faults = [each for each in trial.faults if each.kind in MISUSES]
            self.left_out |= lacking(declarations, faults, self.source)
        self._declarations([each for each in declarations if each.name not in self.left_out], names)
        for each in declarations:
            if each.name in self.left_out:
                self.expression(each.value, names)

    def _rule_or_not(self, rule: syntax.Rule, names: Names) -> None:
        """A rule; one that cannot run is inactive, and what it lacks is a single warning."""
        known = len(self.faults)
        self._rule(rule, names)
        found = self.faults[known:]
        lacks = [each for each in found if each.kind in MISUSES] if self.classic else []
        lacks = [each for each in found if each.kind == "W305"] or lacks
        if lacks:
            first = lacks[0]
            self.inactive[rule.name] = first.message
            said = KrlError(f"the rule {rule.name} is inactive: {first.message}", first.span, kind="W305")
            rest = [each for each in found if each.kind not in (*MISUSES, "W305")]
            self.faults[known:] = [said, *rest]

    def _rule(self, rule: syntax.Rule, ruleset: Names) -> None:
        if rule.select is None:
            self.fault("E109", f"found the rule {rule.name} without a select, wanted `select when …`", rule)
            return
        names = Names(ruleset)
        known = len(self.faults)
        self._event(rule.select, names)
        if any(each.kind in MISUSES for each in self.faults[known:]):
            self.unselectable.add(rule.name)
        for each in rule.foreach:
            self.expression(each.over, names)
            names.kinds.update(dict.fromkeys(each.setting, "value"))
        self._declarations(rule.prelude, names)
        if rule.actions:
            self._actions(rule.actions, names)
        if rule.postlude:
            for block in (rule.postlude.fired, rule.postlude.notfired, rule.postlude.final):
                self._statements(block, names)

    def _event(self, event: syntax.EventExpression, names: Names) -> None:
        self.extent.descend(event)
        match event:
            case syntax.EventPrimitive():
                names.kinds.update(dict.fromkeys(event.setting, "value"))
                for attribute in event.attributes:
                    self._regex(attribute.pattern)
                if event.where:
                    self._where(event.where, names)
            case syntax.AnyEvent():
                self._where(event.where, names)
            case syntax.EventOperation() | syntax.EventGroup():
                for operand in event.operands:
                    self._event(operand, names)
                if isinstance(event, syntax.EventGroup):
                    names.kinds.update(dict.fromkeys(event.setting, "value"))
            case syntax.EventWithin():
                self._event(event.event, names)
                self.expression(event.within.amount, names)
        self.extent.ascend()

    def _where(self, condition: syntax.Expression, names: Names) -> None:
        self.bare_attributes = True
        self.expression(condition, names)
        self.bare_attributes = False

    def _actions(self, block: syntax.ActionBlock, names: Names) -> None:
        self._optional(names, block.condition, block.selector)
        for _, ignored in block.ignored:
            if ignored.text.startswith("emit"):
                self.fault("W305", "emit changes a web page", ignored)
        for action in block.actions:
            self._action(action, names)
            if block.order == "choose" and action.label is None:
                self.fault(
                    "E110", "found an action without a label in choose, wanted `label => action(…)`", action
                )
        for action in block.actions:
            names.kinds.update(dict.fromkeys(action.setting, "value"))

    def _action(self, action: syntax.Action, names: Names) -> None:
        callee = action.callee
        self._arguments(action.arguments, names)
        for option in action.options:
            self.expression(option.value, names)
        names.kinds.update(dict.fromkeys(action.setting, "value"))
        if isinstance(callee, syntax.Qualified):
            self._member(callee, "action")
            return
        kind = names.find(callee.id)
        if kind is None and callee.id in PAGE_ACTIONS:
            self.fault("W305", f"the action {callee.id} changes a web page", callee)
            return
        if kind == "function" or (kind is None and callee.id in OPERATORS and callee.id not in ACTIONS):
            self.fault("E108", f"found the function {callee.id} as an action, wanted an action", action)
        elif kind is None and callee.id not in ACTIONS:
            known = [*names.all(), *ACTIONS]
            self.fault("E105", f"unknown action {callee.id}{self._near(callee.id, known)}", callee)

    # ---- statements -------------------------------------------------------------------------------

    def _statements(self, statements: Iterable[syntax.Statement], names: Names) -> None:
        for statement in statements:
            self._statement(statement, names)

    def _statement(self, statement: syntax.Statement, names: Names) -> None:
        match statement:
            case syntax.Guarded():
                self._optional(names, statement.guard.condition)
                self._statement(statement.statement, names)
            case syntax.Local():
                self.expression(statement.declaration.value, names)
                names.kinds[statement.declaration.name] = kind_of(statement.declaration.value)
            case syntax.Raise():
                self._event_type(statement.type, names)
                if statement.rids:
                    self._event_type(statement.rids, names)
                self._optional(names, statement.attributes)
            case syntax.ScheduleEvent():
                self._event_type(statement.type, names)
                self._optional(names, statement.at, statement.repeat, statement.attributes)
                if statement.setting:
                    names.kinds[statement.setting] = "value"
            case syntax.Assign() | syntax.Set():
                self._optional(names, statement.path, statement.value)
            case syntax.Count():
                self._optional(names, statement.path, statement.step, statement.begin)
            case syntax.Clear():
                self._optional(names, statement.path)
            case syntax.Mark():
                self._optional(names, statement.value)
            case syntax.Forget():
                self.expression(statement.pattern, names)
            case syntax.Log() | syntax.Error():
                self.expression(statement.value, names)

    def _event_type(self, type: syntax.Expression, names: Names) -> None:
        """An undefined bare word is a literal."""
        if not isinstance(type, syntax.Name) or names.find(type.id) is not None:
            self.expression(type, names)

    # ---- expressions ------------------------------------------------------------------------------

    def _declarations(self, declarations: Sequence[syntax.Declaration], names: Names) -> None:
        functions: list[syntax.Expression] = []
        seen: set[str] = set()
        for declaration in declarations:
            if declaration.name in seen:
                said = f"found a second declaration of {declaration.name}, wanted one"
                self.fault("W113" if self.classic else "E111", said, declaration)
            seen.add(declaration.name)
        for declaration in effective(declarations):
            if kind_of(declaration.value) == "value":
                names.later[declaration.name] = declaration
            else:
                names.kinds[declaration.name] = kind_of(declaration.value)
        for declaration in effective(declarations):
            if kind_of(declaration.value) == "value":
                self.expression(declaration.value, names)
                names.later.pop(declaration.name, None)
                names.kinds[declaration.name] = "value"
            else:
                functions.append(declaration.value)
        for function in functions:
            self.expression(function, names)

    def _optional(self, names: Names, *parts: syntax.Expression | None) -> None:
        for part in parts:
            if part is not None:
                self.expression(part, names)

    def expression(self, node: syntax.Expression, names: Names) -> None:
        self.extent.descend(node)
        match node:
            case syntax.Name():
                self._name(node, names)
            case syntax.Qualified():
                self._member(node, "value")
            case syntax.Regex():
                self._regex(node)
            case syntax.Function() | syntax.Defaction():
                self._function(node, names)
            case syntax.Call():
                self._call(node, names)
            case syntax.Method():
                self.expression(node.receiver, names)
                self._arguments(node.arguments, names)
                self._method(node, names)
            case syntax.Chevron():
                for part in node.parts:
                    if not isinstance(part, str):
                        self.expression(part, names)
            case syntax.Array():
                for item in node.items:
                    self.expression(item, names)
            case syntax.Map():
                for key, value in node.entries:
                    self.expression(key, names)
                    self.expression(value, names)
            case _:
                if isinstance(node, syntax.Lately):
                    self.fault("W114", NO_TIMES, node)
                for child in children(node):
                    self.expression(child, names)
        self.extent.ascend()

    def _regex(self, node: syntax.Regex) -> None:
        """In a classic ruleset an invalid regular expression is an error where it is used."""
        if self.classic:
            try:
                regex_of(node.pattern, node.flags)
            except KrlError as error:
                self.fault("W114", error.message, node)

    def _name(self, node: syntax.Name, names: Names) -> None:
        if names.find(node.id) or self.bare_attributes or node.id in OPERATORS or node.id in ACTIONS:
            return
        if node.id in self.left_out:
            self.fault("E101", f"{node.id} has no value here: {self.left_out[node.id]}", node)
        elif names.is_later(node.id):
            self.fault("E102", f"{node.id} is used before it is declared", node)
        else:
            self.fault("E101", f"unknown name {node.id}{self._near(node.id, names.all(), OPERATORS)}", node)

    def _function(self, node: syntax.Function | syntax.Defaction, names: Names) -> None:
        self.extent.function(node)
        inner = Names(names)
        optional: syntax.Parameter | None = None
        for parameter in node.parameters:
            if parameter.name in inner.kinds:
                self.fault("E112", f"found a second parameter named {parameter.name}", parameter)
            if parameter.default:
                self.expression(parameter.default, inner)
                optional = parameter
            elif optional:
                self.fault(
                    "E117",
                    f"found {parameter.name} without a default after {optional.name}, wanted one",
                    parameter,
                )
            inner.kinds[parameter.name] = "value"
        body = Names(inner)
        if isinstance(node, syntax.Defaction):
            self._declarations(node.configure, body)
        self._declarations(node.declarations, body)
        if isinstance(node, syntax.Defaction):
            self._actions(node.actions, body)
        self._optional(body, node.result)

    def _call(self, node: syntax.Call, names: Names) -> None:
        self._arguments(node.arguments, names)
        match node.callee:
            case syntax.Qualified():
                self._member(node.callee, "function")
            case syntax.Name(id=name):
                kind = names.find(name)
                known = kind or name in OPERATORS
                if kind == "action" or (not known and name in ACTIONS):
                    self.fault("E107", action_as_function(name), node)
                elif not known:
                    self.fault(
                        "E104",
                        f"unknown function {name}{self._near(name, names.all(), OPERATORS)}",
                        node.callee,
                    )
                else:
                    self._name(node.callee, names)
            case callee:
                self.expression(callee, names)

    def _method(self, node: syntax.Method, names: Names) -> None:
        place = syntax.Name(node.name, start=node.end - 1, end=node.end)
        if node.domain:
            self._member(syntax.Qualified(node.domain, node.name, start=node.start, end=node.end), "function")
        elif names.find(node.name) is None and node.name not in (*OPERATORS, "pset"):
            dot = self.source.text.find(f"{node.name}", node.receiver.end)
            place = syntax.Name(node.name, start=dot, end=dot + len(node.name)) if dot >= 0 else place
            self.fault(
                "E103", f"unknown operator {node.name}{self._near(node.name, OPERATORS, names.all())}", place
            )

    def _arguments(self, arguments: Iterable[syntax.Argument], names: Names) -> None:
        named: set[str] = set()
        for argument in arguments:
            if argument.name is None and named:
                self.fault("E118", "found an argument without a name after one with a name", argument)
            elif argument.name in named:
                self.fault("E113", f"found a second argument named {argument.name}", argument)
            if argument.name:
                named.add(argument.name)
            self.expression(argument.value, names)

    def _member(self, node: syntax.Qualified, use: Use) -> None:
        wrong = misuse(node, use, self.used_modules)
        if wrong is not None:
            self.fault(wrong.code, wrong.message, node)
