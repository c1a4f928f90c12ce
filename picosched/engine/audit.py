"""The engine's methods for the audit: lists what was done from outside, and by whom."""

from __future__ import annotations

from datetime import datetime

from picosched.acting import ACTIONS
from picosched.audit import KINDS, Deed
from picosched.clock import parse_time
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.store.audit import LAST


class Audited(Wiring):
    """The part of an engine for the audit. Every method may raise the store's PicoschedError."""

    def audit(
        self,
        since: str | datetime | None = None,
        limit: int = 100,
        *,
        name: str | None = None,
        what: str | None = None,
        kind: str | None = None,
        on: str | None = None,
        before: int = LAST,
    ) -> list[Deed]:
        """What was done from outside, newest first: since a time, by a name, of a kind, to one id or name.

        `before` is the `seq` of a deed, to go on before it. `invalid` for another `what` or `kind`.
        """
        for given, words in ((what, ACTIONS), (kind, KINDS)):
            if given is not None and given not in words:
                raise PicoschedError(f'found "{given[:100]}", wanted one of {", ".join(words)}')
        first = parse_time(since) if isinstance(since, str) else since
        which = {"name": name, "what": what, "kind": kind, "subject": on}
        return self.read(self.store.audit.deeds, first, limit, which, before)
