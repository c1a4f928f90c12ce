"""Clients that raise events through channels and ask queries, and know what each must come to."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from tests.soak.household import TEE
from tests.soak.record import Lane
from tests.soak.scene import BUSY, Client, House, Scene

KEY = "Idempotency-Key"


class InLane(Client):
    """A client that raises events in a lane of its own in one house."""

    def __init__(self, scene: Scene, name: str, house: House) -> None:
        super().__init__(scene, name)
        self.house = house
        self.lane = Lane(house.id, name)
        scene.lanes.append(self.lane)

    async def tell(self, type: str, form: str = "event-wait", **attrs: Any) -> httpx.Response | None:
        """Raise an event of the ledger, and take down what is known of it then."""
        serial = self.lane.next()
        given = {"lane": self.name, "serial": serial, **attrs}
        path = {
            "event-wait": f"/c/{self.house.eci}/event-wait/ledger/{type}",
            "event": f"/c/{self.house.eci}/event/ledger/{type}",
            "sky": f"/sky/event/{self.house.eci}/none/ledger/{type}",
            "raise": f"/api/channels/{self.house.eci}/raise",
        }[form]
        if form == "raise":
            body = {"domain": "ledger", "type": type, "attrs": given}
            answer = await self.line.ask(form, "POST", path, json=body)
        elif form == "sky":
            answer = await self.line.ask(form, "GET", path, params=given)
        else:
            answer = await self.line.ask(form, "POST", path, json=given)
        if answer is None:
            self.lane.unknown.add(serial)
        elif answer.status_code in BUSY:
            self.lane.refused.add(serial)
        elif answer.status_code >= 500:
            self.lane.unknown.add(serial)
        elif answer.status_code != 200:
            self.lane.refused.add(serial)
        else:
            self.lane.acknowledged = serial
            if form != "event":
                self._check(type, serial, answer.json())
        return answer

    def _check(self, type: str, serial: int, told: dict[str, Any]) -> None:
        entered = {"lane": self.name, "serial": serial}
        if entered not in [each["options"] for each in told["directives"]]:
            self.fault(f"{type} {serial} was answered by {str(told)[:300]}")
        failed = bool(told.get("errors"))
        if failed != (type == "failing") and type != "toil":
            self.fault(f"{type} {serial}: found the errors {told.get('errors')}")


class Teller(InLane):
    """Raises events of all kinds, and asks what came of them."""

    CHOICES = (
        (30, "told"),
        (16, "later"),
        (5, "branch"),
        (4, "again"),
        (3, "until"),
        (4, "named"),
        (10, "pass"),
        (1, "child"),
        (4, "failing"),
        (5, "ask"),
        (3, "consult"),
        (2, "program"),
        (18, "query"),
    )

    async def act(self) -> None:
        weights, names = zip(*self.CHOICES, strict=True)
        (chosen,) = self.chance.choices(names, weights)
        await getattr(self, f"_{chosen}")()

    def _after(self, most: int = 3_000) -> int:
        return self.chance.randint(0, most)

    async def _told(self) -> None:
        await self.tell("told", self.chance.choice(("event-wait", "event", "sky")))

    async def _later(self) -> None:
        await self.tell("later", self.chance.choice(("event-wait", "event")), after=self._after())

    async def _branch(self) -> None:
        width, depth = self.chance.choice(((4, 1), (2, 2), (3, 2), (2, 3)))
        await self.tell("branch", width=width, depth=depth, after=self._after(1_000))

    async def _again(self) -> None:
        await self.tell("again", count=self.chance.randint(1, 4))

    async def _until(self) -> None:
        await self.tell("until", after=self.chance.randint(1_500, 4_000))

    async def _named(self) -> None:
        await self.tell("named", after=self._after(4_000))

    async def _pass(self) -> None:
        houses = self.chance.sample(self.scene.houses, min(3, len(self.scene.houses)))
        await self.tell("pass", route=[each.eci for each in houses], own=self.house.eci)

    async def _child(self) -> None:
        await self.tell("child", own=self.house.eci, after=self._after(2_000))

    async def _failing(self) -> None:
        await self.tell("failing", after=self._after())

    async def _ask(self) -> None:
        await self.tell("ask", url=f"{self.scene.outside_url}/echo", after=self._after())

    async def _consult(self) -> None:
        other = self.chance.choice([each for each in self.scene.houses if each is not self.house])
        await self.tell("consult", eci=other.eci)

    async def _program(self) -> None:
        await self.tell("program", program=TEE, file=str(self.scene.programs))

    async def _query(self) -> None:
        path = f"/c/{self.house.eci}/query/ledger/book"
        answer = await self.line.ask("query", "GET", path, params={"lane": self.name})
        if answer is None or answer.status_code != 200:
            return
        book = answer.json()
        if book["last"] < self.lane.acknowledged:
            self.fault(f"{self.lane.acknowledged} was acknowledged, and a query has {book['last']}")
        if book["wrong"]:
            self.fault(f"the ledger of {self.house.name} has found {book['wrong'][:3]}")


class Keyed(InLane):
    """Raises each event with a key until it is answered; some again, or twice at once. Each comes once."""

    every = 2.0

    async def act(self) -> None:
        serial, way = self.lane.next(), self.chance.random()
        answers = await asyncio.gather(*(self._raised(serial) for _ in range(2 if way < 0.2 else 1)))
        if way > 0.7:
            answers.append(await self._raised(serial))
        told = [each for each in answers if each is not None]
        if not told:
            self.lane.refused.add(serial)
            return
        self.lane.acknowledged = serial
        if len({each["eid"] for each in told}) > 1 or sum(1 for each in told if each["directives"]) > 1:
            self.fault(f"{serial} came several times and was answered by {str(told)[:500]}")

    async def _raised(self, serial: int) -> dict[str, Any] | None:
        path = f"/c/{self.house.eci}/event-wait/ledger/told"
        answer = await self.line.insist(
            "once",
            "POST",
            path,
            json={"lane": self.name, "serial": serial},
            headers={KEY: f"{self.name} {serial}"},
        )
        told: dict[str, Any] | None = answer.json() if answer.status_code == 200 else None
        return told


class Toiler(InLane):
    """Has a rule toil beyond its bounds, now and then: it fails, and nobody else is any the worse."""

    every = 150.0

    async def act(self) -> None:
        answer = await self.tell("toil")
        if answer is not None and answer.status_code == 200 and not answer.json().get("errors"):
            self.fault("a rule that toils without end was let be")


class Steerer(InLane):
    """Schedules an event and then changes its schedule from outside; what it must come to is known."""

    every = 2.0

    async def act(self) -> None:
        repeats = self.chance.random() < 0.4
        attrs = {"count": self.chance.randint(2, 5)} if repeats else {"after": self.chance.randint(0, 4_000)}
        answer = await self.tell("again" if repeats else "later", "raise", **attrs)
        if answer is None or answer.status_code != 200:
            return
        (made,) = answer.json()["made"]
        for _ in range(self.chance.randint(1, 4)):
            await asyncio.sleep(self.chance.uniform(0, 1.2))
            await self._change(made["id"], repeats)
        await self._let_go(made["id"])
        row = (await self.line.insist("row", "GET", f"/api/scheduled/{made['id']}")).json()
        if row["status"] == "cancelled":
            await self._forgive(row["attrs"]["key"])

    async def _change(self, id: str, repeats: bool) -> None:
        path, chance = f"/api/scheduled/{id}", self.chance
        choices = ["pause", "pause_for", "resume", "move", "by", "fire", "cancel", "many"]
        chosen = chance.choice([*choices, "reschedule"] if repeats else choices)
        now = (await self.line.insist("row", "GET", path)).json()
        body: dict[str, Any] | None = None
        if chosen == "pause_for":
            chosen, body = "pause", {"until": now["due"] or "2000-01-01T00:00:00Z"}
        elif chosen == "move":
            body = {"to": now["created"]}
        elif chosen == "by":
            chosen, body = "move", {"by": f"{chance.randint(1, 2)}s"}
        elif chosen == "reschedule":
            body = {"timespec": chance.choice(("*/2 * * * * *", "@every 3s", "* * * * * *"))}
        if chosen == "cancel":
            if chance.random() < 0.6:
                return
            await self.line.ask("steer", "DELETE", path, fine=(200, 409))
        elif chosen == "many":
            many = {"ids": [id], "change": "pause", "until": now["due"] or now["created"]}
            await self.line.ask("steer", "POST", "/api/changes", json=many)
        else:
            fine = (200, 404, 409)  # it came meanwhile
            await self.line.ask("steer", "POST", f"{path}/{chosen}", fine=fine, json=body)

    async def _let_go(self, id: str) -> None:
        """Nothing is to wait for somebody who is gone."""
        while (row := (await self.line.insist("row", "GET", f"/api/scheduled/{id}")).json())["paused"]:
            if row["paused_until"] is not None:
                return
            await self.line.ask("steer", "POST", f"/api/scheduled/{id}/resume", fine=(200, 409))

    async def _forgive(self, key: str) -> None:
        serial = self.lane.next()
        body = {"lane": self.name, "serial": serial, "key": key}
        headers = {KEY: f"{self.name} {serial}"}
        path = f"/c/{self.house.eci}/event-wait/ledger/forgiven"
        answer = await self.line.insist("once", "POST", path, json=body, headers=headers)
        if answer.status_code != 200:
            self.lane.refused.add(serial)
