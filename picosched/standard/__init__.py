"""The rulesets that ship: what rulesets of the Node engine expect to find on every pico.

Each is a file beside this one. It is installed from a URL that is the same on every machine and is never
fetched, `picosched://standard/RID.krl`, so that a database that moves knows where its rulesets came from.
"""

from __future__ import annotations

from importlib.resources import files

from picosched.errors import PicoschedError

PLACE = "picosched://standard/"

UI = "io.picolabs.pico-engine-ui"
WRANGLER = "io.picolabs.wrangler"
SUBSCRIPTION = "io.picolabs.subscription"
SOURCES = "io.picosched.sources"

RIDS = (UI, WRANGLER, SUBSCRIPTION)
"""Those of every pico, in the order in which they are installed: a module before its client."""

OF_ROOT = (*RIDS, SOURCES)
"""Those of the root pico."""

PROC = "io.picosched.proc"
ALL = (*OF_ROOT, PROC)
"""The last is there for whoever wants it."""


def url_of(rid: str) -> str:
    """Where a ruleset that ships comes from."""
    return f"{PLACE}{rid}.krl"


def is_standard(url: str) -> bool:
    return url.startswith(PLACE)


def read(url: str) -> str:
    """The text of a ruleset that ships, by its URL; `not_found` if there is none of that name."""
    rid = url.removeprefix(PLACE).removesuffix(".krl")
    if url_of(rid) != url or rid not in ALL:
        wanted = ", ".join(map(url_of, ALL))
        raise PicoschedError(f"found {url}, wanted one of {wanted}", "not_found")
    return files(__name__).joinpath(f"{rid}.krl").read_text(encoding="utf-8")
