"""Clients that change what there is: rulesets, children, sources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.soak.scene import BUSY, Client, Scene

GUEST = Path(__file__).with_name("guest.krl").read_text(encoding="utf-8")


def guest(version: int) -> str:
    return GUEST.replace("{ 0 }", f"{{ {version} }}")


class Installer(Client):
    """Has a guest installed, lets it schedule, replaces it, takes it off: by the API, or by rules."""

    every = 4.0

    def __init__(self, scene: Scene, name: str) -> None:
        super().__init__(scene, name)
        self._version = 0

    async def live(self) -> None:
        made = await self.line.insist("api", "POST", "/api/picos", json={"name": self.name}, fine=(201, 409))
        if made.status_code == 201:
            body = {"text": guest(0)}
            await self.line.insist("api", "POST", f"/api/picos/{self.name}/rulesets", json=body, fine=(201,))
        await super().live()

    async def act(self) -> None:
        if self.chance.random() < 0.5:
            await self._by_the_api()
        else:
            await self._by_rules()

    async def _by_the_api(self) -> None:
        path = f"/api/picos/{self.name}/rulesets"
        self._version += 1
        await self.line.insist("api", "POST", path, json={"text": guest(self._version)}, fine=(200, 201))
        query = {"rid": "guest", "name": "version"}
        asked = await self.line.insist("api", "POST", f"/api/picos/{self.name}/query", json=query)
        if asked.json()["value"] != self._version:
            self.fault(f"version {self._version} was installed, and {asked.text} answers")
        await self._raise(self.name, "guest", "stays")
        if self.chance.random() < 0.7:
            await self.line.insist("api", "DELETE", f"{path}/guest", fine=(204, 404))

    async def _by_rules(self) -> None:
        url = {"url": f"{self.scene.outside_url}/guest.krl"}
        await self._raise("root", "wrangler", "install_ruleset_request", **url)
        await self._raise("root", "guest", "stays")
        if self.chance.random() < 0.3:
            await self._raise("root", "wrangler", "rulesets_need_flushing")
        await self._raise("root", "wrangler", "uninstall_ruleset_request", rid="guest")

    async def _raise(self, pico: str, domain: str, type: str, **attrs: Any) -> None:
        body = {"domain": domain, "type": type, "attrs": attrs}
        answer = await self.line.ask("api", "POST", f"/api/picos/{pico}/raise", json=body)
        twice = type == "uninstall_ruleset_request"  # its first try may have been cut short by a kill
        if answer is not None and answer.status_code == 200 and answer.json()["errors"] and not twice:
            self.fault(f"{domain}:{type}: {answer.json()['errors']}")


class Breeder(Client):
    """Has the root make children and delete them, by wrangler's events and by the API."""

    every = 4.0

    def __init__(self, scene: Scene, name: str) -> None:
        super().__init__(scene, name)
        self._made = 0
        self._eci = ""

    async def act(self) -> None:
        self._made += 1
        child = f"{self.name}-{self._made}"
        if self.chance.random() < 0.5:
            made = await self.line.ask("api", "POST", "/api/picos", json={"name": child}, fine=(201,))
            if made is None or made.status_code in BUSY:
                await self.line.insist("api", "DELETE", f"/api/picos/{child}", fine=(204, 404))
                return
            await self._install_ledger(child)
            await self.line.insist("api", "DELETE", f"/api/picos/{child}", fine=(204, 404))
        else:
            answer = await self._raise("new_child_request", name=child)
            if answer is None:
                await self.line.insist("api", "DELETE", f"/api/picos/{child}", fine=(204, 404))
                return
            created = [each["attrs"] for each in answer["handled"] if each["type"] == "new_child_created"]
            if len(created) != 1 or created[0]["name"] != child:
                self.fault(f"{child} was asked for, and {created} was made")
                return
            if await self._raise("child_deletion_request", eci=created[0]["eci"]) is None:
                await self.line.insist("api", "DELETE", f"/api/picos/{child}", fine=(204, 404))
        await self.line.insist("api", "GET", f"/api/picos/{child}", fine=(404,))

    async def _install_ledger(self, pico: str) -> None:
        """And have it schedule something, so that what goes with a pico is not nothing."""
        body = {"url": f"{self.scene.outside_url}/ledger.krl"}
        await self.line.insist("api", "POST", f"/api/picos/{pico}/rulesets", json=body, fine=(200, 201))
        attrs = {"lane": self.name, "serial": 1, "count": 60}
        event = {"domain": "ledger", "type": "again", "attrs": attrs}
        await self.line.ask("api", "POST", f"/api/picos/{pico}/raise", json=event)

    async def _raise(self, type: str, **attrs: Any) -> dict[str, Any] | None:
        body = {"domain": "wrangler", "type": type, "attrs": attrs}
        answer = await self.line.ask("api", "POST", "/api/picos/root/raise", json=body)
        if answer is None or answer.status_code != 200:
            return None
        told: dict[str, Any] = answer.json()
        if told["errors"]:
            self.fault(f"wrangler:{type}: {told['errors']}")
        return told


class Clockmaker(Client):
    """Makes sources and removes them, pauses those that stay and lets them go on."""

    every = 5.0
    STAY = ("pulse", "seconds", "round", "table", "away")

    @classmethod
    def sources(cls, scene: Scene) -> list[dict[str, Any]]:
        """Those that are there from the beginning to the end."""
        first, second = scene.houses[0], scene.houses[1]
        away = f"{scene.served.url}/c/{second.eci}"
        every_second = {"when": "* * * * * *", "event": "clock:struck"}
        return [
            {
                "type": "metronome",
                "name": "pulse",
                "interval": 500,
                "to": {"pico": first.id},
                "journal": True,
            },
            {
                "type": "crononome",
                "name": "seconds",
                "to": {"eci": second.eci},
                "entries": [{"name": "s", "expr": "* * * * * *"}, {"name": "2s", "expr": "*/2 * * * * *"}],
            },
            {"type": "metronome", "name": "round", "interval": 2_000, "to": {"rid": "ledger"}},
            {
                "type": "crontab",
                "name": "table",
                "to": {"tag": "soak"},
                "entries": [
                    {
                        "name": "t",
                        "when": "*/5 * * * * *",
                        "event": "clock:struck",
                        "attrs": {"name": "table"},
                    }
                ],
            },
            {
                "type": "crontab",
                "name": "away",
                "to": {"url": away},
                "entries": [{"name": "a", **every_second, "attrs": {"name": "away"}}],
            },
        ]

    def __init__(self, scene: Scene, name: str) -> None:
        super().__init__(scene, name)
        self._made = 0

    async def act(self) -> None:
        if self.chance.random() < 0.5:
            name = self.chance.choice(self.STAY)
            await self.line.insist("source", "POST", f"/api/sources/{name}/pause")
            await self.pause()
            await self.line.insist("source", "POST", f"/api/sources/{name}/resume")
            return
        self._made += 1
        name = f"{self.name}-{self._made}"
        house = self.chance.choice(self.scene.houses)
        body = {"type": "metronome", "name": name, "interval": 200, "to": {"pico": house.id}, "journal": True}
        made = await self.line.ask("source", "POST", "/api/sources", json=body, fine=(201,))
        if made is not None and made.status_code == 201:
            await self.pause()
            await self.line.insist("source", "GET", f"/api/sources/{name}")
        await self.line.insist("source", "DELETE", f"/api/sources/{name}", fine=(204, 404))
