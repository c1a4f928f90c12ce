"""Installs and uninstalls rulesets, and deletes picos with all they own; inside a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from picosched.errors import PicoschedError
from picosched.pico.change import (
    AddSource,
    Change,
    DeleteChannel,
    DeletePico,
    Install,
    NewPico,
    PauseSource,
    PutChannel,
    RemoveSource,
    ResumeSource,
    RulesetText,
    Uninstall,
)
from picosched.pico.turn import Turn
from picosched.store.picos import PicoRow, RulesetRow, hash_of
from picosched.store.store import Store
from picosched.turns import sources as declaring
from picosched.turns.memory import Loaded, clients_of
from picosched.turns.windows import follow
from picosched.versions import Version

if TYPE_CHECKING:
    from picosched.krl.ruleset import Ruleset

BY_RULE = "a rule, in the turn"


def install(
    store: Store,
    loaded: Loaded,
    pico_id: str,
    ruleset: Ruleset,
    origin: str | None,
    config: Mapping[str, Any] | None,
    now: datetime,
    by: str,
) -> Ruleset:
    """Evaluate a ruleset's globals in the pico as it would be, and keep it only if that succeeds.

    Rulesets that use it as a module are evaluated again too: they must work with its new text.
    """
    loaded.keep(ruleset)
    loaded.budget.begin()
    if config is None:
        config = next((row.config for row in store.picos.installed(pico_id) if row.rid == ruleset.rid), {})
    installing = RulesetText(ruleset.source.text, origin, config)
    loaded.tried(pico_id, installing, loaded.budget.begin_rule)
    return _keep(store, loaded, pico_id, installing, now, by)


def _keep(store: Store, loaded: Loaded, pico_id: str, text: RulesetText, now: datetime, by: str) -> Ruleset:
    """Keep a ruleset that evaluated without errors."""
    ruleset = loaded.compiled(text.text, text.origin)
    row = RulesetRow(hash_of(text.text), ruleset.rid, text.text, text.origin, now)
    store.picos.install(pico_id, row, text.config)
    store.picos.note_version(Version(pico_id, row.rid, row.hash, row.origin, now, by))
    loaded.forget(pico_id)
    follow(store, loaded, pico_id, ruleset, now)
    return ruleset


def uninstall(store: Store, loaded: Loaded, pico_id: str, rid: str, now: datetime) -> None:
    """Uninstall a ruleset from a pico, with its variables and schedules."""
    pico = loaded.load_pico(pico_id)
    if all(row.rid != rid for row in store.picos.installed(pico_id)):
        raise PicoschedError(f"the pico {pico.name} has no ruleset {rid}", "not_found")
    clients = clients_of(pico.installed, rid)
    if clients:
        raise PicoschedError(f"the ruleset {rid} is used by {', '.join(clients)}", "conflict")
    store.agenda.cancel_all(pico_id, rid, now, f"the ruleset {rid} was uninstalled")
    store.picos.uninstall(pico_id, rid)
    loaded.forget(pico_id)


def delete_pico(store: Store, loaded: Loaded, pico_id: str, now: datetime) -> None:
    """Delete a pico and its descendants, with their schedules."""
    if loaded.load_pico(pico_id).parent_id is None:
        raise PicoschedError("the root pico cannot be deleted", "refused")
    ids = [pico_id]
    for id in ids:  # grows as it goes
        ids += [child.id for child in store.picos.children(id)]
    store.need(*ids)  # all at once: they are in many shards
    for id in reversed(ids):
        rids = [row.rid for row in store.picos.installed(id)]
        store.agenda.cancel_all(id, None, now, "the pico was deleted")
        for channel in store.picos.channels(id):
            loaded.forget_channel(channel.eci)
        for channel in store.picos.kin_of(id):
            loaded.forget_channel(channel.eci)
        store.picos.delete_pico(id)
        store.deliveries.remove_of(id)
        for rid in rids:
            store.picos.forget_app(rid)
        loaded.forget(id)


def carry_out(store: Store, loaded: Loaded, turn: Turn) -> None:
    """Apply a turn's changes to picos, in the transaction that writes the turn.

    Nothing may fail here, or the whole turn would be lost; the rules' budget was charged before.
    """
    for change in turn.changes:
        _make_true(store, loaded, turn, change)


def by_rule(turn: Turn) -> str:
    """Who installed what a turn did."""
    return f"{BY_RULE} {turn.eid}"


def _make_true(store: Store, loaded: Loaded, turn: Turn, change: Change) -> None:
    match change:
        case NewPico():
            store.picos.new_pico(PicoRow(change.id, change.name, turn.pico_id, turn.now))
            for channel in (change.down, change.up, *change.channels):
                store.picos.new_channel(channel, turn.now)
            for text in change.rulesets:
                _keep(store, loaded, change.id, text, turn.now, by_rule(turn))
        case DeletePico(id):
            delete_pico(store, loaded, id, turn.now)
        case PutChannel(channel):
            store.picos.put_channel(channel, turn.now)
            loaded.forget_channel(channel.eci)
        case DeleteChannel(eci):
            store.picos.delete_channel(eci)
            loaded.forget_channel(eci)
        case Install(_, text):
            _keep(store, loaded, turn.pico_id, text, turn.now, by_rule(turn))
        case Uninstall(rid):
            store.agenda.cancel_all(turn.pico_id, rid, turn.now, f"the ruleset {rid} was uninstalled")
            store.picos.uninstall(turn.pico_id, rid)
            loaded.forget(turn.pico_id)
        case AddSource(id, source):
            declaring.add(store, source, id, turn.now)
        case RemoveSource(id):
            declaring.remove(store, id)
        case PauseSource(id, until):
            declaring.pause(store, id, until)
        case ResumeSource(id):
            declaring.resume(store, id, turn.now)
