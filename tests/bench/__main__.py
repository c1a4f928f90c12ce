"""`python -m tests.bench NAME…`: run measurements, each in a process of its own, and print their tables."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import TextIO

from tests.bench.machine import machine
from tests.bench.measurements import ASKED_FOR, NAMES, about, rows_of
from tests.bench.page import check, write
from tests.bench.peer import installed_peer, peer_in
from tests.bench.report import as_json, line_of, pooled, table
from tests.bench.setup import Setup
from tests.bench.side_by_side import in_a_process_of_its_own


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    if options.list:
        for name in (*NAMES, *ASKED_FOR):
            say(f"{name:14} {about(name)}")
        return 0
    unknown = [name for name in options.names if name not in (*NAMES, *ASKED_FOR)]
    if unknown:
        say(f"found {', '.join(unknown)}, wanted some of {', '.join((*NAMES, *ASKED_FOR))}", sys.stderr)
        return 2
    if options.write:
        check(options.names or NAMES)
    setup = Setup(1, 0.02) if options.quick else Setup()
    if options.peer or options.peer_in:
        try:
            modules = peer_in(options.peer_in) if options.peer_in else installed_peer()
            setup = Setup(setup.repeats, setup.scale, modules)
        except (OSError, subprocess.SubprocessError) as error:
            told = getattr(error, "stderr", None) or error
            say(f"the peer cannot be installed and is left out: {told}", sys.stderr)
    here = machine()
    if not options.json:
        say("\n".join(f"{key}: {value}" for key, value in here.items()) + "\n")
    found = {}
    lines_of = {}
    failed = []
    for name in options.names or NAMES:
        say(f"{name} …", sys.stderr)
        begun = perf_counter()
        try:
            runs = [in_a_process_of_its_own(rows_of, name, setup) for _ in range(options.runs)]
        except Exception as error:
            say(f"{name} failed: {type(error).__name__}: {error}", sys.stderr)
            failed.append(name)
            continue
        say(f"{name}: {perf_counter() - begun:.0f} s", sys.stderr)
        by_row = list(zip(*runs, strict=True))
        lines = lines_of[name] = [line_of(rows) for rows in by_row]
        if options.json:
            found[name] = as_json([pooled(rows) for rows in by_row], lines)
        else:
            say(table(f"{name}: {about(name)}", lines))
    if options.json:
        say(
            json.dumps(
                {"machine": here, "runs": options.runs, "measurements": found}, indent=1, ensure_ascii=False
            )
        )
    if options.write:
        write(here, options.runs, lines_of)
    return 1 if failed else 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    made.add_argument("names", nargs="*", metavar="NAME", help="a measurement; without one all but machines")
    made.add_argument("--list", action="store_true", help="name the measurements")
    made.add_argument("--json", action="store_true", help="print one JSON value, with every sample")
    made.add_argument(
        "--peer", action="store_true", help="measure pico-engine-core beside us; installs it with npm"
    )
    made.add_argument(
        "--peer-in", type=Path, metavar="FOLDER", help="the same, with the modules that a folder has already"
    )
    made.add_argument("--write", action="store_true", help="write the figures into docs/performance.md")
    made.add_argument("--runs", type=int, default=1, help="run everything so many times; medians of the runs")
    made.add_argument(
        "--quick", action="store_true", help="tiny counts: shows that all runs, measures nothing"
    )
    return made


def say(text: str, where: TextIO | None = None) -> None:
    (where or sys.stdout).write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
