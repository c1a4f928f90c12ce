"""A turn's changes to children, channels, rulesets and sources. Data, like the rest of a turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from picosched.pico.channel import Channel
from picosched.sources.source import Source


@dataclass(frozen=True, slots=True)
class RulesetText:
    """A ruleset to install: its text, where it came from, its configuration."""

    text: str
    origin: str | None
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewPico:
    """A new child, with its channel for the parent and the parent's channel for it."""

    id: str
    name: str
    rulesets: tuple[RulesetText, ...]
    down: Channel
    up: Channel
    channels: tuple[Channel, ...] = ()
    """Further channels of the child."""


@dataclass(frozen=True, slots=True)
class DeletePico:
    id: str


@dataclass(frozen=True, slots=True)
class PutChannel:
    """Make a channel, or change its policies and tags."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class DeleteChannel:
    eci: str


@dataclass(frozen=True, slots=True)
class Install:
    rid: str
    ruleset: RulesetText


@dataclass(frozen=True, slots=True)
class Uninstall:
    rid: str


@dataclass(frozen=True, slots=True)
class AddSource:
    id: str
    source: Source


@dataclass(frozen=True, slots=True)
class RemoveSource:
    id: str


@dataclass(frozen=True, slots=True)
class PauseSource:
    """Pause a source until `until`, or until it is resumed."""

    id: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class ResumeSource:
    id: str


SourceChange = AddSource | RemoveSource | PauseSource | ResumeSource
Change = NewPico | DeletePico | PutChannel | DeleteChannel | Install | Uninstall | SourceChange


def channels_of(change: Change) -> Sequence[Channel]:
    """The channels that a change makes."""
    match change:
        case NewPico():
            return (change.down, change.up, *change.channels)
        case PutChannel(channel):
            return (channel,)
    return ()
