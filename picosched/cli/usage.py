"""The error of a command that is used wrongly: options that contradict each other, or too few of them."""

from __future__ import annotations

import typer


class WrongUsage(typer.BadParameter):
    """Exit status 2. Its message is printed as it is, since no single value is invalid."""

    def format_message(self) -> str:
        return self.message
