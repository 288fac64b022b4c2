"""Registries: the only lists of names. Each holds `name -> "module:attribute"` and loads on first use."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterator, Mapping

from bilinear.decompositions.errors import UnknownNameError


class Registry:
    """A list of names that refuses doubles and suggests near names.

    Attributes:
        kind: What the names stand for, in one word, as the error text says it ("solver").
    """

    def __init__(self, kind: str, entries: Mapping[str, str] | None = None) -> None:
        self.kind = kind
        self._entries: dict[str, str] = {}
        self._loaded: dict[str, object] = {}
        for name, location in (entries or {}).items():
            self.add(name, location)

    def add(self, name: str, location: str) -> None:
        """Register `name` for the object at `location` ("module:attribute").

        Raises:
            ValueError: If the name is taken or the location has no colon.
        """
        key = normalise(name)
        if key in self._entries:
            raise ValueError(f"{self.kind} {key!r} is registered already, as {self._entries[key]}")
        if ":" not in location:
            raise ValueError(f"{self.kind} {key!r}: {location!r} is not of the form 'module:attribute'")
        self._entries[key] = location

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._entries)

    def __contains__(self, name: str) -> bool:
        return normalise(name) in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def load(self, name: str) -> object:
        """The object registered under `name`, its module imported at the first time.

        Raises:
            UnknownNameError: If nothing is registered under that name; the text suggests the nearest one.
        """
        key = normalise(name)
        if key not in self._loaded:
            if key not in self._entries:
                raise UnknownNameError(self._unknown(name))
            module, attribute = self._entries[key].split(":", 1)
            self._loaded[key] = getattr(importlib.import_module(module), attribute)
        return self._loaded[key]

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(normalise(name), self.names(), n=1, cutoff=0.5)
        hint = f" did you mean {near[0]!r}?" if near else ""
        return f"unknown {self.kind} {name[:80]!r}:{hint} known {self.kind}s: {', '.join(self.names())}"


def normalise(name: str) -> str:
    """The form under which a name is stored and looked up."""
    return name.strip().lower().replace("_", "-")
