"""`python -m tests.soak`: have a real server under mixed load for a while, and check that all promises hold.

The exit status is 0 if they did. The database is kept if they did not, or with `--folder`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.soak.report import Report
from tests.soak.run import Plan, Run


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    plan = Plan(
        seconds=options.minutes * 60,
        seed=options.seed,
        kill_every=options.kill_every,
        rate=options.rate,
        houses=options.picos,
    )
    folder = options.folder or Path(tempfile.mkdtemp(prefix="picosched-soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    say(f"{options.minutes:g} minutes, seed {plan.seed}, in {folder}")
    report = asyncio.run(played(Run(plan, folder, say)))
    say("\n".join(report.lines()))
    if options.json is not None:
        options.json.write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    if report.sound and options.folder is None:
        shutil.rmtree(folder)
    return 0 if report.sound else 1


async def played(run: Run) -> Report:
    """The whole run; a signal ends its load early."""
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, lambda: run.end())
    return await run.play()


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    made.add_argument("--minutes", type=float, default=10, help="of load; 10 unless said")
    made.add_argument("--seed", default="1", help="of what clients do; what they meet is up to the machine")
    made.add_argument(
        "--kill-every", type=float, metavar="S", help="kill -9 the server every S seconds or so"
    )
    made.add_argument("--rate", type=float, default=60, help="things done in a second, about; 60 unless said")
    made.add_argument("--picos", type=int, default=6, help="with a ledger; 3 at least, 6 unless said")
    made.add_argument("--folder", type=Path, help="where the database is made, and kept")
    made.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return made


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
