"""A small ruleset to begin with: what the editor shows first, and what one click installs and starts."""

from __future__ import annotations

from nicegui.element import Element

from picosched.web.console.frame import Console, notify
from picosched.web.console.parts import button, empty

EXAMPLE = """ruleset hello {
  meta {
    shares greetings
  }

  global {
    greetings = function() { ent:greetings.defaultsTo(0) }
  }

  rule greet {
    select when hello started
    send_directive("say", {"text": "hello"})
    always {
      ent:greetings := greetings() + 1;
      schedule notification event "greet_again" at time:add(time:now(), {"minutes": 1})
    }
  }

  rule again {
    select when notification greet_again
    send_directive("say", {"text": "hello again"})
  }
}
"""


def try_example(console: Console, what: str, more: str) -> Element:
    """An empty state that offers to install the example on the root pico and to raise its first event."""

    def work() -> None:
        root = console.engine.root
        if "hello" not in root.rulesets():  # which may be somebody's own
            root.install(EXAMPLE)
        root.raise_event("hello", "started", {})

    async def act() -> None:
        with console.telling_errors():
            await console.run(work)
            notify("The ruleset hello is installed on the root pico; hello:started was raised")

    element = empty(what, more, None, ("Write a ruleset", "/edit"), ("Raise an event", "/events"))
    with element:
        button("Try an example", act, "primary", needs="installed").props.setdefault(
            "title",
            "Installs the ruleset hello on the root pico, and raises hello:started, which schedules an event",
        )
    return element
