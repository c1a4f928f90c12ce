"""Parse and compile 1,000 lines of ruleset; the first parse of a process, with and without kept tables."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from time import perf_counter

from picosched import compile_ruleset
from picosched.krl import grammar
from picosched.krl.resolver import resolve
from picosched.krl.source import Source
from tests.bench.setup import Setup, asked
from tests.bench.side_by_side import OURS, PEER, Row, in_a_process_of_its_own, seconds, side_by_side

RULE = """\
  rule order_@ {
    select when order placed_@ amount re#^(\\d+)$# setting(amount)
    pre {
      customer = event:attrs{"customer"}.defaultsTo("guest")
      total = amount.as("Number") * 1.19
      text = <<Thank you, #{customer}: #{total} is due in two weeks>>
      due = time:add(time:now(), {"days": 14})
    }
    if total > 0 && customer != "nobody" then every {
      send_directive("thanks", {"text": text, "total": total})
      send_directive("due", {"at": due})
    }
    fired {
      ent:orders_@ := ent:orders_@.defaultsTo([]).append({"customer": customer, "total": total})
      schedule order event "overdue_@" at due attributes {"customer": customer, "total": total}
      raise order event "counted" attributes {"number": ent:orders_@.length()}
    } else {
      log warn "an order of nothing"
    }
  }
"""
FUNCTION = """\
def order_@(event, entities, effects):
    amount = re.match("^(\\\\d+)$", event.attrs["amount"])
    if amount is None:
        return
    customer = event.attrs.get("customer", "guest")
    total = float(amount[1]) * 1.19
    text = f"Thank you, {customer}: {total} is due in two weeks"
    due = now() + timedelta(days=14)
    if total > 0 and customer != "nobody":
        effects.direct("thanks", {"text": text, "total": total})
        effects.direct("due", {"at": due})
        orders = entities.get("orders_@", [])
        orders.append({"customer": customer, "total": total})
        entities["orders_@"] = orders
        attributes = {"customer": customer, "total": total}
        effects.schedule("order", "overdue_@", due, attributes)
        effects.raise_event("order", "counted", {"number": len(orders)})
    else:
        effects.log("warn", "an order of nothing")

"""


def ruleset_text(lines: int) -> str:
    """A ruleset of about that many lines: one rule again and again, with other names."""
    count = max(1, lines // RULE.count("\n"))
    rules = "".join(RULE.replace("@", str(number)) for number in range(count))
    return f"ruleset generated {{\n{rules}}}\n"


def measure(setup: Setup) -> list[Row]:
    text = ruleset_text(setup.times(1_000))
    functions = "".join(FUNCTION.replace("@", str(number)) for number in range(text.count("rule order")))
    source = Source("generated.krl", text)
    tree = grammar.parse(source)
    per_1000 = 1_000 / text.count("\n") * 1_000  # and in ms
    python_per_1000 = 1_000 / functions.count("\n") * 1_000

    def timed(work: Callable[[], object]) -> Callable[[], float]:
        return lambda: seconds(work) * per_1000

    with setup.peer() as peer:
        return [
            side_by_side(
                "lexer and parser, 1,000 lines",
                "ms",
                {OURS: timed(lambda: grammar.parse(source))},
                repeats=setup.repeats,
            ),
            side_by_side(
                "resolver, 1,000 lines",
                "ms",
                {OURS: timed(lambda: resolve(tree, source))},
                repeats=setup.repeats,
            ),
            side_by_side(
                "compile_ruleset in all, 1,000 lines",
                "ms",
                {
                    OURS: timed(lambda: compile_ruleset(text)),
                    "Python compiling as many lines of Python": lambda: (
                        seconds(lambda: compile(functions, "functions.py", "exec")) * python_per_1000
                    ),
                    PEER: asked(peer, "compile", per_1000, text=text),
                },
                repeats=setup.repeats,
            ),
            side_by_side(
                "first ruleset of a process (20 lines), tables kept",
                "ms",
                {OURS: lambda: in_a_process_of_its_own(first_ruleset, False) * 1_000},
                repeats=setup.few(5),
            ),
            side_by_side(
                "first ruleset of a process (20 lines), tables cold",
                "ms",
                {OURS: lambda: in_a_process_of_its_own(first_ruleset, True) * 1_000},
                repeats=setup.few(5),
            ),
        ]


def first_ruleset(cold: bool) -> float:
    """Seconds to compile a first ruleset; `cold`: the parser's tables have to be built."""
    text = ruleset_text(20)
    with tempfile.TemporaryDirectory() as folder:
        if cold:
            os.environ["XDG_CACHE_HOME"] = folder
        begun = perf_counter()
        compile_ruleset(text)
        return perf_counter() - begun
