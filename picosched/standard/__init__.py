"""The standard rulesets, which rulesets for the Node engine expect on every pico.

Each is a file in this folder. It is installed from a URL that is the same on every machine and never
fetched, `picosched://standard/RID.krl`, so that the origin stays valid if the database moves.
"""

from __future__ import annotations

from picosched.errors import PicoschedError

PLACE = "picosched://standard/"

UI = "io.picolabs.pico-engine-ui"
WRANGLER = "io.picolabs.wrangler"
SUBSCRIPTION = "io.picolabs.subscription"
SOURCES = "io.picosched.sources"

RIDS = (UI, WRANGLER, SUBSCRIPTION)
"""The rulesets for every pico, in order of installation: modules before their clients."""

OF_ROOT = (*RIDS, SOURCES)
"""The rulesets for the root pico."""

PROC = "io.picosched.proc"
PDS = "io.picolabs.pds"
ALL = (*OF_ROOT, PDS, PROC)
"""The last two are not installed by default."""


def url_of(rid: str) -> str:
    """The URL of a standard ruleset."""
    return f"{PLACE}{rid}.krl"


def hint(rid: str) -> str:
    """The rest of an error about a missing module: how to install it, if it is one of these."""
    return f"; it is a standard ruleset: install {url_of(rid)} first" if rid in ALL else ""


def is_standard(url: str) -> bool:
    return url.startswith(PLACE)


def read(url: str) -> str:
    """The text of a standard ruleset, by its URL; `not_found` if there is none."""
    rid = url.removeprefix(PLACE).removesuffix(".krl")
    if url_of(rid) != url or rid not in ALL:
        wanted = ", ".join(map(url_of, ALL))
        raise PicoschedError(f"found {url}, wanted one of {wanted}", "not_found")
    from importlib.resources import files

    return files(__name__).joinpath(f"{rid}.krl").read_text(encoding="utf-8")
