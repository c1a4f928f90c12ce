"""Smaller builds of CodeMirror and Quasar in place of NiceGUI's, which have all languages and components.

`make bundles` writes them into `bundled/` from the sources in the project's folder `bundles/`. They fit the
release of NiceGUI that they were made for: with another one its own files are sent, which do the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from jinja2 import ChoiceLoader, DictLoader
from nicegui import __version__
from nicegui.client import templates
from nicegui.dependencies import register_importmap_override

from picosched.errors import PicoschedError

log = logging.getLogger(__name__)

BUNDLED = Path(__file__).parent / "bundled"
MADE_FOR = "3.18.0"
"""The release of NiceGUI."""

STATIC = "{{ prefix | safe }}/_nicegui/{{version}}/static/"
"""How addresses of NiceGUI's files begin in the template of its pages."""
INSTEAD = {
    "quasar.umd.prod.js": "quasar.js",
    "quasar.unimportant.prod.css": "quasar.unimportant.css",
    "quasar.important.prod.css": "quasar.important.css",
}
"""A file of NiceGUI → ours."""


def use_bundles(add: Callable[[str, str, str], str]) -> None:
    """Let pages load the bundles. `add` takes a name, a text and a media type, and returns the address."""
    if __version__ != MADE_FOR:
        log.info("pages are larger: they load all of NiceGUI %s, bundles are for %s", __version__, MADE_FOR)
        return

    def added(name: str) -> str:
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        return add(name, (BUNDLED / name).read_text(encoding="utf-8"), kind)

    register_importmap_override("nicegui-codemirror", added("codemirror.js"))
    env = templates.env
    assert env.loader is not None
    page, *_ = env.loader.get_source(env, "index.html")
    page = replaced(page, added)
    env.loader = ChoiceLoader([DictLoader({"index.html": page}), env.loader])


def replaced(page: str, address: Callable[[str], str]) -> str:
    """The template of pages with our files in place of NiceGUI's. `address` takes the name of one of ours.

    A PicoschedError if the template lacks one of NiceGUI's, as pages would then load all of it.
    """
    for theirs, ours in INSTEAD.items():
        if STATIC + theirs not in page:
            raise PicoschedError(
                f"found no {theirs} in the template of NiceGUI {__version__}, wanted it there"
            )
        page = page.replace(STATIC + theirs, address(ours))
    return page
