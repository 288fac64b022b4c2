"""Registries: the only lists of names. Each holds `name -> "module:attribute"` and loads on first use."""

from __future__ import annotations

import difflib
import functools
import importlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from bilinear.decompositions.errors import PluginError, PluginWarning, UnknownNameError

Made = TypeVar("Made")


class Registry:
    """A list of names that refuses doubles and suggests near names.

    Attributes:
        kind: What the names stand for, in one word, as the error text says it ("solver").
        group: The entry points by which other packages add to it; empty where they cannot. They are looked up when all
            names are asked for, or one that is not our own.
        is_open: Whether "module:attribute" is a name as well, of whatever lies there.
    """

    def __init__(
        self, kind: str, entries: Mapping[str, str] | None = None, group: str = "", is_open: bool = False
    ) -> None:
        self.kind = kind
        self.group = group
        self.is_open = is_open
        self._entries: dict[str, str] = {}
        self._others: dict[str, str] | None = None
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
        """All names, sorted; those of other packages among them."""
        return sorted({**self._added(), **self._entries})

    def __contains__(self, name: str) -> bool:
        key = normalise(name)
        return key in self._entries or self._is_place(name) or key in self._added()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def name_of(self, text: str) -> str:
        """A name as it is stored; "module:attribute" as it stands."""
        return text.strip() if self._is_place(text) else normalise(text)

    def load(self, name: str) -> object:
        """The object registered under `name`, its module imported at the first time.

        Raises:
            UnknownNameError: If nothing is registered under that name; the text suggests the nearest one.
            PluginError: If it is another package's, and cannot be imported.
        """
        key = normalise(name)
        if key in self._entries:
            return _imported(self._entries[key])
        if self._is_place(name):
            return self._imported_from_others(name.strip(), name.strip())
        if key in self._added():
            return self._imported_from_others(key, self._added()[key])
        raise UnknownNameError(self._unknown(name))

    def each(self, make: Callable[[str], Made]) -> Iterator[tuple[str, Made]]:
        """All names with what is made of each, our own first; a faulty one of others is passed over with a warning."""
        for name in sorted(self._entries):
            yield name, make(name)
        for name in sorted(self._added()):
            try:
                made = make(name)
            except PluginError as error:
                warnings.warn(PluginWarning(str(error)), stacklevel=2)
            else:
                yield name, made

    def is_ours(self, name: str) -> bool:
        """Whether a name stands for what this program itself holds."""
        return normalise(name) in self._entries

    def _is_place(self, name: str) -> bool:
        return self.is_open and ":" in name

    def _added(self) -> Mapping[str, str]:
        """What other packages add, by name; a name that is taken stays whose it is."""
        if self._others is None:
            self._others = {}
            for name, location in _entry_points(self.group) if self.group else ():
                key = normalise(name)
                taken = self._entries.get(key) or self._others.get(key)
                if ":" not in location or taken not in (None, location):
                    fault = f"the name is taken by {taken}" if taken else "not of the form 'module:attribute'"
                    warnings.warn(PluginWarning(f"{self.kind} {key!r}, at {location!r}: {fault}"), stacklevel=3)
                elif taken is None:
                    self._others[key] = location
        return self._others

    def _imported_from_others(self, name: str, location: str) -> object:
        """What lies there; whatever the import raises is told in one line."""
        try:
            return _imported(location)
        except Exception as error:  # code of others
            fault = f"{type(error).__name__}: {error}"
            is_missing = isinstance(error, ModuleNotFoundError)
            act = "install its package, or put its folder on PYTHONPATH" if is_missing else "its package is at fault"
            title = f"{self.kind} {name[:80]!r}" + ("" if name == location else f", at {location[:80]!r}")
            raise PluginError(f"{title}: cannot be loaded: {fault}; {act}") from error

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(normalise(name), self.names(), n=1, cutoff=0.5)
        hint = f" did you mean {near[0]!r}?" if near else ""
        return f"unknown {self.kind} {name[:80]!r}:{hint} known {self.kind}s: {', '.join(self.names())}"


@functools.cache
def _imported(location: str) -> object:
    """What lies at "module:attribute"; an attribute may have dots."""
    module, attribute = location.split(":", 1)
    found: object = importlib.import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part)
    return found


def _entry_points(group: str) -> list[tuple[str, str]]:
    """Names and places of a group, in one order whatever the order of the installed packages."""
    from importlib.metadata import entry_points

    return sorted((point.name, point.value.partition("[")[0].strip()) for point in entry_points(group=group))


def normalise(name: str) -> str:
    """The form under which a name is stored and looked up."""
    return name.strip().lower().replace("_", "-")
