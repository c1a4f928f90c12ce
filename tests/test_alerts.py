"""Alerts: people and other programs are told what happened to schedules, by request, mail or channel."""

from __future__ import annotations

import json
import socketserver
from base64 import b64encode
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from hooked import Received, receiving, serving

from picosched import Engine, PicoschedError, VirtualClock
from picosched.outside.mail import send_mail
from picosched.pico.delivery import Delivery
from picosched.settings import load_settings

START = "2026-03-01T00:00:00Z"
FAULTY = Path(__file__).parent / "rulesets" / "faulty.krl"
SECRET = "between us"


@pytest.fixture
def hook() -> Iterator[Received]:
    """An HTTP server that takes whatever comes."""
    with receiving() as received:
        yield received


@pytest.fixture
def mail() -> Iterator[Received]:
    """An SMTP server that takes mails for anybody but nobody@."""
    received = Received()

    class Taking(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 here")
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    self.say("354 go on")
                    text = b"".join(iter(self.rfile.readline, b".\r\n"))
                    received.append(message_from_bytes(text))
                refused = verb == b"RCPT" and b"nobody@" in line
                self.say("550 there is nobody" if refused else "221 bye" if verb == b"QUIT" else "250 well")
                if verb == b"QUIT":
                    return

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Taking) as server, serving(server, received):
        yield received


def failing(
    alerts: dict[str, Any],
    hours: int,
    until: str = "2026-03-02T00:00:00Z",
    name: str = "hourly",
    path: Path | str = ":memory:",
    **options: Any,
) -> Engine:
    """An engine whose hourly schedule failed until a time, some hours later."""
    clock = VirtualClock(START)
    engine = Engine(path, clock=clock, min_period=0, alerts=alerts, http_allow=("127.0.0.1",), **options)
    engine.root.install(FAULTY)
    engine.root.raise_event("plan", "broken", {"until": until})
    engine.root.raise_event("plan", "repeat", {"when": "0 * * * *", "_name": name})
    for _ in range(hours):
        clock.advance(hours=1)
        engine.run_due()
    engine.run_due()
    return engine


def test_a_request_is_signed_and_tells_of_failures_and_of_the_recovery(hook: Received) -> None:
    alert = {"to": f"http://127.0.0.1:{hook.port}/hook", "after": 2, "secret": SECRET}
    with failing({"ops": alert}, 5, until="2026-03-01T03:30:00Z") as engine:
        assert engine.deliveries() == []
        (told_of,) = engine.alerts()
        assert (told_of.waiting, told_of.dead) == (0, 0)
        assert told_of.last is not None and told_of.last.became == "accepted"
        root = engine.root.id
    told = [json.loads(body) for _, body in hook]
    assert [(each["happened"], each["failures"], each["nominal"]) for each in told] == [
        ("failed", 2, "2026-03-01T02:00:00Z"),
        ("recovered", 3, "2026-03-01T04:00:00Z"),
    ]
    assert (told[0]["name"], told[0]["pico"]) == ("hourly", root)
    assert "cannot - a String and a Number" in told[0]["why"]
    for place, (headers, _) in enumerate(hook):
        assert headers["X-Picosched-Signature"] == hook.signature(SECRET, place)
        assert headers["Idempotency-Key"]


