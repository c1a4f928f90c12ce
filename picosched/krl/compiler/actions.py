"""Action blocks to Python: `if … then every { … }`, in a rule and in a defaction.

Whether the block ran is left in the variable `.fired`. The names that `setting` binds are null until their
action has run.
"""

from __future__ import annotations

import ast

from picosched.krl import syntax
from picosched.krl.compiler.calls import CallCompiler
from picosched.krl.compiler.code import Binding, assign, branch, call, constant, load
from picosched.krl.compiler.expressions import SCOPE, unusable
from picosched.krl.compiler.weight import counted_steps
from picosched.krl.library import ACTIONS, MODULES, Member
from picosched.krl.misuse import misuse
from picosched.krl.operands import operands, written

FIRED = ".fired"


class ActionCompiler(CallCompiler):
    """Compiles actions, and with them defactions."""

    def define_action(self, node: syntax.Defaction, name: str, python: str | None = None) -> str:
        python = python or self.code.fresh(f".{name}")
        self.enter(node.parameters)
        parameters = [self.block.names[each.name].python for each in node.parameters]
        options = self._configured(node)
        self.defaults(node.parameters)
        self.declarations(node.declarations)
        self.action_block(node.actions)
        if node.result:
            result = self.expression(node.result)
            self.block.statements.append(self.code.at(node.result, ast.Return(value=result)))
        body = counted_steps(self.block.statements, leaf=False)
        self.leave(node, python, [*parameters, *options], body)
        return python

    def _configured(self, node: syntax.Defaction) -> list[str]:
        """Classic `configure using k = v`: additional parameters, set by callers with `with k = v`."""
        extra = tuple(
            syntax.Parameter(each.name, each.value, start=each.start, end=each.end) for each in node.configure
        )
        for each in extra:
            self.block.names[each.name] = Binding(self.code.fresh(each.name))
        self.defaults(extra)
        return [self.block.names[each.name].python for each in extra]

    def action_block(self, block: syntax.ActionBlock) -> None:
        """Emit the block; `.fired` says whether its condition held."""
        for action in block.actions:
            for name in action.setting:
                binding = Binding(self.code.fresh(name))
                self.block.names[name] = binding
                self.block.statements.append(self.code.at(action, assign(binding.python, constant(None))))
        if block.condition is None:
            self.block.statements.append(self.code.at(block, assign(FIRED, constant(True))))
            self._ordered(block)
            return
        for name in dict.fromkeys(self.watched.values()):
            unknown = assign(name, load(".MISSING"))
            self.block.statements.append(self.code.at(block.condition, unknown))
        self.block.statements.append(self.code.at(block.condition, assign(FIRED, self.test(block.condition))))
        around, self.block.statements = self.block.statements, []
        self._ordered(block)
        then, self.block.statements = self.block.statements, around
        self.block.statements.append(self.code.at(block, branch(load(FIRED), then)))

    def _ordered(self, block: syntax.ActionBlock) -> None:
        if block.order in ("one", "every"):
            for action in block.actions:
                self._action(action)
            return
        kept = self.code.fresh(".choice")
        if block.order == "sample":
            choice = call(".pick_one", load(SCOPE), constant(len(block.actions)))
        else:
            assert block.selector is not None
            choice = call(".text", self.expression(block.selector))
        self.block.statements.append(self.code.at(block, assign(kept, choice)))
        for index, action in enumerate(block.actions):
            label = constant(index if block.order == "sample" else action.label)
            around, self.block.statements = self.block.statements, []
            self._action(action)
            chosen, self.block.statements = self.block.statements, around
            test = ast.Compare(left=load(kept), ops=[ast.Eq()], comparators=[label])
            self.block.statements.append(self.code.at(action, branch(test, chosen)))

    def _action(self, action: syntax.Action) -> None:
        value = self.code.at(action, self._run(action))
        statement: ast.stmt = ast.Expr(value=value)
        if action.setting:
            statement = assign(self.block.names[action.setting[0]].python, value)
        self.block.statements.append(self.code.at(action, statement))

    def _run(self, action: syntax.Action) -> ast.expr:
        """The call of an action; options of a classic `with` go as named arguments."""
        options = tuple(syntax.Argument(each.value, each.name) for each in action.options)
        arguments = (*action.arguments, *options)
        callee = action.callee
        if isinstance(callee, syntax.Name):
            binding = self.block.find(callee.id)
            if binding is None and callee.id in ACTIONS:
                python = f".{callee.id}()"
                self.code.constants[python] = ACTIONS[callee.id].run
                return self._in_scope(ACTIONS[callee.id], load(python), arguments)
            if binding is not None and binding.kind == "action" and binding.parameters is not None:
                return self.general(".call", load(binding.python), arguments)
        elif callee.domain not in self.aliases:
            wrong = misuse(callee, "action", self.aliases)
            if wrong is not None:
                return unusable(wrong.message)
            member = MODULES[callee.domain][callee.name]
            return self._in_scope(member, self.module_member(callee, called=True), arguments)
        return self.general(".act", self.expression(callee), arguments)

    def _in_scope(self, member: Member, run: ast.expr, arguments: tuple[syntax.Argument, ...]) -> ast.expr:
        """A built-in action: it takes the scope first, and every named argument as an option."""
        if len(arguments) <= len(member.parameters) and not any(each.name for each in arguments):
            return call(run, load(SCOPE), *(self.expression(each.value) for each in arguments))
        placed, named = self.passed(arguments, load(SCOPE))
        return call(".call", run, placed, named, constant(1))

    def watch(self, condition: syntax.Expression) -> dict[str, str]:
        """Have the values of a condition's operands kept: their texts, and the variables that keep them."""
        kept: dict[str, str] = {}
        for each in operands(condition):
            text = written(each, self.code.source)
            if text not in kept:
                kept[text] = self.code.fresh(".operand")
            self.watched[id(each)] = kept[text]
        return kept
