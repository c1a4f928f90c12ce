"""The `engine` module of version 0.x of the Node engine, as near as `ctx` has it.

Version 0.x names picos by their ids and lets a rule change any of them. Here it changes its own pico, and
children that it has created itself in the same rule; other picos are asked by events. Members without a
counterpart refuse, wherever they are used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urljoin

from picosched.errors import KrlError
from picosched.krl.library.ctx import text
from picosched.krl.library.member import Member, action, function
from picosched.krl.scope import Scope, Value
from picosched.krl.size import claim_array, scan
from picosched.krl.values import shown, to_string

OTHERS = "raise an event there with event:send, as those of io.picolabs.wrangler"


def own(scope: Scope, pico_id: Value, asked: str) -> None:
    """`refused` if it is not the id of this pico, nor null."""
    if pico_id is not None and pico_id != scope.pico_id:
        raise KrlError(
            f"{asked} works on this pico; found the id {shown(pico_id)}: for another pico {OTHERS}",
            code="refused",
        )


def pico_id_by_eci(scope: Scope, eci: Value = None) -> Value:
    return scope.effects.family.pico_of(text(eci, "an eci"))


def parent(scope: Scope, pico_id: Value = None) -> Value:
    own(scope, pico_id, "engine:getParent")
    return scope.effects.family.view()["parent_id"]


def children(scope: Scope, pico_id: Value = None) -> Value:
    own(scope, pico_id, "engine:listChildren")
    return scope.effects.family.view()["children_ids"]


def admin_eci(scope: Scope, pico_id: Value = None) -> Value:
    """The eci to a child. A pico has no channel of that kind to itself."""
    eci = eci_of_child(scope, pico_id)
    if eci is None:
        raise KrlError(
            f"engine:getAdminECI knows the ecis of children; found the id {shown(pico_id)}: "
            "make a channel with ctx:newChannel",
            code="refused",
        )
    return eci


def eci_of_child(scope: Scope, pico_id: Value) -> str | None:
    view = scope.effects.family.view()
    ecis = zip(view["children_ids"], view["children"], strict=True)
    return next((eci for id, eci in ecis if id == pico_id), None)


def channels(scope: Scope, pico_id: Value = None) -> Value:
    own(scope, pico_id, "engine:listChannels")
    found = scope.effects.family.view()["channels"]
    claim_array(len(found), 8 * len(found))
    return [as_channel(scope.pico_id, each) for each in found]


def as_channel(pico_id: str, channel: Mapping[str, Value]) -> dict[str, Value]:
    """A channel as version 0.x shows it: the first tag is its name, the second its type."""
    tags = [*channel["tags"], None, None]
    return {
        "id": channel["id"],
        "pico_id": pico_id,
        "name": tags[0],
        "type": tags[1],
        "policy_id": None,
        "tags": channel["tags"],
    }


def rids(scope: Scope, pico_id: Value = None) -> Value:
    own(scope, pico_id, "engine:listInstalledRIDs")
    return [each["rid"] for each in scope.effects.family.view()["rulesets"]]


def describe(scope: Scope, rid: Value = None) -> Value:
    """A ruleset of this pico, without its text; null for any other."""
    wanted = text(rid, "a rid")
    found = next((each for each in scope.effects.family.view()["rulesets"] if each["rid"] == wanted), None)
    if found is None:
        return None
    meta = found["meta"]["krlMeta"]
    return {
        "rid": wanted,
        "hash": found["meta"]["hash"],
        "url": found["url"],
        "meta": {name: meta.get(name) for name in ("name", "description", "author")},
    }


def new_pico(scope: Scope, parent_id: Value = None) -> Value:
    own(scope, parent_id, "engine:newPico")
    family = scope.effects.family
    eci = family.new_pico("", [])
    return {"id": family.pico_of(eci), "parent_id": scope.pico_id, "admin_eci": eci}


def remove_pico(scope: Scope, pico_id: Value = None) -> bool:
    """Delete a child with its descendants; false if there is none of that id."""
    if pico_id == scope.pico_id or pico_id is None:
        raise KrlError("engine:removePico removes children; found this pico", code="refused")
    eci = eci_of_child(scope, pico_id)
    if eci is not None:
        scope.effects.family.delete_pico(eci)
    return eci is not None


def new_channel(
    scope: Scope, pico_id: Value = None, name: Value = None, type: Value = None, policy_id: Value = None
) -> Value:
    """Create a channel that allows everything, with the tags name and type."""
    if policy_id is not None:
        raise KrlError(
            "engine:newChannel takes no policy_id: use ctx:newChannel with an eventPolicy and a queryPolicy",
            code="refused",
        )
    for what, given in (("name", name), ("type", type)):
        if given is None:
            raise KrlError(f"engine:newChannel needs a {what} string")
    family, tags = scope.effects.family, [to_string(name), to_string(type)]
    if pico_id is None or pico_id == scope.pico_id:
        return as_channel(scope.pico_id, family.put_channel(None, tags, None, None))
    return as_channel(pico_id, family.give_channel(to_string(pico_id), tags))


def remove_channel(scope: Scope, eci: Value = None) -> bool:
    """Delete a channel of this pico; false if it has none of that eci."""
    wanted, family = text(eci, "an eci"), scope.effects.family
    if all(each["id"] != wanted for each in family.view()["channels"]):
        return False
    family.delete_channel(wanted)
    return True


def register(scope: Scope, url: Value = None, base: Value = None) -> str:
    """The rid of the ruleset at a URL, which must compile."""
    return scope.effects.family.rid_at(address(url, base))


def install(
    scope: Scope, pico_id: Value = None, rid: Value = None, url: Value = None, base: Value = None
) -> Value:
    """Install a ruleset from a URL, or those with these rids that the engine has; returns the rids."""
    family = scope.effects.family
    if rid is None and url is None:
        raise KrlError("engine:installRuleset needs either a rid string or array, or a url string")
    if rid is None:
        urls = [address(url, base)]
    else:
        urls = [family.origin_of(each) for each in texts(rid, "engine:installRuleset")]
    if pico_id is None or pico_id == scope.pico_id:
        installed = [family.install(each, {}) for each in urls]
    else:
        installed = [family.give_ruleset(to_string(pico_id), each) for each in urls]
    return installed if isinstance(rid, list) else installed[0]


def uninstall(scope: Scope, pico_id: Value = None, rid: Value = None) -> None:
    own(scope, pico_id, "engine:uninstallRuleset")
    for each in texts(rid, "engine:uninstallRuleset"):
        scope.effects.family.uninstall(each)


def texts(rid: Value, asked: str) -> list[str]:
    """A rid or an array of them, each once."""
    listed = rid if isinstance(rid, list) else [rid]
    claim_array(len(listed), 8 * len(listed))
    return list(dict.fromkeys(text(each, f"a rid of {asked}") for each in listed))


def address(url: Value, base: Value) -> str:
    whole = text(url, "a url")
    if not isinstance(base, str):
        return whole
    scan(8 * (len(whole) + len(base)))
    return urljoin(base, whole)


def missing(name: str, instead: str, kind: Callable[[Callable[..., Value]], Member]) -> Member:
    """A member that has no counterpart here, and refuses."""

    def refuse(scope: Scope, /, *args: Value, **named: Value) -> Value:
        raise KrlError(f"engine:{name} is not part of this engine: {instead}", code="refused")

    return kind(refuse)


POLICIES = "a channel has its own policies, see ctx:newChannel"
SECRETS = "channels have no keys of their own"
COPIES = "picos are exported and imported from the command line and over HTTP"

ENGINE: Mapping[str, Member] = {
    "getPicoIDByECI": function(pico_id_by_eci),
    "getParent": function(parent),
    "getAdminECI": function(admin_eci),
    "listChildren": function(children),
    "listChannels": function(channels),
    "listInstalledRIDs": function(rids),
    "describeRuleset": function(describe),
    "newPico": action(new_pico),
    "removePico": action(remove_pico),
    "newChannel": action(new_channel),
    "removeChannel": action(remove_channel),
    "registerRuleset": action(register),
    "installRuleset": action(install),
    "uninstallRuleset": action(uninstall),
    "listAllEnabledRIDs": missing("listAllEnabledRIDs", "see ctx:rulesets for those of this pico", function),
    "unregisterRuleset": missing("unregisterRuleset", "a ruleset is gone when no pico has it", action),
    "listPolicies": missing("listPolicies", POLICIES, function),
    "newPolicy": missing("newPolicy", POLICIES, action),
    "removePolicy": missing("removePolicy", POLICIES, action),
    "encryptChannelMessage": missing("encryptChannelMessage", SECRETS, function),
    "decryptChannelMessage": missing("decryptChannelMessage", SECRETS, function),
    "signChannelMessage": missing("signChannelMessage", SECRETS, function),
    "verifySignedMessage": missing("verifySignedMessage", SECRETS, function),
    "exportPico": missing("exportPico", COPIES, function),
    "importPico": missing("importPico", COPIES, action),
    "setPicoStatus": missing("setPicoStatus", "picos do not move", action),
    "getPicoStatus": missing("getPicoStatus", "picos do not move", function),
}
