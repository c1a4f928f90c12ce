"""A process that has a database open: it opens what it is told to, and says what came of each order.

Orders are `open NAME`, `read NAME`, `write KEY` and `close`, one a line. It answers `ok`, or the code and
words of the error.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from picosched import PicoschedError, Store, Turn

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def main() -> None:
    store: Store | None = None
    for line in sys.stdin:
        order, _, name = line.strip().partition(" ")
        try:
            if order in ("open", "read"):
                store = Store(name, readonly=order == "read")
            elif store is not None and order == "close":
                store.close()
            elif store is not None:
                with store.transaction():
                    store.write(Turn(name, "p", NOW, entities={("tea", name): 1}))
            print("ok", flush=True)  # noqa: T201
        except PicoschedError as error:
            print(f"{error.code}: {error.message}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
