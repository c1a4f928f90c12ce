"""The whole command line as a Typer app: reads what is not plain, shows help and wrong usage, completes."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, wraps
from importlib import import_module
from typing import Annotated, Any, Literal, get_args

import typer
from typer._completion_classes import completion_init
from typer.completion import install_callback, show_callback
from typer.core import TyperCommand

from picosched.cli.declared import Argument, Command, Commands, Option, WrongUseError
from picosched.cli.printing import write

WRONG_USE: Any = typer.BadParameter.__base__
"""Typer's error for wrong use of any kind, which it does not name."""

COMPLETED = ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")
"""Where shells put the line to be completed."""

Shell = Literal["bash", "zsh", "fish", "powershell", "pwsh"]

CONTEXT = inspect.Parameter("_context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
"""The parameter for which Typer gives its context."""


def run(
    arguments: Sequence[str] | None, modules: Mapping[str, Sequence[str]], error: BaseException | None = None
) -> None:
    """Run a command line, and exit.

    With an error the command has been run already and has raised it: Typer shows it as its own.
    """
    words = {*(sys.argv[1:] if arguments is None else arguments)}
    for name in COMPLETED:
        words.update(os.environ.get(name, "").split())
    called = frozenset(name for names in modules.values() for name in names if name in words)
    whole(tuple(modules), called)(args=arguments, prog_name="picosched", obj=error)


@cache
def whole(modules: tuple[str, ...], called: frozenset[str] | None = None) -> Callable[..., object]:
    """The assembled command, built once. All commands have a name and a help; if it is known which may be
    `called`, only these have parameters, because Typer takes longer for them than most commands take to run.
    """
    app = typer.Typer(
        name="picosched",
        no_args_is_help=True,
        add_completion=False,  # Typer's own options take no name of a shell, or no word without one
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(picosched)
    completion_init()
    for module in modules:
        commands: Commands = import_module(f"picosched.cli.{module}").app
        for each in commands.values():
            function = _of_typer(each) if called is None or each.name in called else _bare
            app.command(
                name=each.name,
                cls=_of_status(each.wrong_use),
                help=each.help,
                epilog=each.epilog,
                rich_help_panel=each.panel,
            )(function)
    return typer.main.get_command(app)


def _bare() -> None:
    """A command that is only listed."""


def _version(wanted: bool) -> None:
    if wanted:
        from picosched.cli.version import version_text

        write(version_text())
        raise typer.Exit


def picosched(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version and the build."),
    ] = False,
    install_completion: Annotated[
        Shell | None,
        typer.Option(
            "--install-completion", callback=install_callback, help="Install completion for a shell."
        ),
    ] = None,
    show_completion: Annotated[
        Shell | None,
        typer.Option("--show-completion", callback=show_callback, help="Show what would be installed."),
    ] = None,
) -> None:
    """A rules engine with a scheduler: rulesets schedule events, and each is raised exactly once.

    New here? [bold]picosched demo[/bold] takes you through it in under a minute.
    """


def _of_typer(command: Command) -> Callable[..., None]:
    """The function of a command with the parameters that Typer wants, and Typer's error for wrong use."""

    @wraps(command.function)
    def run(**values: Any) -> None:
        raised: BaseException | None = values.pop(CONTEXT.name).obj
        try:
            if raised is not None:
                raise raised
            command.function(**values)
        except WrongUseError as wrong:
            raise typer.BadParameter(str(wrong)) from None

    signature = inspect.signature(command.function, eval_str=True)
    named = [
        each.replace(annotation=_annotation(each.annotation), kind=inspect.Parameter.KEYWORD_ONLY)
        for each in signature.parameters.values()
    ]
    run.__signature__ = inspect.Signature([CONTEXT, *named])  # type: ignore[attr-defined]
    return run


def _of_status(wrong_use: int) -> type[TyperCommand]:
    """The kind of commands that exit with this status after wrong use."""

    class OfStatus(TyperCommand):
        def make_context(self, *args: Any, **named: Any) -> Any:
            with self._told():
                return super().make_context(*args, **named)

        def invoke(self, ctx: Any) -> Any:
            with self._told():
                return super().invoke(ctx)

        @contextmanager
        def _told(self) -> Iterator[None]:
            try:
                yield
            except WRONG_USE as wrong:
                wrong.exit_code = wrong_use
                raise

    return OfStatus


def _annotation(declared: Any) -> Any:
    kind, option = get_args(declared)
    more = {**option.more}
    if complete := more.get("autocompletion"):
        more["autocompletion"] = lambda ctx, incomplete: complete(ctx.params, incomplete)
    return Annotated[kind, _made(option)(*option.names, **more)]


def _made(option: Option) -> Callable[..., Any]:
    return typer.Argument if isinstance(option, Argument) else typer.Option
