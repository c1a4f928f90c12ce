"""Reads a ruleset again from its origin and installs the new text on every pico that has it.

This is `ctx:flush` for all picos: every pico gets the new text, or none if there is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from picosched.checked import ruleset_text
from picosched.engine.engine import Engine
from picosched.engine.interventions import install_told
from picosched.errors import PicoschedError
from picosched.intervention import INSTALLED
from picosched.turns import install as installing
from picosched.turns.memory import file_of

if TYPE_CHECKING:
    from picosched.krl.ruleset import Ruleset


class Flushed(NamedTuple):
    """The ruleset, and on how many picos it was installed again."""

    ruleset: Ruleset
    picos: int


def flush(engine: Engine, url: str) -> Flushed:
    """Read the rulesets that came from `url` again; `not_found` if no pico has one.

    KrlError if the new text has errors, or does not work on one of the picos.
    """
    from picosched.krl.ruleset import compile_ruleset  # late, as `krl.running` explains

    engine.permit("installed")
    origins = engine.read(engine.store.picos.origins)
    origin = next((each for each in origins if _is_same(each, url)), None)
    if origin is None:
        raise PicoschedError(f"no pico has a ruleset from {url}", "not_found")
    text, _ = ruleset_text(origin)
    ruleset = compile_ruleset(text, origin)

    def work() -> int:
        picos, now = engine.store.picos.having(origin), engine.now()
        engine.store.need("", *picos)
        for pico_id in picos:
            by = str(engine.by)
            installing.install(engine.store, engine.loaded, pico_id, ruleset, origin, None, now, by)
            engine.keep(INSTALLED, now, **install_told(pico_id, ruleset, origin, None))
        engine.note("installed", "ruleset", ruleset.rid, f"again on {len(picos)} picos, from its origin")
        return len(picos)

    picos = engine.write(work)
    engine.look_again()
    return Flushed(ruleset, picos)


def _is_same(origin: str, url: str) -> bool:
    """Whether two origins are one: a file may be given by its path or its URL."""
    if origin == url:
        return True
    return "file" in (_scheme(origin), _scheme(url)) and file_of(origin).resolve() == file_of(url).resolve()


def _scheme(url: str) -> str:
    return url.partition(":")[0].lower()
