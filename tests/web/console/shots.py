"""Pictures of each page of the console, at three widths, light and dark: `make shots`.

Takes the folder for all of them, and the one for those that the documentation shows. The picos are those of a
small house: the rulesets of `rulesets/`, with what they schedule, a metronome, and a rule that fails.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from web.console.opened import Opened, opened

RULESETS = Path(__file__).parents[3] / "rulesets"
WIDTHS = {"phone": (390, 844), "tablet": (768, 1024), "desk": (1440, 900)}
SCHEMES = ("light", "dark")
SHOWN = {"overview": "console.png", "schedule": "console-schedule.png", "journal": "console-journal.png"}
"""Page → its picture in the documentation, at a desk and light."""

BROKEN = """ruleset sensor {
  rule plan { select when sensor watched
    fired { schedule sensor event "read" repeat "*/2 * * * * *" attributes {"_name": "read the sensor"} } }
  rule read { select when sensor read
    send_directive("degrees", {"at": time:add("soon", {"minutes": 1})}) }
}"""

HOUSE = {
    "kitchen": (
        "tea_timer",
        [("tea:started", {"minutes": 4, "tea": "Assam"}), ("tea:started", {"minutes": 40, "tea": "Sencha"})],
    ),
    "office": (
        "daily_digest",
        [("digest:wanted", {"zone": "Europe/Rome"}), ("digest:note", {"text": "the lift is out of order"})],
    ),
    "hall": ("reminder", [("reminder:wanted", {"what": "keys", "minutes": 30})]),
}
"""Pico → its ruleset, and the events that are raised in it."""


def furnished(console: Opened) -> dict[str, str]:
    """The pages to look at: name → path."""
    for name, (rid, events) in HOUSE.items():
        pico = made(console, name, (RULESETS / f"{rid}.krl").read_text(encoding="utf-8"))
        for event, attrs in events:
            console.raise_event(pico, event, **attrs)
    console.raise_event(made(console, "roof", BROKEN), "sensor:watched")
    named = {"type": "metronome", "name": "pulse", "interval": 500, "to": {"pico": "kitchen"}}
    console.client.post("/api/sources", json=named).raise_for_status()
    rows = console.client.get("/api/scheduled", params={"limit": 100}).raise_for_status().json()["items"]
    digest = next(row["id"] for row in rows if row.get("name") == "daily digest")
    pages = "picos events journal timeline schedules rulesets graph sources deliveries".split()
    return {
        "overview": "/",
        **{page: f"/{page}" for page in pages},
        "pico": f"/picos/{pico}",
        "schedule": f"/schedules/{digest}",
        "turn": "/journal/2",
        "path": "/path/2",
    }


def made(console: Opened, name: str, ruleset: str) -> str:
    """The id of a new pico with a ruleset."""
    answer = console.client.post("/api/picos", json={"name": name}).raise_for_status()
    id = str(answer.json()["id"])
    console.client.post(f"/api/picos/{id}/rulesets", json={"text": ruleset}).raise_for_status()
    return id


def main(all_of_them: Path, shown: Path) -> None:
    all_of_them.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder), "--open") as console:
        pages = furnished(console)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            for place, (width, height) in WIDTHS.items():
                for scheme in SCHEMES:
                    context = browser.new_context(
                        viewport={"width": width, "height": height},
                        color_scheme="dark" if scheme == "dark" else "light",
                    )
                    page = context.new_page()
                    for name, path in pages.items():
                        page.goto(console.url + path)
                        page.wait_for_selector(
                            "nav.nav", state="attached"
                        )  # the first waits for the console to be loaded
                        page.wait_for_load_state("networkidle")
                        page.screenshot(path=all_of_them / f"{name}-{place}-{scheme}.png")
                    context.close()
            browser.close()
    for name, file in SHOWN.items():
        shutil.copyfile(all_of_them / f"{name}-desk-light.png", shown / file)
    print(f"{len(pages) * len(WIDTHS) * len(SCHEMES)} pictures in {all_of_them}")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
