"""The standard rulesets on an engine: put where the Node engine has them, and kept as the package has them.

An engine is bare until somebody asks for this. The root gets the rulesets here, its children get them from
`io.picolabs.wrangler` when they are made. What a pico has of them under another URL is its own affair.
"""

from __future__ import annotations

import logging
from functools import partial

from picosched import standard
from picosched.engine.engine import Engine
from picosched.engine.pico import PicoRef
from picosched.errors import KrlError, PicoschedError
from picosched.pico.channel import Channel, Policy
from picosched.store.picos import hash_of
from picosched.turns import install as installing

log = logging.getLogger(__name__)

UI_TAGS = ("engine", "ui")
SELF_TAGS = ("self", "system")


def install_standard(engine: Engine) -> int:
    """Put the standard rulesets on the root, and bring them up to date wherever they are.

    Gives how many rulesets that were; 0 the second time. The root has a channel for the browser's pages
    then, and one to be asked for subscriptions through. `refused` if the store is readonly.
    """
    new = _install_on_root(engine)
    renewed = _renew(engine)
    if standard.UI in new:
        engine.root.raise_event("engine_ui", "setup")
    if new:
        engine.root.raise_event("wrangler", "ruleset_installed", {"rids": new})
    for pico, rids in renewed.items():
        if standard.UI in rids:
            pico.raise_event("engine_ui", "setup")  # its channel has the policy of the older text
    return len(new) + sum(map(len, renewed.values()))


def ui_channel(engine: Engine) -> Channel:
    """The root's channel for the browser's pages; made again if somebody has deleted it.

    `not_found` where the standard rulesets are not installed.
    """
    if standard.UI not in engine.root.rulesets():
        raise PicoschedError(
            f"the root has no ruleset {standard.UI}: install_standard installs it", "not_found"
        )
    found = _tagged(engine.root, UI_TAGS)
    if found is None:
        engine.root.raise_event("engine_ui", "setup")
        found = _tagged(engine.root, UI_TAGS)
    if found is None:
        raise PicoschedError(
            f"the ruleset {standard.UI} of the root makes no channel for its pages", "internal"
        )
    return found


def announce_start(engine: Engine) -> None:
    """Raise `engine:started` in the root, as the Node engine does whenever it starts to serve."""
    engine.raise_event(ui_channel(engine).eci, "engine", "started")


def _install_on_root(engine: Engine) -> list[str]:
    """The rids that the root did not have."""
    root = engine.root

    def work() -> list[str]:
        has = {row.rid for row in engine.store.picos.installed(root.id)}
        missing = [rid for rid in standard.OF_ROOT if rid not in has]
        for rid in missing:
            _put(engine, root.id, rid)
        if not any(each.tags == SELF_TAGS for each in engine.store.picos.channels(root.id)):
            eci = engine.new_id()
            itself = Channel(eci, root.id, SELF_TAGS, Policy(), Policy(), kin=root.id, eci_of_kin=eci)
            engine.store.picos.new_channel(itself, engine.now())
        return missing

    return engine.write(work)


def _renew(engine: Engine) -> dict[PicoRef, list[str]]:
    """The picos that had older texts, and the rids of those.

    Where another ruleset of the pico does not go with the new text, the older one stays, and the log says so.
    """
    present = {standard.url_of(rid): hash_of(standard.read(standard.url_of(rid))) for rid in standard.ALL}

    def outdated() -> dict[str, list[str]]:
        picos = engine.store.picos
        return {
            row.id: [
                each.rid
                for each in picos.installed(row.id)
                if each.origin is not None and present.get(each.origin, each.hash) != each.hash
            ]
            for row in picos.picos()
        }

    renewed: dict[PicoRef, list[str]] = {}
    for pico_id, rids in engine.read(outdated).items():
        for rid in rids:
            try:
                engine.write(partial(_put, engine, pico_id, rid))
            except KrlError as error:
                log.error("the pico %s keeps its older %s: %s", pico_id, rid, error)
            else:
                renewed.setdefault(engine.pico(pico_id), []).append(rid)
    return renewed


def _put(engine: Engine, pico_id: str, rid: str) -> None:
    url = standard.url_of(rid)
    ruleset = engine.loaded.compiled(standard.read(url), url)
    installing.install(engine.store, engine.loaded, pico_id, ruleset, url, None, engine.now())


def _tagged(pico: PicoRef, tags: tuple[str, ...]) -> Channel | None:
    return next((each for each in pico.channels() if each.tags == tags), None)
