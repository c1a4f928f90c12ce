"""`python -m tests.compat` writes docs/compatibility.md; `--check` only says whether that would change it.

The date of the page is that of its last change.
"""

from __future__ import annotations

import sys

from picosched import SystemClock

from .page import PAGE, date_of, page


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        sys.stderr.write(f"found {' '.join(arguments)}, wanted nothing or --check\n")
        return 2
    now_stands = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    today = SystemClock().now().date().isoformat()
    text = page(date_of(now_stands) or today)
    if text == now_stands:
        return 0
    if arguments:
        sys.stderr.write(f"{PAGE.name} is not what `python -m tests.compat` writes\n")
        return 1
    PAGE.write_text(page(today), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
