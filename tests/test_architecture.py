"""Arrows point one way: which part of mlpviz may import which, read from the code itself and from CONTRIBUTING.md."""

import ast
from pathlib import Path

import pytest

from mlpviz import Settings
from mlpviz.runs.run import Run

PACKAGE = Path(__file__).parent.parent / "mlpviz"
VALUES = {
    "settings",
    "grid",
    "speed",
    "examples",
    "history",
    "diagnosis",
    "prices",
    "pictures",
    "snapshot",
    "film",
    "state",
    "results",
    "answers",
}
TRAINING = {"settings", "datasets", "network", "trainer", "torch"}
#: What each part may import: other parts, single modules of them, and the heavy libraries. Each may import itself.
ALLOWED = {
    "__init__": {"datasets", "settings", "trainer"},
    "__main__": {
        "__version__",
        "export.command",
        "live",
        "options",
        "store.schema",
        "streamlit",
        "sweep.command",
        "verify",
    },
    # values: what goes through the door
    "settings": {"catalog"},
    "speed": set(),
    "examples": set(),
    "keeping": {"numpy"},
    "history": {"keeping", "numpy"},
    "prices": {"keeping"},
    "diagnosis": {"settings", "numpy"},
    "grid": {"diagnosis", "settings", "numpy"},
    "snapshot": {"settings", "grid", "examples", "history", "diagnosis", "prices", "numpy"},
    "pictures": {"numpy"},
    "film": {"settings", "examples", "history", "diagnosis", "pictures", "snapshot", "numpy"},
    "results": {"numpy"},
    "answers": {"settings", "numpy"},
    "state": {"settings", "examples", "snapshot"},
    # data and training
    "options": {"platformdirs"},
    "catalog": {"options"},
    "idx": {"numpy"},
    "datasets": {"catalog", "idx", "numpy", "torch"},
    "data": {"datasets", "numpy", "torch"},
    "download": {"catalog", "datasets", "torchvision"},
    "network": {"settings", "torch"},
    "trainer": {"settings", "datasets", "network", "torch"},
    "receipts": {"__version__", "numpy", *TRAINING},
    "verify": {"datasets", "idx", "receipts"},
    # computations on a network, by the view that they serve
    "observe": {"keeping", "numpy", *VALUES, *TRAINING},
    "stability": {"keeping", "observe", "numpy", *VALUES, *TRAINING},
    "line_by_line": {"observe", "catalog", "numpy", *VALUES, *TRAINING},
    "images": {"numpy", "pandas", *VALUES, *TRAINING},
    # runs, the door, and what is on this side of it
    "runs": {
        "options",
        "keeping",
        "receipts",
        "observe",
        "stability",
        "line_by_line",
        "sweep.cell",
        "sweep.order",
        "numpy",
        *VALUES,
        *TRAINING,
    },
    "figures": {"images.predictions", "numpy", *VALUES},
    "backend": {
        "receipts",
        "safetensors",
        "options",
        "runs",
        "store",
        "figures",
        "images",
        "line_by_line",
        "stability",
        "numpy",
        *VALUES,
        *TRAINING,
    },
    "export": {
        "__version__",
        "backend.frames",
        "backend.parts",
        "backend.saved",
        "datasets",
        "figures",
        "idx",
        "lessons",
        "line_by_line.script",
        "live.answer",
        "options",
        "runs.publishing",
        "runs.run",
        "runs.saving",
        "store",
        "numpy",
        "plotly",
        *VALUES,
    },
    "sweep": {
        "observe",
        "stability.sharpness",
        "stability.watchdog",
        "datasets",
        "grid",
        "idx",
        "catalog",
        "diagnosis",
        "settings",
        "trainer",
        "numpy",
        "torch",
    },
    "workers": {
        "backend",
        "catalog",
        "datasets",
        "options",
        "ray",
        "runs.engine",
        "runs.long_question",
        "runs.saving",
        "store",
        *VALUES,
    },
    "store": {"runs.errors", "runs.saving", "safetensors", "numpy", "torch", *VALUES},
    "classroom": {
        "backend.door",
        "backend.commands",
        "backend.parts",
        "backend.specifications",
        "datasets",
        "figures.classroom",
        "lessons",
        "sweep.order",
        "numpy",
        *VALUES,
    },
    "live": {
        "classroom.codes",
        "classroom.school",
        "backend.door",
        "backend.local",
        "backend.parts",
        "backend.saved",
        "catalog",
        "datasets",
        "download",
        "idx",
        "options",
        "workers.cluster",
        "numpy",
        "plotly",
        "starlette",
    },
    "page": {
        "backend.door",
        "backend.commands",
        "backend.questions",
        "backend.specifications",
        "live",
        "classroom",
        "figures",
        "catalog",
        "export.html",
        "export.pictures",
        "export.tensorboard",
        "idx",
        "download",
        "lessons",
        "images.gallery",
        "images.own_image",
        "images.predictions",
        "line_by_line.script",
        "line_by_line.what_ifs",
        "sweep.table",
        "numpy",
        "pandas",
        "plotly",
        "segno",
        "streamlit",
        *VALUES,
    },
    "lessons": {"options", "settings", "speed"},
}
HEAVY = {
    "platformdirs",
    "ray",
    "safetensors",
    "segno",
    "numpy",
    "torch",
    "torchvision",
    "plotly",
    "starlette",
    "streamlit",
    "pandas",
}
#: What a page or a route must not know, by whatever way it is imported.
BEHIND_THE_DOOR = {
    "Run",
    "Trainer",
    "Pair",
    "Pin",
    "Seeds",
    "Comparison",
    "Sweep",
    "Map",
    "RangeTest",
    "Task",
    "Engine",
    "Ablation",
}


