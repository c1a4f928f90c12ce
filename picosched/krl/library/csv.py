"""The `csv` module: tables as text, and back.

With a header a table is an array of maps, without one an array of arrays. Parsed cells are strings; encoded
cells are the text of the value, JSON for maps and arrays, empty for null.
"""

from __future__ import annotations

import csv
import io

from picosched.errors import KrlError
from picosched.krl.library.member import function
from picosched.krl.scope import Scope, Value
from picosched.krl.size import (
    BOUNDS,
    check_array,
    claim_array,
    claim_map,
    claim_text,
    claim_texts,
    code,
    too_much,
    visit,
)
from picosched.krl.values import described, json_text, shown, to_string, truth


def options_of(asked: str, opts: Value) -> tuple[str, bool]:
    """The delimiter, and whether the first row is a header."""
    if opts is None:
        opts = {}
    if not isinstance(opts, dict):
        raise KrlError(f"{asked} was given {described(opts)} instead of an options map: {shown(opts)}")
    delimiter = opts.get("delimiter", ",")
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n ':
        raise KrlError(f"{asked} needs one character as delimiter; found {shown(delimiter)}")
    return delimiter, truth(opts.get("header", True))


def parse(scope: Scope, text: Value = None, opts: Value = None) -> Value:
    """The rows of a text: maps by the names of its first row, or arrays if "header" is false."""
    delimiter, header = options_of("csv:parse", opts)
    if not isinstance(text, str):
        raise KrlError(f"csv:parse needs a text; found {described(text)}: {shown(text)}")
    rows = rows_of(text, delimiter)
    if not header or not rows:
        return rows
    names = rows[0]
    claim_array(len(names) * len(rows))
    for number, row in enumerate(rows[1:], 2):
        if len(row) > len(names):
            raise KrlError(f"csv:parse found {len(row)} cells in row {number}, wanted at most {len(names)}")
    for _ in rows[1:]:
        claim_map(len(names), len(names))
    # A row that ends early has null in its last cells.
    return [dict.fromkeys(names) | dict(zip(names, row, strict=False)) for row in rows[1:]]


def rows_of(text: str, delimiter: str) -> list[list[str]]:
    """The non-empty rows, within a limit on cells."""
    rows: list[list[str]] = []
    cells = 0
    code(2 * len(text))
    claim_text(len(text))
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            if row:
                rows.append(row)
                cells += 1 + len(row)
                check_array(cells)
                claim_texts(len(row), 0)
    except csv.Error as cause:
        raise KrlError(f"csv:parse: row {len(rows) + 1} is not CSV: {cause}") from cause
    return rows


def encode(scope: Scope, array: Value = None, opts: Value = None) -> Value:
    """The text of an array of maps, the names of all of them first; or of an array of arrays."""
    delimiter, header = options_of("csv:encode", opts)
    if not isinstance(array, list):
        raise KrlError(f"csv:encode needs an array of rows; found {described(array)}: {shown(array)}")
    for number, row in enumerate(array, 1):
        if not isinstance(row, dict | list):
            raise KrlError(f"csv:encode needs rows that are maps or arrays; row {number} is {described(row)}")
    check_array(sum(map(len, array)))
    visit(len(array) + sum(map(len, array)))
    names = list(dict.fromkeys(name for row in array if isinstance(row, dict) for name in row))
    lines: list[str] = []
    room = BOUNDS.budget.text
    for row in [names, *array] if names and header else array:
        lines.append(
            line([row.get(name) for name in names] if isinstance(row, dict) else row, delimiter, room)
        )
        room -= 1 + len(lines[-1])
    claim_text(sum(map(len, lines)) + len(lines))
    return "\n".join(lines)


def line(row: list[Value], delimiter: str, room: int) -> str:
    """One row as text, of at most `room` characters or so."""
    claim_texts(len(row), 0)
    cells: list[str] = []
    for value in row:
        cells.append(cell(value))
        room -= 1 + len(cells[-1])
        if room < 0:
            raise too_much()
    claim_text(sum(map(len, cells)))
    code(sum(map(len, cells)))
    out = io.StringIO()
    # Cells containing either character of this line end are quoted.
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return out.getvalue().removesuffix("\r\n")


def cell(value: Value) -> str:
    if value is None:
        return ""
    return json_text(value) if isinstance(value, dict | list) else to_string(value)


CSV = {"encode": function(encode), "from_array": function(encode), "parse": function(parse)}
