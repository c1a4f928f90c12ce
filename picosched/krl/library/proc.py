"""The `proc` module: local programs, run once the turn is durable.

Nothing is run here. Arguments become a `Program`, and the effects keep it with the turn; when it has ended,
`proc:finished` is raised for the ruleset that asked.
"""

from __future__ import annotations

from picosched.errors import KrlError
from picosched.krl.library.member import action
from picosched.krl.scope import Program, Scope, Value
from picosched.krl.size import claim_array, claim_map, scan
from picosched.krl.values import described, shown

OPTIONS = ("env", "cwd", "stdin", "timeout", "name")


def run(scope: Scope, program: Value = None, args: Value = None, options: Value = None) -> Value:
    """Run a program; returns the id of the run."""
    if not isinstance(program, str) or not program.startswith("/"):
        raise wrong(program, "the program", 'its absolute path, such as "/bin/date"')
    words = [] if args is None else args
    if isinstance(words, list):
        claim_array(len(words), len(words))
    if not isinstance(words, list) or not all(isinstance(each, str) for each in words):
        raise wrong(args, "the arguments of a program", "an Array of Strings")
    given = {} if options is None else options
    if not isinstance(given, dict):
        raise wrong(options, "the options of a program", "a Map")
    for name in given:
        if name not in OPTIONS:
            raise KrlError(f"proc:run has no option {name}; it has {', '.join(OPTIONS)}")
    env = given.get("env")
    if isinstance(env, dict):
        claim_map(len(env), len(env))
    if env is not None and not (
        isinstance(env, dict) and all(isinstance(each, str) for each in env.values())
    ):
        raise wrong(env, "the env of a program", "a Map of Strings")
    seconds = given.get("timeout")
    if seconds is not None and (type(seconds) not in (int, float) or not seconds > 0):
        raise wrong(seconds, "the timeout of a program", "a Number of seconds above 0")
    asked = Program(
        program,
        tuple(words),
        tuple((env or {}).items()),
        text(given, "cwd"),
        text(given, "stdin"),
        seconds,
        text(given, "name"),
    )
    for each in (program, *words, *(part for pair in asked.env for part in pair), asked.cwd or ""):
        scan(len(each))
        if "\0" in each:
            raise wrong(each, "a part of a program's call", "a String without the character 0")
    return scope.effects.agenda.run(asked)


def text(options: dict[str, Value], name: str) -> str | None:
    found = options.get(name)
    if found is not None and not isinstance(found, str):
        raise wrong(found, f"the {name} of a program", "a String")
    return found


def wrong(found: Value, what: str, wanted: str) -> KrlError:
    return KrlError(f"found {described(found)}, {shown(found)}, as {what}, wanted {wanted}")


PROC = {"run": action(run)}
