"""The keys that a ruleset may read as `keys:NAME`: passwords and the like for other services.

They come from its own meta (`key NAME VALUE`), from the meta of a module that it uses and that provides them
to it (`provides keys NAME to RID`), and from configuration; the first that has the name wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from picosched.covered import HIDDEN
from picosched.errors import KrlError

CONFIG = "keys"
"""The part of a ruleset's configuration that holds keys."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the engine's configuration, and the rids of the rulesets that may read it."""

    name: str
    to: tuple[str, ...]
    value: Any = field(repr=False)


@dataclass(slots=True)
class Keys:
    """The keys of one ruleset in one pico."""

    rid: str
    configured: Mapping[str, Any] = field(default_factory=dict, repr=False)
    provided: dict[str, Any] = field(default_factory=dict, repr=False)
    own: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def find(self, name: str) -> Any:
        """The value of a key; `not_found` if there is none."""
        for keys in (self.own, self.provided, self.configured):
            if name in keys:
                return keys[name]
        raise KrlError(
            f"found no key {name} for {self.rid}, wanted `key {name} …` in its meta, a module that provides "
            f"{name} to {self.rid}, or a key of the configuration",
            code="not_found",
        )


def without_config_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    """A ruleset's configuration as it is shown."""
    keys = config.get(CONFIG)
    if not isinstance(keys, Mapping):
        return dict(config)
    return {**config, CONFIG: dict.fromkeys(keys, HIDDEN)}
