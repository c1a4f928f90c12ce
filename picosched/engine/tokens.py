"""The engine's methods for named tokens: makes, lists and revokes them, and says what one gives."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from datetime import datetime

from picosched.clock import format_time, parse_time
from picosched.engine.wiring import T, Wiring
from picosched.errors import PicoschedError
from picosched.tokens import BEGINNING, MOST, Token, checked_name, hash_of, role_of


class Tokened(Wiring):
    """The part of an engine for tokens. Every method may raise the store's PicoschedError."""

    def tokens(self) -> list[Token]:
        """All named tokens, by name; expired ones too."""
        self.permit("made")
        return self.read(self.store.tokens.all)

    def make_token(self, name: str, role: str, expires: str | datetime | None = None) -> tuple[str, Token]:
        """Make a token with a role, `read`, `operate` or `author`; returns it with what is kept of it.

        This is the only time that it is told. `conflict` if the name is taken or there are too many,
        `invalid` for a name, role or time that cannot be. A token that expires makes none that expires later.
        """
        self.permit("made")
        until, now = parse_time(expires) if isinstance(expires, str) else expires, self.now()
        if until is not None and until <= now:
            wanted = f"wanted a time in the future: it is {format_time(now)}"
            raise PicoschedError(f"found {format_time(until)} as the end of a token, {wanted}")
        secret = secrets.token_urlsafe(32)
        made = Token(checked_name(name), role_of(role), hash_of(secret), now, str(self.by), until)

        def work() -> None:
            self.store.need("")  # so that no other process makes one meanwhile
            known = {each.name: each for each in self.store.tokens.all()}
            if name in known:
                raise PicoschedError(f"there is a token {name} already: revoke it first", "conflict")
            if len(known) >= MOST:
                raise PicoschedError(f"there are {len(known)} tokens, wanted at most {MOST}", "conflict")
            if self.by.has_token:
                _check_end(known.get(self.by.name or ""), until)
            self.store.tokens.add(made)
            end = "" if until is None else f" until {format_time(until)}"
            self.note("made", "token", name, f"for {made.role}{end}")

        self._change_tokens(work)
        return secret, made

    def revoke_token(self, name: str) -> bool:
        """Revoke a token: it is not valid any more. False if there is none of that name."""
        self.permit("revoked")

        def work() -> bool:
            self.store.need("")
            removed = self.store.tokens.remove(name)
            if removed:
                self.note("revoked", "token", name)
            return removed

        return self._change_tokens(work)

    def look_at_tokens(self) -> None:
        """Know what others wrote: `token_of` says what was kept at the last look."""
        self.read(self.store.tokens.look)

    def token_of(self, hash: str) -> Token | None:
        """The valid token with that hash. For any thread, without waiting."""
        found = self.store.tokens.at_hand.get(hash[:BEGINNING])
        if found is None or not hmac.compare_digest(found.hash, hash):
            return None
        return found if found.state(self.now()) == "valid" else None

    def _change_tokens(self, work: Callable[[], T]) -> T:
        try:
            return self.write(work)
        finally:
            self.look_at_tokens()


def _check_end(own: Token | None, until: datetime | None) -> None:
    """`refused` if a token would outlive the one it is made with, or that one is revoked by now."""
    if own is None:
        raise PicoschedError("the token was revoked", "refused")
    if own.expires is not None and (until is None or until > own.expires):
        end = format_time(own.expires)
        raise PicoschedError(f"the token {own.name} expires at {end}, wanted no later end", "refused")
