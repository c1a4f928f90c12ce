"""Coverage-guided fuzzing of the language: any text parses and evaluates, or raises KrlError, in good time.

    pip install atheris
    python tests/fuzz/fuzz_krl.py -max_total_time=300 -max_len=400

The corpus is the peers' cases. What is found is printed by the fuzzer and ends the run.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["picosched.krl"]):
    from picosched.errors import KrlError
    from picosched.krl.body import evaluate_body
    from picosched.krl.budget import Limits
    from picosched.krl.ruleset import compile_ruleset
    from picosched.krl.running import instantiate

sys.path.insert(0, str(Path(__file__).parent.parent / "krl"))
from scopes import new_scope

CASES = Path(__file__).parent.parent / "cases"
LIMITS = Limits(max_depth=100, max_steps=20_000)


def try_text(given: bytes) -> None:
    text = given.decode("utf-8", "replace")
    try:
        if text.lstrip().startswith("ruleset"):
            instantiate(compile_ruleset(text), new_scope(LIMITS), lambda rid, config: {})
        else:
            evaluate_body(text, new_scope(LIMITS))
    except KrlError as error:
        if error.code == "internal":
            raise


def corpus() -> str:
    folder = Path(tempfile.mkdtemp(prefix="picosched-corpus-"))
    texts = [each["expr"] for each in json.loads((CASES / "expr.json").read_text())["vectors"]]
    texts += [each["src"] for each in json.loads((CASES / "parse_errors.json").read_text())["vectors"]]
    for number, text in enumerate(texts):
        (folder / str(number)).write_text(text)
    return str(folder)


if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[1:], corpus()], try_text)
    atheris.Fuzz()