def part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Modules of mlpviz, with dots, and heavy libraries."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            folder = (PACKAGE.parent / module.replace(".", "/")).is_dir()
            names = [f"{module}.{alias.name}" for alias in node.names] if folder else [module]
        for name in names:
            first, *rest = name.split(".")
            if first == "mlpviz" and rest:
                modules.add(".".join(rest[:2]))
            elif first in HEAVY:
                modules.add(first)
    return modules


def imported_names(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    allowed = ALLOWED[part(path)] | {part(path)}
    refused = {name for name in imports(path) if name not in allowed and name.split(".")[0] not in allowed}
    assert not refused


@pytest.mark.parametrize(
    "path", [path for path in FILES if part(path) in ("page", "live")], ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_page_and_routes_know_nothing_behind_the_door(path):
    assert not imported_names(path) & BEHIND_THE_DOOR
    assert "torch" not in imports(path)


def test_every_part_has_a_rule_and_a_line_in_the_guide():
    parts = {part(path) for path in FILES}
    assert parts == set(ALLOWED)
    guide = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for name in parts - {"__init__"}:
        assert f"`mlpviz/{name}" in guide, f"CONTRIBUTING.md doesn't say what mlpviz/{name} is"


def test_a_run_stays_small():
    path = PACKAGE / "runs" / "run.py"
    (run,) = [node for node in ast.parse(path.read_text()).body if getattr(node, "name", "") == Run.__name__]
    code = [line for line in path.read_text().splitlines()[run.lineno - 1 : run.end_lineno] if line.strip()]
    docstrings = sum(
        node.body[0].end_lineno - node.body[0].lineno + 1
        for node in [run, *run.body]
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and isinstance(node.body[0], ast.Expr)
        if isinstance(node.body[0].value, ast.Constant)
    )
    assert len(code) - docstrings <= 150


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_tests_are_called_tests(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    defined = [
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    assert not [name for name in (*defined, path.stem) if name.lower().startswith("test")]


@pytest.mark.parametrize("path", [path for path in FILES if part(path) == "page"], ids=lambda p: p.stem)
def test_no_callback_of_the_page_can_end_it(path):
    """Each goes through `safely`, does nothing, or is Streamlit's own word."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg is not None and node.arg.startswith("on_"):
            text = ast.unparse(node.value)
            assert text.startswith("safely(") or text in ("lambda: None", "'ignore'", "'rerun'"), text


@pytest.mark.parametrize("path", [path for path in FILES if part(path) == "page"], ids=lambda p: p.stem)
def test_what_the_page_remembers_is_in_one_register(path):
    """Keys that are spelt out are those of the settings' widgets; all others come from `page/memory.py`."""
    spelt = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute | ast.Subscript) and ast.unparse(node.value) == "st.session_state":
            key = node.attr if isinstance(node, ast.Attribute) else getattr(node.slice, "value", None)
            spelt |= {key} if isinstance(key, str) else set()
    assert spelt - {"get", "pop", "setdefault"} <= set(Settings().to_dict())
