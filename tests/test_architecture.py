"""The house as docs/architecture.md draws it: floors, rooms, what each imports; read from the imports of every file."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FLOORS = ("decompositions", "catalog", "discover", "layers", "commands", "cli")
ROW = re.compile(r"^\| `([a-z_/.]+)` \|[^|]*\| ([^|]*) \|$", re.MULTILINE)

Graph = dict[str, set[str]]


@cache
def modules() -> dict[str, Path]:
    """Every file below its import name."""
    found = {}
    for floor in FLOORS:
        files = [ROOT / "cli.py"] if floor == "cli" else sorted((ROOT / floor).rglob("*.py"))
        for path in files:
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(("bilinear", *parts)).removesuffix(".__init__")] = path
    return found


def imports(text: str) -> Iterator[str]:
    """What a file imports anywhere in it: above, within functions, for types alone."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def resolved(name: str) -> str | None:
    """The module that an imported name is, or lies in; None for one of another package."""
    while name and name not in modules():
        name = name.rpartition(".")[0]
    return name or None


@cache
def graph() -> Graph:
    """Which modules each module imports."""
    found: Graph = {}
    for name, path in modules().items():
        reached = {resolved(imported) for imported in imports(path.read_text(encoding="utf-8"))}
        found[name] = {other for other in reached if other is not None} - {name}
    return found


def circles(edges: Graph) -> list[set[str]]:
    """Sets of several nodes that reach one another."""
    beyond = {node: set(others) for node, others in edges.items()}
    changed = True
    while changed:
        changed = False
        for node in beyond:
            further = set().union(*(beyond.get(other, set()) for other in beyond[node])) - beyond[node]
            beyond[node] |= further
            changed = changed or bool(further)
    found: list[set[str]] = []
    for node in edges:
        ring = {other for other in beyond[node] if node in beyond.get(other, set())}
        if node in beyond[node] and ring not in found:
            found.append(ring)
    return found


def floor_of(module: str) -> str:
    return module.split(".")[1]


def room_of(module: str, floor: str) -> str | None:
    """`bilinear.discover.engine.run` is in the room `engine`; None for other floors, and for the table of contents."""
    parts = module.split(".")
    return parts[2] if parts[1] == floor and len(parts) > 2 else None


def rooms(floor: str) -> Graph:
    """Which rooms of a floor import which others of it."""
    found: Graph = {}
    for module, others in graph().items():
        if (room := room_of(module, floor)) is not None:
            found.setdefault(room, set()).update({room_of(other, floor) for other in others} - {None, room})
    return found


def test_imports_within_functions_and_for_types_are_seen() -> None:
    text = "import a.b\nfrom c import d\nif TYPE_CHECKING:\n    from e import f\ndef g():\n    from h import i\n"
    assert list(imports(text)) == ["a.b", "c.d", "e.f", "h.i"]
    assert len(graph()) > 300
    assert "bilinear.discover.engine.run" in graph()["bilinear.discover.engine.parallel.team"]


def test_no_import_runs_up() -> None:
    up = {
        (module, other)
        for module, others in graph().items()
        for other in others
        if FLOORS.index(floor_of(other)) > FLOORS.index(floor_of(module))
    }
    assert up == set()


def test_no_circle_exists() -> None:
    assert circles(graph()) == []


def test_a_circle_is_seen() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == [{"b", "c"}]
    assert circles({"a": {"a"}}) == [{"a"}]


@pytest.mark.parametrize("floor", FLOORS[:-1])
def test_no_circle_of_rooms_exists(floor: str) -> None:
    assert circles(rooms(floor)) == []


@pytest.mark.parametrize("floor", FLOORS[:-1])
def test_the_guide_names_every_room_and_what_it_imports(floor: str) -> None:
    rows = {name.removeprefix(f"{floor}/"): cell for name, cell in ROW.findall(GUIDE) if name.startswith(f"{floor}/")}
    drawn = {
        room.removesuffix("/").removesuffix(".py"): set(re.findall(r"`(\w+)`", cell)) for room, cell in rows.items()
    }
    assert drawn == rooms(floor)


def test_every_place_that_the_guide_names_exists() -> None:
    named = re.findall(r"`((?:[a-z_0-9]+/)+[a-z_0-9]*(?:\.[a-z]+)?)`", GUIDE)
    assert len(named) > 100
    assert [place for place in named if not (ROOT / place).exists()] == []


def test_the_picture_shows_every_floor_and_every_folder_of_it() -> None:
    picture = GUIDE.split("```")[1]
    folders = {
        path.name for floor in FLOORS[:-1] for path in (ROOT / floor).iterdir() if (path / "__init__.py").is_file()
    }
    assert {name for name in (*FLOORS, *folders) if not re.search(rf"\b{name}\b", picture)} == set()


def test_c_is_transposed_in_one_module_alone() -> None:
    """Who has rows of C, flattened, and wants them of C transposed, asks `operations`."""
    turning = re.compile(r"\.reshape\(len\(\w+\), \w+, \w+\)\.(transpose\(0, 2, 1\)|swapaxes\(1, 2\))")
    owners = {name for name, path in modules().items() if turning.search(path.read_text(encoding="utf-8"))}
    assert owners == {"bilinear.decompositions.operations"}
