"""Arrows point one way: which part of mlpviz may import which, read from the code itself and from CONTRIBUTING.md."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "mlpviz"
#: What each part may import of the others, and of the heavy libraries.
ALLOWED = {
    "settings": set(),
    "history": {"numpy"},
    "diagnosis": {"settings", "numpy"},
    "prices": set(),
    "snapshot": {"settings", "history", "diagnosis", "prices", "numpy"},
    "idx": {"numpy"},
    "datasets": {"idx", "numpy", "torch"},
    "data": {"datasets", "numpy", "torch"},
    "download": {"datasets", "torchvision"},
    "network": {"settings", "torch"},
    "trainer": {"settings", "datasets", "network", "torch"},
    "observe": {"observe", "network", "trainer", "snapshot", "history", "numpy", "torch"},
    "threads": {"torch"},
    "task": {"snapshot"},
    "checkpoints": {"settings", "trainer"},
    "stability": {
        "stability",
        "checkpoints",
        "diagnosis",
        "task",
        "trainer",
        "network",
        "observe",
        "snapshot",
        "history",
        "settings",
        "datasets",
        "numpy",
        "torch",
    },
    "run": {
        "task",
        "trainer",
        "checkpoints",
        "diagnosis",
        "prices",
        "stability",
        "network",
        "observe",
        "snapshot",
        "history",
        "settings",
        "datasets",
        "numpy",
        "torch",
    },
    "lessons": {"settings"},
    "pin": {"task", "snapshot"},
    "seeds": {"run", "task", "trainer", "settings", "datasets", "snapshot", "numpy"},
    "twin": {"run", "settings", "datasets", "snapshot", "torch"},
    "engine": {"run", "task", "settings", "datasets", "threads", "torch"},
    "line_by_line": {
        "line_by_line",
        "trainer",
        "network",
        "observe",
        "run",
        "task",
        "snapshot",
        "history",
        "settings",
        "datasets",
        "numpy",
        "torch",
    },
    "predictions": {"numpy", "pandas"},
    "gallery": {"numpy", "pandas"},
    "units": {"explain", "trainer", "torch"},
    "own_image": {"numpy"},
    "explain": {"network", "trainer", "numpy", "torch"},
    "figures": {"figures", "predictions", "diagnosis", "prices", "snapshot", "history", "numpy"},
    "live": {"live", "datasets", "engine", "figures", "snapshot", "numpy", "plotly", "starlette"},
    "page": {
        "page",
        "live",
        "pin",
        "twin",
        "seeds",
        "lessons",
        "stability",
        "diagnosis",
        "torch",
        "predictions",
        "gallery",
        "explain",
        "units",
        "own_image",
        "network",
        "pandas",
        "line_by_line",
        "figures",
        "snapshot",
        "numpy",
        "plotly",
        "engine",
        "run",
        "task",
        "settings",
        "datasets",
        "download",
        "trainer",
        "streamlit",
    },
    "__init__": {"datasets", "settings", "trainer"},
}
HEAVY = {"numpy", "torch", "torchvision", "plotly", "starlette", "streamlit", "pandas"}


def part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [node.module or ""]
            if node.module == "mlpviz":
                names = [f"mlpviz.{alias.name}" for alias in node.names]
        for name in names:
            first, *rest = name.split(".")
            if first == "mlpviz" and rest:
                found.add(rest[0])
            elif first in HEAVY:
                found.add(first)
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    assert imports(path) <= ALLOWED[part(path)]


def test_every_part_has_a_rule_and_a_line_in_the_guide():
    parts = {part(path) for path in PACKAGE.rglob("*.py")}
    assert parts == set(ALLOWED)
    guide = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for name in parts - {"__init__"}:
        assert f"mlpviz/{name}" in guide, f"CONTRIBUTING.md doesn't say what mlpviz/{name} is"
