"""Rulesets written for the classic engine, and what of them cannot run here.

The classic engine ran in web pages: its actions change a page, its modules know the visitor. A rule that
needs those is inactive here, with a warning, and the rest of its ruleset works. The same goes for a rule of a
classic ruleset with any other unknown name, which the classic engine took for null.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from picosched.krl import syntax
from picosched.krl.walk import walk

PAGE_ACTIONS = frozenset(
    """
    after alert annotate annotate_local_search_results annotate_search_results append before
    close_notification confirm debug_event displayErrors float float_html fly_in let_it_snow load modal
    move_after move_before move_to_top noty notify page_collection_content page_content panel percolate popup
    prepend prompt redirect remove replace replace_html replace_image_src replace_inner send_raw
    set_cookie set_element_attr sidetab status_bar toggle watch
    """.split()
)
"""The actions of the classic engine that need a browser."""

CLASSIC_MODULES = frozenset(
    """
    amazon cloudos datasource kpds location odata page pci referer rsm stocks twitter useragent weather
    """.split()
)
"""Modules that only the classic engine has."""

PAGE_EVENTS = frozenset(("pageview", "click", "submit", "change", "dblclick", "update"))
_DAILY = """
    afternoon date_between daytime early_afternoon evening late_afternoon late_morning lunch_time morning
    night nighttime time_between weekday weekend
"""
PREDICATES: Mapping[str, str] = {name: name for name in _DAILY.split()} | {"today_is": "day_of_week"}
"""Names of a classic ruleset that are functions of the module `time`; a bare one is called."""

RID = re.compile(r"\d+|[a-z]+\d+x\d+")
"""`10`, `a16x66`: no ruleset of the Node engine is called so."""

DATA = re.compile(r"(dataset|datasource)\s+([A-Za-z_]\w*)")


def for_classic(tree: syntax.Ruleset) -> bool:
    """Whether a ruleset was written for the classic engine: it has what nobody would write for this one."""
    if tree.dispatch is not None or RID.fullmatch(tree.rid):
        return True
    used = {each.alias or each.rid for each in tree.meta if isinstance(each, syntax.UseModule)}
    declared = {each.name for each in tree.globals if isinstance(each, syntax.Declaration)}
    for node in walk(*tree.meta, *tree.globals, *tree.rules):
        match node:
            case syntax.Property(key="authz" | "sharing"):
                return True
            case syntax.EventPrimitive(domain="web", type=type) if type in PAGE_EVENTS:
                return True
            case syntax.Action(callee=syntax.Name(id=name)) if name in PAGE_ACTIONS - declared:
                return True
            case syntax.Qualified(domain=domain) if domain in CLASSIC_MODULES - used:
                return True
            case syntax.Ignored() | syntax.Lately():
                return True
    return False


def datasets(tree: syntax.Ruleset) -> dict[str, str]:
    """The names that `dataset` and `datasource` declare, each with the word."""
    found = (DATA.match(each.text) for each in tree.globals if isinstance(each, syntax.Ignored))
    return {each[2]: each[1] for each in found if each is not None}
