"""Installs the standard rulesets on the same picos as the Node engine does, and keeps them up to date.

A new engine has no rulesets until this is called. The root gets them here, its children get them from
`io.picolabs.wrangler` when they are made. Rulesets installed from other URLs are left alone.
"""

from __future__ import annotations

import logging
from functools import partial

from picosched import standard
from picosched.engine.engine import Engine
from picosched.engine.interventions import channel_told, install_told
from picosched.engine.pico import PicoRef
from picosched.errors import KrlError, PicoschedError
from picosched.intervention import CHANNEL_MADE, INSTALLED
from picosched.pico.channel import Channel, Policy
from picosched.store.picos import hash_of
from picosched.turns import install as installing

log = logging.getLogger(__name__)

UI_TAGS = ("engine", "ui")
BY = "picosched, with its standard rulesets"
SELF_TAGS = ("self", "system")


def install_standard(engine: Engine) -> int:
    """Install the standard rulesets on the root, and update them on all picos.

    Returns how many rulesets that changed; 0 the second time. It gives the root a channel for the browser's
    pages and one for subscription requests. `refused` if the store is readonly.
    """
    new = _install_on_root(engine)
    renewed = _renew(engine)
    if standard.UI in new:
        engine.root.raise_event("engine_ui", "setup")
    if new:
        engine.root.raise_event("wrangler", "ruleset_installed", {"rids": new})
    for pico, rids in renewed.items():
        if standard.UI in rids:
            pico.raise_event("engine_ui", "setup")  # its channel still has the older text's policy
    return len(new) + sum(map(len, renewed.values()))


def ui_channel(engine: Engine) -> Channel:
    """The root's channel for the browser's pages; made again if it was deleted.

    `not_found` if the standard rulesets are not installed.
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
    """Raise `engine:started` in the root, as the Node engine does when its server starts."""
    engine.raise_event(ui_channel(engine).eci, "engine", "started")


def _install_on_root(engine: Engine) -> list[str]:
    """Install the rulesets the root lacks; returns their rids."""
    root = engine.root

    def work() -> list[str]:
        has = {row.rid for row in engine.store.picos.installed(root.id)}
        missing = [rid for rid in standard.OF_ROOT if rid not in has]
        for rid in missing:
            _put(engine, root.id, rid)
        if not any(each.is_tagged(SELF_TAGS) for each in engine.store.picos.channels(root.id)):
            eci = engine.new_id()
            itself = Channel(eci, root.id, SELF_TAGS, Policy(), Policy(), kin=root.id, eci_of_kin=eci)
            now = engine.now()
            engine.store.picos.new_channel(itself, now)
            engine.keep(CHANNEL_MADE, now, **channel_told(itself))
        return missing

    return engine.write(work)


def _renew(engine: Engine) -> dict[PicoRef, list[str]]:
    """Update older texts on all picos; returns the picos and the rids updated.

    If another ruleset of the pico does not work with the new text, the older one stays, and this is logged.
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
    now = engine.now()
    installing.install(engine.store, engine.loaded, pico_id, ruleset, url, None, now, BY)
    engine.keep(INSTALLED, now, **install_told(pico_id, ruleset, url, None))


def _tagged(pico: PicoRef, tags: tuple[str, ...]) -> Channel | None:
    return next((each for each in pico.channels() if each.is_tagged(tags)), None)
