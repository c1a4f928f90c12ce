"""Rulesets on picos; checking and formatting texts."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from picosched import standard
from picosched.check import Finding, check
from picosched.clock import format_time
from picosched.engine.engine import Engine
from picosched.engine.flushing import flush
from picosched.engine.pico import PicoRef
from picosched.errors import PicoschedError
from picosched.krl.printer import formatted
from picosched.krl.ruleset import Ruleset, compile_ruleset
from picosched.store.picos import InstalledRow
from picosched.web.api.needs import AUTHOR, READ
from picosched.web.api.picos import installed_shape
from picosched.web.api.shapes import AnEngine, Input, InstalledShape, Whole, load
from picosched.web.errors import HttpError

router = APIRouter(prefix="/api", tags=["rulesets"])

LONGEST = 2_000_000


class Install(Input):
    """A ruleset to install: its text, or its URL."""

    text: str | None = Field(None, max_length=LONGEST)
    url: str | None = Field(None, max_length=2_000, description="http or https, or of a standard ruleset.")
    config: dict[str, Any] | None = Field(None, description="Default: keep the current one.")


class WholeRuleset(InstalledShape):
    """A ruleset on a pico, with its text and variables there."""

    text: str
    variables: Whole[dict[str, Any]]


class Text(Input):
    """The text of a ruleset."""

    text: str = Field(max_length=LONGEST)
    name: str | None = Field(
        None, max_length=200, description="The file name in findings, by default the rid."
    )


class FindingShape(BaseModel):
    """An error or a warning; lines and columns count from 1, the end column is exclusive."""

    code: str
    severity: str
    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    message: str


class NewRuleset(InstalledShape):
    """A ruleset that was installed, with the warnings about its text."""

    warnings: list[FindingShape]


class VersionShape(BaseModel):
    """A text that was installed."""

    seq: int
    pico_id: str
    rid: str
    hash: str
    origin: str | None
    at: str
    by: str = Field(description="Who installed it.")


class Compared(Input):
    """A text to compare with the installed one, or a version."""

    text: str | None = Field(None, max_length=LONGEST)
    hash: str | None = Field(None, max_length=64, description="Of the version, or its beginning.")


class DiffShape(BaseModel):
    diff: str = Field(description="A unified diff; empty if nothing differs.")


class Back(Input):
    """The version to install again."""

    hash: str | None = Field(None, max_length=64, description="Or its beginning. Default: the last before.")


class CompilerWarning(BaseModel):
    """A warning about a text, as the Node engine's compiler shapes it."""

    loc: dict[str, dict[str, int]]
    message: str


class Compiler(BaseModel):
    version: str
    warnings: list[CompilerWarning]


class Reloaded(BaseModel):
    """A ruleset that was read again, and how many picos have it."""

    url: str
    rid: str
    hash: str
    flushed: str
    compiler: Compiler
    picos: int


class Laid(BaseModel):
    """A formatted text."""

    text: str
    changed: bool


@router.get("/picos/{pico}/rulesets", dependencies=[READ])
def list_rulesets(pico: str, engine: AnEngine) -> list[InstalledShape]:
    """The rulesets of a pico, in the order of installation."""
    return [installed_shape(each) for each in load(engine, pico).rulesets().values()]


@router.post("/picos/{pico}/rulesets", dependencies=[AUTHOR], status_code=201)
def install(pico: str, new: Install, engine: AnEngine) -> NewRuleset:
    """Install a ruleset, or replace it, keeping its variables and schedules.

    400 for errors in its text: `errors` lists them all, as `/api/check` does.
    """
    found = load(engine, pico)
    return _new(engine, found, found.install(_source(new), new.config))


def _new(engine: Engine, pico: PicoRef, ruleset: Ruleset) -> NewRuleset:
    """A ruleset that was just installed, with the warnings about its text."""
    shape = installed_shape(_installed(pico, ruleset.rid))
    found = _findings(ruleset.source.text, ruleset.source.name, engine)
    warnings = [each for each in found if each.severity == "warning"]
    return NewRuleset(**shape.model_dump(), warnings=warnings)


@router.get("/picos/{pico}/rulesets/{rid}/versions", dependencies=[READ])
def list_versions(pico: str, rid: str, engine: AnEngine) -> list[VersionShape]:
    """Which texts of a ruleset a pico had, newest first: the first is the one installed."""
    return [VersionShape(**each.as_json()) for each in load(engine, pico).versions(rid)]


@router.post("/picos/{pico}/rulesets/{rid}/diff", dependencies=[READ])
def show_diff(pico: str, rid: str, what: Compared, engine: AnEngine) -> DiffShape:
    """From the installed text to another; or from a version, by default the last before, to the installed."""
    return DiffShape(diff=load(engine, pico).diff(rid, what.text, what.hash))