def test_what_gives_access_in_a_url_is_used_but_shown_nowhere(
    hook: Received, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"http://ada:hunter2@127.0.0.1:{hook.port}/hook?key=hunter3"
    with failing({"ops": {"to": url}}, 1):
        ((headers, _),) = hook
    assert headers["Authorization"] == "Basic " + b64encode(b"ada:hunter2").decode()
    wrong = "http://ada:hunter2@127.0.0.1:1/hook?key=hunter3"  # nobody answers there
    with failing({"ops": {"to": wrong}}, 1, path=tmp_path / "picos.db") as engine:
        (delivery,) = engine.deliveries()
        assert delivery.tries == 1
        assert delivery.as_json()["url"] == "http://127.0.0.1:1/…"
        engine.write(engine.store.deliveries.give_up, delivery.id, engine.now(), "it is gone")
        shown = [*engine.deliveries(dead=True), *engine.journal(), *engine.history()]
        assert "hunter" not in repr(
            [each.as_json() if isinstance(each, Delivery) else each for each in shown]
        )
    assert "hunter" not in caplog.text
    with pytest.raises(PicoschedError) as told:
        load_settings(None, {}, alerts={"ops": {"to": "ftp://ada:hunter2@host/"}})
    assert "hunter" not in str(told.value)


def test_a_mail_says_what_failed(mail: Received) -> None:
    smtp = f"smtp://127.0.0.1:{mail.port}"
    with failing({"ops": {"to": "mailto:ops@example.org"}}, 1, smtp=smtp):
        (message,) = mail
    assert (message["To"], message["Subject"]) == ("ops@example.org", "picosched: hourly failed")
    assert "nominal: 2026-03-01T01:00:00Z" in message.get_payload(decode=True).decode()


def test_a_mail_that_is_refused_is_a_dead_letter(mail: Received) -> None:
    smtp = f"smtp://127.0.0.1:{mail.port}"
    with failing({"ops": {"to": "mailto:nobody@example.org"}}, 1, smtp=smtp) as engine:
        (letter,) = engine.deliveries(dead=True)
        (told_of,) = engine.alerts()
    assert (mail, letter.error) == ([], "refused it: 400 550 there is nobody")
    assert letter.sender == "alert ops"
    assert told_of.dead == 1 and told_of.last is not None
    assert told_of.last[1:] == ("hourly failed", "given up", "refused it: 400 550 there is nobody")


def test_an_alert_is_an_event_through_a_channel(tmp_path: Path) -> None:
    """In whichever pico the channel belongs to."""
    path = tmp_path / "picos.db"
    with Engine(path, VirtualClock(START)) as engine:
        pager = engine.new_pico("pager")
        pager.install(FAULTY)
        eci, id = pager.new_channel().eci, pager.id
    clock = VirtualClock(START)
    with Engine(path, clock, alerts={"pager": {"to": f"eci:{eci}", "on": ["late"]}}) as engine:
        engine.root.install(FAULTY)
        engine.root.raise_event("plan", "at", {"when": "2026-03-01T01:00:00Z"})
        clock.advance(hours=2)
        engine.run_due()
        told = engine.pico(id).query("faulty", "told")
        assert isinstance(told, dict)
        assert (told["happened"], told["pico"], told["lateness"]) == ("late", engine.root.id, 3_600)


def test_an_alert_through_a_channel_obeys_max_pending(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "picos.db"
    with Engine(path, VirtualClock(START)) as engine:
        eci = engine.root.new_channel().eci
    with failing({"pager": {"to": f"eci:{eci}"}}, 2, path=path, max_pending=1) as engine:
        assert len(engine.scheduled()) == 1
    assert "the alert pager is not told of schedule:failed: its pico has max_pending events" in caplog.text


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        ({}, r"found \[\], wanted a table of `to`"),
        ({"to": "ops"}, "found 'ops', wanted as `to` a URL"),
        (
            {"to": "mailto:<a@b>"},
            "found 'mailto:<a@b>', wanted as `to` a URL of http or https, \"mailto:\" and an address such",
        ),
        *(
            ({"to": f"mailto:{each}"}, "and an address such as me@example.org")
            for each in (
                "Me<a@b>",
                "a\x1bb@c",
                "a\u0085b@c",
                "a@b\u202ec",
                "a,c@b",
                "a@b,c@d",
                "a@b;",
                "(c)a@b",
                '"a"@b',
                "a..c@b",
                "a@b..c",
                "a@",
                "a@[b",
            )
        ),
        (
            {"to": "https://x/", "on": ["fired"]},
            "found .'fired'., wanted as `on` a list of some of",
        ),
        ({"to": "https://x/", "after": 0}, "found 0, wanted as `after` how many failures"),
        ({"to": "https://x/", "secret": 1}, "found int, wanted a text as `secret`"),
        ({"to": "https://x/", "if": 1}, "found .'if', 'to'., wanted a table of `to`"),
    ],
)
def test_what_an_alert_may_say(table: dict[str, Any], wanted: str) -> None:
    with pytest.raises(PicoschedError, match=wanted) as caught:
        load_settings(None, {}, alerts={"ops": table})
    assert "the alert ops" in caught.value.message


def test_alerts_are_tables_of_the_configuration(tmp_path: Path) -> None:
    toml = tmp_path / "picosched.toml"
    toml.write_text(
        '[engine]\nsmtp = "smtps://m.example"\n[alert.ops]\nto = "mailto:a@b.example"\nafter = 3\n'
    )
    (alert,) = load_settings(toml, {}).alerts
    assert (alert.name, alert.to, alert.after, alert.on) == (
        "ops",
        "mailto:a@b.example",
        3,
        ("failed", "missed"),
    )
    toml.write_text('[engine]\nsmtp = "mail.example"\n')
    with pytest.raises(PicoschedError, match="smtp: found another text, wanted a URL such as"):
        load_settings(toml, {})


@pytest.mark.parametrize(
    "name",
    ["=?utf-8?q?a=0AX-Evil=3A_1=0A=0Ahello?=", "=?utf-8?q?=ff?=😀", "a\r\nBcc: b@c.example", "\x85\u2028x"],
)
def test_a_name_cannot_write_headers_of_a_mail(mail: Received, name: str) -> None:
    smtp = f"smtp://127.0.0.1:{mail.port}"
    with failing({"ops": {"to": "mailto:ops@example.org"}}, 1, smtp=smtp, name=name) as engine:
        assert engine.deliveries(dead=True) == []
    (message,) = mail
    assert {*message.keys()} <= {
        *("To", "From", "Subject", "MIME-Version", "Content-Type", "Content-Transfer-Encoding")
    }
    assert message["To"] == "ops@example.org"


def test_a_mail_that_cannot_be_made_is_refused_for_good(mail: Received) -> None:
    """As of an alert that an older picosched let be made."""
    answer = send_mail(f"smtp://127.0.0.1:{mail.port}", "(b@example.org", "failed", "")
    assert answer.status == 400 and "cannot be sent as a mail" in answer.reason and mail == []
