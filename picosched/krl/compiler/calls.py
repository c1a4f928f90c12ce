"""Calls and functions to Python.

A call is as direct as what is known of the callee allows: a function that is declared by name is a plain
Python call, an operator a call of its Python function; only what is known by its value alone goes through the
general `call`. A KRL function is a nested `def` that counts its steps, and its depth if it may call others.
If it may not, and is written out where an operator calls it for each element, the operator counts for it.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from picosched.krl import syntax
from picosched.krl.classic import PREDICATES
from picosched.krl.compiler.code import (
    Binding,
    Block,
    assign,
    branch,
    call,
    constant,
    define,
    grouped,
    is_class,
    load,
    mapped,
)
from picosched.krl.compiler.expressions import EFFECTS, SCOPE, ExpressionCompiler, unusable
from picosched.krl.compiler.weight import counted_steps, steps_of
from picosched.krl.library import MODULES, OPERATORS
from picosched.krl.library.member import Member, Operator
from picosched.krl.misuse import misuse
from picosched.krl.names import effective
from picosched.krl.operators import INFIX


class CallCompiler(ExpressionCompiler):
    """Compiles calls, functions and declarations."""

    # ---- calls ------------------------------------------------------------------------------------

    def _call(self, node: syntax.Call) -> ast.expr:
        return self.invocation(node.callee, node.arguments)

    def _method(self, node: syntax.Method) -> ast.expr:
        """`x.f(y)` is `f(x, y)`."""
        if node.name == "pset" and node.domain is None and self.block.find("pset") is None:
            return self._pset(node)
        arguments = (syntax.Argument(node.receiver), *node.arguments)
        if node.domain:
            return self.invocation(syntax.Qualified(node.domain, node.name), arguments)
        return self.invocation(syntax.Name(node.name), arguments)

    def _pset(self, node: syntax.Method) -> ast.expr:
        target: syntax.Expression | None = node.arguments[0].value if len(node.arguments) == 1 else None
        path: syntax.Expression | None = None
        if isinstance(target, syntax.Path):
            path = target.path
            target = target.receiver
        if not isinstance(target, syntax.Persistent):
            raise self.fault("found pset without a variable, wanted one variable: `pset(ent:name)`", node)
        if path is None:
            return call(
                ".kept_set",
                load(EFFECTS),
                self.owner(target),
                constant(target.name),
                self.expression(node.receiver),
            )
        return self.of_variable(".set_element", target, self.expression(path), self.expression(node.receiver))

    def invocation(self, callee: syntax.Expression, arguments: Sequence[syntax.Argument]) -> ast.expr:
        """A call, as direct as static knowledge of the callee allows."""
        if isinstance(callee, syntax.Name):
            binding = self.block.find(callee.id)
            if binding is None and callee.id in PREDICATES:
                return self._called_member(syntax.Qualified("time", PREDICATES[callee.id]), arguments)
            if binding is None and callee.id in OPERATORS:
                direct = self._direct_operator(callee.id, arguments)
                if direct is not None:
                    return direct
            elif binding is not None and binding.kind == "function" and binding.parameters is not None:
                direct = self._direct(load(binding.python), binding.parameters, arguments)
                if direct is not None:
                    return direct
        elif isinstance(callee, syntax.Qualified) and callee.domain not in self.aliases:
            if callee.domain != "keys":
                return self._called_member(callee, arguments)
            # `keys:k1()` is the key, `keys:k1("id")` a part of it.
            key = self.expression(callee)
            return call(".path", key, self.expression(arguments[0].value)) if arguments else key
        return self.general(".call", self.expression(callee), arguments)

    def general(self, how: str, callee: ast.expr, arguments: Sequence[syntax.Argument]) -> ast.expr:
        """A call of a callee known only at run time. A null that is written out counts as no argument."""
        if not any(is_null(each.value) for each in arguments):
            return call(how, callee, *self.passed(arguments))
        given = [
            (each.name, load(".MISSING") if is_null(each.value) else self.expression(each.value))
            for each in arguments
        ]
        placed = grouped(value for name, value in given if name is None)
        return call(
            f"{how}_filled", callee, placed, mapped((constant(name), value) for name, value in given if name)
        )

    def passed(self, arguments: Sequence[syntax.Argument], *first: ast.expr) -> tuple[ast.expr, ast.expr]:
        """The arguments for an unknown callee: positional and named."""
        placed = [self.expression(each.value) for each in arguments if each.name is None]
        named = [(constant(each.name), self.expression(each.value)) for each in arguments if each.name]
        return grouped([*first, *placed]), mapped(named)

    def _direct(
        self, python: ast.expr, parameters: Sequence[syntax.Parameter], arguments: Sequence[syntax.Argument]
    ) -> ast.expr | None:
        """A plain Python call; None if the arguments do not fit as they are."""
        if len(arguments) > len(parameters):
            return None
        given: list[ast.expr] = []
        for place, parameter in enumerate(parameters):
            argument = next((each for each in arguments if each.name == parameter.name), None)
            if argument is None and place < len(arguments) and arguments[place].name is None:
                argument = arguments[place]
            if argument is not None and not is_null(argument.value):
                given.append(self.expression(argument.value))
            else:
                given.append(load(".MISSING") if parameter.default else constant(None))
        return call(python, *given)

    def _direct_operator(self, name: str, arguments: Sequence[syntax.Argument]) -> ast.expr | None:
        operator: Operator = OPERATORS[name]
        if any(each.name for each in arguments):
            return None
        given: list[ast.expr] = []
        paid: dict[str, ast.expr] = {}
        for each in arguments:
            if len(given) == 1 and operator.calls == "each" and isinstance(each.value, syntax.Function):
                python = self.code.fresh(".each")
                steps = self._define(each.value, python, for_each=True)
                paid = {"steps": constant(steps)} if steps else {}
                given.append(self.code.at(each.value, load(python)))
            else:
                given.append(self.expression(each.value))
        takes = None if operator.takes_all else len(operator.parameters)
        scope = [load(SCOPE)] if operator.scoped else []
        return call(self.operator(name), *scope, *(given or [constant(None)])[:takes], **paid)

    def _called_member(self, callee: syntax.Qualified, arguments: Sequence[syntax.Argument]) -> ast.expr:
        wrong = misuse(callee, "function", self.aliases)
        if wrong is not None:
            return unusable(wrong.message)
        member: Member = MODULES[callee.domain][callee.name]
        run = self.module_member(callee, called=True)
        if len(arguments) <= len(member.parameters) and not any(each.name for each in arguments):
            return call(run, load(SCOPE), *(self.expression(each.value) for each in arguments))
        placed, named = self.passed(arguments, load(SCOPE))
        return call(".call", run, placed, named, constant(1))

    # ---- functions --------------------------------------------------------------------------------

    def _function(self, node: syntax.Function) -> ast.expr:
        return load(self.define_function(node, "function"))

    def _defaction(self, node: syntax.Defaction) -> ast.expr:
        return call(".Action", constant("defaction"), load(self.define_action(node, "defaction")))

    def define_function(self, node: syntax.Function, name: str, python: str | None = None) -> str:
        """Emit a `def` into the block; its Python name."""
        python = python or self.code.fresh(f".{name}")
        self._define(node, python)
        return python

    def _define(self, node: syntax.Function, python: str, *, for_each: bool = False) -> int:
        """Emit a `def`; the steps of a call, if the loop that calls it `for_each` element counts them."""
        self.enter(node.parameters)
        parameters = [self.block.names[each.name].python for each in node.parameters]
        self.defaults(node.parameters)
        self.declarations(node.declarations)
        leaf, steps = self._is_leaf(node), 0
        if leaf or self.block.statements:
            self._return(node.result)
            body = self.block.statements
            if leaf and for_each:
                steps = steps_of(body)
            else:
                body = counted_steps(body, leaf=leaf)
        else:
            body = self._split(node)
        self.leave(node, python, parameters, body)
        return steps

    def _return(self, result: syntax.Expression) -> None:
        self.block.statements.append(self.code.at(result, ast.Return(value=self.expression(result))))

    def _split(self, node: syntax.Function) -> list[ast.stmt]:
        """The body of a function that first compares a parameter with a whole number: a copy for whole
        numbers, and one for all else."""
        match node.result:
            case syntax.Conditional(
                test=syntax.Infix(left=syntax.Name(id=name), operator=sign, right=syntax.Literal(value=int()))
            ) if name in self.block.names and not self.kinds and isinstance(INFIX[sign].python, ast.cmpop):
                python = self.block.names[name].python
                self.kinds = {python: True}
                whole = self._counted(node, node.result)
                self.kinds = {python: False}
                other = self._counted(node, node.result)
                self.kinds = {}
                test = self.code.at(node.result, is_class(load(python), load(".int")))
                return [self.code.at(node.result, branch(test, whole, other))]
        return self._counted(node, node.result)

    def _counted(
        self, node: syntax.Function, result: syntax.Expression, before: Sequence[ast.expr] = ()
    ) -> list[ast.stmt]:
        """The body that returns a result, with code that counts it.

        A way out that calls nothing and takes less than a step, such as the end of a recursion, does not
        count: whoever calls the function has paid a step for the call. `before` has the tests on the way.
        """
        around, self.block.statements = self.block.statements, []
        ways = self._short_way(node, result, before)
        if ways is None:
            self._return(result)
            ways = counted_steps(self.block.statements, leaf=False)
            for each in ways:
                self.code.at(node, each)
        self.block.statements = around
        return ways

    def _short_way(
        self, node: syntax.Function, result: syntax.Expression, before: Sequence[ast.expr]
    ) -> list[ast.stmt] | None:
        if not isinstance(result, syntax.Conditional) or not self._calls_nothing(result.test):
            return None
        short, long = result.then, result.otherwise
        if not self._calls_nothing(short):
            short, long = long, short
        if not self._calls_nothing(short):
            return None
        tests = [*before, self.test(result.test)]
        self._return(short)
        way, self.block.statements = self.block.statements, []
        if steps_of([*tests, *way]) > 1:
            return None
        other = self._counted(node, long, tests)
        then, otherwise = (way, other) if short is result.then else (other, way)
        return [self.code.at(result, branch(tests[-1], then, otherwise))]

    def _is_leaf(self, node: syntax.Function) -> bool:
        defaults = [each.default for each in node.parameters if each.default]
        return all(
            map(self._calls_nothing, (*defaults, *(each.value for each in node.declarations), node.result))
        )

    def _calls_nothing(self, node: syntax.Expression) -> bool:
        """Whether an expression can never call a function of a ruleset, and so adds no depth."""
        match node:
            case syntax.Literal() | syntax.Name() | syntax.Persistent() | syntax.Regex():
                return True
            case syntax.Infix():
                parts: Sequence[syntax.Expression] = (node.left, node.right)
            case syntax.Prefix():
                parts = (node.operand,)
            case syntax.Group():
                parts = (node.inner,)
            case syntax.Conditional():
                parts = (node.test, node.then, node.otherwise)
            case syntax.Array():
                parts = node.items
            case syntax.Map():
                parts = [part for entry in node.entries for part in entry]
            case syntax.Chevron():
                parts = [part for part in node.parts if not isinstance(part, str)]
            case syntax.Member():
                parts = (node.receiver,)
            case syntax.Index():
                parts = (node.receiver, node.index)
            case syntax.Path():
                parts = (node.receiver, node.path)
            case syntax.Method(domain=None) if self._is_quiet(node.name):
                parts = (node.receiver, *(each.value for each in node.arguments))
            case syntax.Call(callee=syntax.Name(id=name)) if self._is_quiet(name):
                parts = [each.value for each in node.arguments]
            case _:
                return False
        return all(map(self._calls_nothing, parts))

    def _is_quiet(self, name: str) -> bool:
        """Whether a name is an operator that calls no function it is given."""
        operator = OPERATORS.get(name) if self.block.find(name) is None and name not in PREDICATES else None
        return operator is not None and operator.calls == "nothing"

    def define_action(self, node: syntax.Defaction, name: str, python: str | None = None) -> str:
        raise NotImplementedError  # compiler/rules.py knows what an action block is

    def enter(self, parameters: Sequence[syntax.Parameter]) -> None:
        """Begin a function's scope."""
        self.block = Block(self.block)
        for parameter in parameters:
            self.block.names[parameter.name] = Binding(self.code.fresh(parameter.name))

    def defaults(self, parameters: Sequence[syntax.Parameter]) -> None:
        for parameter in parameters:
            if parameter.default:
                python = self.block.names[parameter.name].python
                missing = ast.Compare(left=load(python), ops=[ast.Is()], comparators=[load(".MISSING")])
                value = assign(python, self.expression(parameter.default))
                self.block.statements.append(self.code.at(parameter, branch(missing, [value])))

    def leave(
        self, node: syntax.Function | syntax.Defaction, python: str, names: list[str], body: list[ast.stmt]
    ) -> None:
        """End a function's scope: its `def` goes into the scope around it."""
        block = self.block
        defaults = [load(".MISSING") if each.default else constant(None) for each in node.parameters]
        defaults += [load(".MISSING")] * (len(names) - len(defaults))  # classic `configure using`
        assert block.around is not None
        self.block = block.around
        self.block.statements.append(self.code.at(node, define(python, names, defaults, body)))

    def declarations(self, declarations: Sequence[syntax.Declaration]) -> None:
        """Emit the declarations of one scope: functions see each other, values only what is above."""
        declarations = effective(declarations)
        for declaration in declarations:
            value = declaration.value
            if isinstance(value, syntax.Function | syntax.Defaction):
                kind = "function" if isinstance(value, syntax.Function) else "action"
                python = self.code.fresh(declaration.name)
                self.block.names[declaration.name] = Binding(python, kind, value.parameters)
        names = self.block.names
        for declaration in declarations:
            if not isinstance(declaration.value, syntax.Function | syntax.Defaction):
                value = self.expression(declaration.value)  # type: ignore[assignment]
                binding = Binding(self.code.fresh(declaration.name))
                self.block.statements.append(self.code.at(declaration, assign(binding.python, value)))  # type: ignore[arg-type]
                names[declaration.name] = binding
        functions = [
            each for each in declarations if isinstance(each.value, syntax.Function | syntax.Defaction)
        ]
        if functions:
            self._hoist(functions)

    def _hoist(self, functions: Sequence[syntax.Declaration]) -> None:
        """Put the `def`s before the values, which may call them; all names of the scope are known by now."""
        values, self.block.statements = self.block.statements, []
        for declaration in functions:
            python = self.block.names[declaration.name].python
            if isinstance(declaration.value, syntax.Function):
                self.define_function(declaration.value, declaration.name, python)
            elif isinstance(declaration.value, syntax.Defaction):
                self.define_action(declaration.value, declaration.name, python)
        self.block.statements += values


def is_null(node: syntax.Expression) -> bool:
    return isinstance(node, syntax.Literal) and node.value is None