@router.post("/picos/{pico}/rulesets/{rid}/back", dependencies=[AUTHOR])
def go_back(pico: str, rid: str, to: Back, engine: AnEngine) -> NewRuleset:
    """Install a version again, by default the last before; variables and schedules stay."""
    found = load(engine, pico)
    return _new(engine, found, found.go_back(rid, to.hash))


@router.get("/picos/{pico}/rulesets/{rid}", dependencies=[READ])
def show_ruleset(pico: str, rid: str, engine: AnEngine) -> WholeRuleset:
    """A ruleset on a pico, with its text and variables."""
    found = load(engine, pico)
    row = _installed(found, rid)
    kept = engine.read(lambda: engine.store.picos.find_ruleset(row.hash))
    if kept is None:
        raise PicoschedError(f"the text of {rid} is gone", "not_found")
    variables = engine.read(lambda: engine.store.picos.entities(found.id, rid))
    return WholeRuleset(**installed_shape(row).model_dump(), text=kept.text, variables=variables)


@router.delete("/picos/{pico}/rulesets/{rid}", dependencies=[AUTHOR], status_code=204)
def uninstall(pico: str, rid: str, engine: AnEngine) -> None:
    """Uninstall a ruleset, delete its variables and cancel its schedules. 409 if another ruleset uses it."""
    load(engine, pico).uninstall(rid)


@router.post("/flush", dependencies=[AUTHOR])
@router.get("/flush", dependencies=[AUTHOR])
def flush_ruleset(
    url: Annotated[str, Query(max_length=2_000)], request: Request, engine: AnEngine
) -> Reloaded:
    """Read a ruleset again from its URL, for all picos that have it; by GET too, as in the Node engine."""
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise HttpError(403, "found a request from another page, wanted one of this server's")
    ruleset, picos = flush(engine, url)
    warnings = [
        CompilerWarning(
            loc={
                "start": {"line": each.span.line, "column": each.span.column},
                "end": {"line": each.span.end_line, "column": each.span.end_column},
            },
            message=each.message,
        )
        for each in _found(engine, ruleset.source.text, url)
    ]
    return Reloaded(
        url=url,
        rid=ruleset.rid,
        hash=ruleset.hash,
        flushed=format_time(engine.now()),
        compiler=Compiler(version=f"picosched {version('picosched')}", warnings=warnings),
        picos=picos,
    )


@router.post("/check", dependencies=[READ])
def check_text(source: Text, engine: AnEngine) -> list[FindingShape]:
    """All errors and warnings for a text, in order."""
    return _findings(source.text, source.name, engine)


def _findings(text: str, name: str | None, engine: Engine) -> list[FindingShape]:
    return [
        FindingShape(
            code=each.code,
            severity=each.severity,
            file=each.span.file,
            line=each.span.line,
            column=each.span.column,
            end_line=each.span.end_line,
            end_column=each.span.end_column,
            message=each.message,
        )
        for each in _found(engine, text, name)
    ]


@router.post("/format", dependencies=[READ])
def format_text(source: Text) -> Laid:
    """Format a text. 400 for a syntax error."""
    text = formatted(source.text, source.name)
    return Laid(text=text, changed=text != source.text)


def _source(new: Install) -> str:
    """The text or URL to install. Callers may not name files on the server."""
    if (new.text is None) == (new.url is None):
        raise PicoschedError('wanted either "text" or "url"')
    if new.url is None:
        assert new.text is not None
        return checked_ruleset(new.text)
    if not new.url.lower().startswith(("http://", "https://")) and not standard.is_standard(new.url):
        raise PicoschedError(
            f'found the url "{new.url}", wanted http:, https: or {standard.PLACE}', "refused"
        )
    return new.url


def checked_ruleset(text: str) -> str:
    """The text, checked to be a ruleset, so that it is never treated as a path or URL; or the URL of a
    standard ruleset. KrlError if it is neither."""
    if standard.is_standard(text):
        return text
    text = text if "\n" in text else f"{text}\n"
    compile_ruleset(text)
    return text


def _installed(pico: PicoRef, rid: str) -> InstalledRow:
    row = pico.rulesets().get(rid)
    if row is None:
        raise PicoschedError(f"the pico {pico.name} has no ruleset {rid}", "not_found")
    return row


def _found(engine: AnEngine, text: str, name: str | None) -> list[Finding]:
    return check(text, name, engine.settings.almanac, engine.now(), settings=engine.settings_with_windows())
