"""Named tokens: reads and writes them, and has those that are committed at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from picosched.clock import to_ms
from picosched.store import rows
from picosched.store.port import Database, Row
from picosched.tokens import BEGINNING, TOKEN, Token

of_token = TOKEN.of_record(rows.dump)
to_token: Callable[[Row], Token] = rows.readable(TOKEN.to_record(rows.load))


class Tokens:
    """The table `token`; writes inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.at_hand: Mapping[str, Token] = {}
        """The beginning of a hash → its token, as of the last `look`. For any thread, without waiting."""

    def look(self) -> None:
        """Outside transactions: have at hand what is committed."""
        self.at_hand = {each.hash[:BEGINNING]: each for each in self.all()}

    def all(self) -> list[Token]:
        """All tokens, by name."""
        return [to_token(row) for row in self._database.rows("tokens")]

    def add(self, token: Token) -> None:
        self._database.execute("add_token", rows.checked(of_token(token)))

    def remove(self, name: str) -> bool:
        """Remove a token; False if there is none of that name."""
        return self._database.execute("remove_token", (name,)) > 0

    def prunable(self, before: datetime) -> bool:
        return self._database.row("is_expired_before", (to_ms(before),)) is not None

    def prune(self, before: datetime) -> int:
        """Delete those that expired before a time; returns how many."""
        return self._database.execute("prune_tokens", (to_ms(before),))
