"""The rules of the house that a program can check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "likeness"

WAY = "a way"
ARROWS = {
    "errors": frozenset[str](),
    "records": frozenset({"errors"}),
    "config": frozenset({"errors", "records"}),
    "consent": frozenset({"errors", "records"}),
    "audit": frozenset({"errors", "records"}),
    "faces": frozenset({"errors", "records", "consent"}),
    "gallery": frozenset({"errors", "records", "consent"}),
    "sources": frozenset({"errors", "records", "consent"}),
    "store": frozenset({"errors", "records", "consent", "audit"}),
    "evaluation": frozenset({"errors", "records", "consent", "faces", "gallery"}),
}
"""What each part may import. Other modules beside ``library.py`` are ways, or steps of them."""

LOWER = frozenset(ARROWS)
EDGES = frozenset({"api", "bench", "cli", "demo", "scale", "web"})
ONLY_HOME = {
    "faiss": "gallery",
    "onnx": "faces",
    "onnxruntime": "faces",
    "ray": "scale",
    "typer": "cli",
}
CONCRETE_ADAPTERS = frozenset({"likeness.gallery.faiss", "likeness.gallery.milvus"})
LAZY = frozenset(
    {
        "av",
        "dlib",
        "dns",
        "matplotlib",
        "obstore",
        "pillow_heif",
        "protego",
        "ray",
        "scrapy",
        "skimage",
        "twisted",
    }
)
CRAWLING = ("likeness", "sources", "website", "crawling")
"""What only a crawling process imports, which is nothing without Scrapy."""
MUTABLE_CALLS = frozenset(
    {"Counter", "OrderedDict", "bytearray", "defaultdict", "deque", "dict", "list", "set"}
)
MUTABLE_LITERALS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
LONGEST_FILE = 500
LONGEST_FUNCTION = 60

# Put together from halves, so that this file does not hold what it looks for.
ADDRESSES = re.compile(
    "|".join(
        re.escape(first + second)
        for first, second in (
            ("pypi", ".org"),
            ("python", "hosted.org"),
            ("registry.npm", "js"),
            ("--index", "-url"),
            ("--extra-index", "-url"),
            ("--find", "-links"),
            ("anaconda", ".org"),
            ("crates", ".io"),
            ("deb.", "debian.org"),
            ("ghcr", ".io"),
            ("docker", ".io"),
            ("/sim", "ple/"),
        )
    )
)
MACHINE_PATHS = re.compile(
    "|".join((r"(?<![\w.])/(?:wo" r"rk|ro" r"ot)/", r"/(?:ho" r"me|Us" r"ers)/\w"))
)


@cache
def _sources() -> dict[Path, ast.Module]:
    found = sorted(PACKAGE.rglob("*.py"))
    assert found, f"no Python files under {PACKAGE}"
    return {path: ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in found}


def _module(path: Path) -> tuple[str, ...]:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def _part(module: tuple[str, ...]) -> str:
    """The part of the package that a module belongs to; the package itself is ``likeness``."""
    return module[1] if len(module) > 1 else module[0]


def _where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def _imports(path: Path, tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Every absolute module name that a file imports, in functions and for type checks too."""
    module = _module(path)
    package = module if path.name == "__init__.py" else module[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            origin = ".".join((*base, *(node.module or "").split("."))).rstrip(".")
            # `from likeness import records` names a part just as `import likeness.records` does.
            yield from ((node, f"{origin}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = ast.unparse(node.func).rsplit(".", 1)[-1]
            if name in {"import_module", "__import__"} and isinstance(node.args[0].value, str):
                yield node, node.args[0].value


def _is_part(name: str) -> bool:
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


def _layer(part: str) -> str:
    is_way = part not in LOWER | EDGES | {"library", "likeness"}
    return WAY if is_way and (PACKAGE / f"{part}.py").is_file() else part


def _may_import(importer: str, imported: str) -> bool:
    if importer == imported:
        return True
    if importer in EDGES:
        # `likeness serve`, `bench` and `demo` start what the other edges are; a bench of `add`
        # enrols the portraits of the demo.
        started = {"cli": {"api", "bench", "demo", "web"}, "bench": {"demo"}}
        return imported not in EDGES or imported in started.get(importer, set())
    if importer in ARROWS:
        return imported in ARROWS[importer]
    if importer == WAY:
        return imported in LOWER
    return imported not in EDGES


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("records", "errors", True),
        ("errors", "records", False),
        ("consent", "store", False),
        ("store", "audit", True),
        ("audit", "store", False),
        ("store", "faces", False),
        ("gallery", "store", False),
        (WAY, "store", True),
        (WAY, WAY, True),
        (WAY, "library", False),
        ("library", WAY, True),
        ("library", "cli", False),
        ("cli", "library", True),
        ("cli", "web", True),
        ("web", "cli", False),
        ("likeness", "library", True),
        ("likeness", "cli", False),
    ],
)
def test_the_table_of_arrows_says_what_the_design_says(
    importer: str, imported: str, allowed: bool
) -> None:
    assert _may_import(importer, imported) is allowed


def test_imports_go_one_way() -> None:
    wrong = []
    for path, tree in _sources().items():
        importer = _layer(_part(_module(path)))
        for node, name in _imports(path, tree):
            parts = tuple(name.split("."))
            if parts[0] != "likeness" or len(parts) < 2 or not _is_part(parts[1]):
                continue
            if not _may_import(importer, _layer(parts[1])):
                wrong.append(f"{_where(path, node)}: {importer} must not import {name}")
    assert not wrong, "\n".join(wrong)


def test_every_package_has_a_place_in_the_order() -> None:
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages <= LOWER | EDGES


def test_only_the_composition_root_chooses_an_adapter() -> None:
    wrong = []
    for path, tree in _sources().items():
        part = _part(_module(path))
        if part in {"library", "evaluation", "gallery", "bench"} or part in EDGES:
            continue
        for node, name in _imports(path, tree):
            if ".".join(name.split(".")[:3]) in CONCRETE_ADAPTERS:
                wrong.append(f"{_where(path, node)}: {name}")
    assert not wrong, "\n".join(wrong)


def test_records_need_nothing_but_the_standard_library_and_numpy() -> None:
    allowed = sys.stdlib_module_names | {"likeness", "numpy"}
    wrong = [
        f"{_where(path, node)}: {name}"
        for path, tree in _sources().items()
        if _part(_module(path)) == "records"
        for node, name in _imports(path, tree)
        if name.split(".")[0] not in allowed
    ]
    assert not wrong, "\n".join(wrong)


def test_each_engine_is_imported_in_its_own_part_only() -> None:
    wrong = []
    for path, tree in _sources().items():
        part = _part(_module(path))
        for node, name in _imports(path, tree):
            home = ONLY_HOME.get(name.split(".")[0])
            if home is not None and part != home:
                wrong.append(f"{_where(path, node)}: {name} belongs in {home}/")
    assert not wrong, "\n".join(wrong)


def test_heavy_extras_are_imported_where_they_are_used() -> None:
    wrong = []
    for path, tree in _sources().items():
        if _module(path)[: len(CRAWLING)] == CRAWLING:
            continue
        outside = [node for node in _outside_functions(tree) if not _for_types_only(node)]
        for statement in outside:
            for node, name in _imports(path, statement):
                if name.split(".")[0] in LAZY:
                    wrong.append(f"{_where(path, node)}: {name}")
    assert not wrong, "\n".join(wrong)


def test_nothing_but_the_crawling_process_imports_what_it_is_made_of() -> None:
    home = ".".join(CRAWLING)
    wrong = [
        f"{_where(path, node)}: {name}"
        for path, tree in _sources().items()
        if _module(path)[: len(CRAWLING)] != CRAWLING
        for node, name in _imports(path, tree)
        if f"{name}.".startswith(f"{home}.")
    ]
    assert not wrong, "\n".join(wrong)


def _outside_functions(tree: ast.Module) -> list[ast.stmt]:
    return [
        n
        for n in tree.body
        if not isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]


def _for_types_only(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def test_no_file_is_too_long() -> None:
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    lengths = {f: len(f.read_text(encoding="utf-8").splitlines()) for f in files}
    wrong = [f"{f.relative_to(ROOT)}: {n} lines" for f, n in lengths.items() if n > LONGEST_FILE]
    assert not wrong, "\n".join(wrong)


def test_no_function_is_too_long() -> None:
    wrong = []
    for path, tree in _sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    wrong.append(f"{_where(path, node)} {node.name}: {lines} lines")
    assert not wrong, "\n".join(wrong)


def test_what_is_public_says_what_it_is() -> None:
    wrong = [
        f"{_where(path, node)} {node.name}"
        for path, tree in _sources().items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not _is_migration_step(path)
        and not ast.get_docstring(node)
    ]
    assert not wrong, "\n".join(wrong)


def _is_migration_step(path: Path) -> bool:
    return "migrations" in path.parts


def test_no_module_holds_state_that_changes() -> None:
    wrong = []
    for path, tree in _sources().items():
        for node in tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and _is_mutable_state(node):
                wrong.append(f"{_where(path, node)}: {ast.unparse(node)[:60]}")
        wrong += [
            f"{_where(path, node)}: {ast.unparse(node)}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Global)
        ]
    assert not wrong, "\n".join(wrong)


def _is_mutable_state(node: ast.Assign | ast.AnnAssign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if all(isinstance(t, ast.Name) and t.id.startswith("__") for t in targets):
        return False
    # A type checker refuses to change what is annotated as a read-only Mapping, Sequence or Final.
    if isinstance(node, ast.AnnAssign) and re.match(
        r"(typing\.)?(Final|Mapping|Sequence|Set)\b", ast.unparse(node.annotation)
    ):
        return False
    value = node.value
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).rsplit(".", 1)[-1] in MUTABLE_CALLS
    return isinstance(value, MUTABLE_LITERALS)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = []", True),
        ("x: dict[str, int] = {}", True),
        ("x = collections.defaultdict(list)", True),
        ("__all__ = ['a']", False),
        ("X: Final = {1: 2}", False),
        ("X = MappingProxyType({1: 2})", False),
        ("X = frozenset({1})", False),
        ("X = (1, 2)", False),
    ],
)
def test_state_that_changes_is_told_from_constants(code: str, expected: bool) -> None:
    statement = ast.parse(code).body[0]
    assert isinstance(statement, ast.Assign | ast.AnnAssign)
    assert _is_mutable_state(statement) is expected


def test_what_is_unsafe_by_name_lives_in_tests_only() -> None:
    wrong = []
    for path, tree in _sources().items():
        for node in ast.walk(tree):
            named = getattr(node, "name", None) or getattr(node, "id", None)
            named = named or getattr(node, "attr", None)
            if isinstance(named, str) and named.startswith("Unsafe"):
                wrong.append(f"{_where(path, node)}: {named}")
    assert not wrong, "\n".join(wrong)


@cache
def _tracked() -> dict[Path, str]:
    """The text files that git would take, or all but caches where git is absent."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout.decode()
        files = [ROOT / name for name in listed.split("\0") if name]
    else:
        files = [p for p in ROOT.rglob("*") if not _is_left_out(p.relative_to(ROOT))]
    texts = {}
    for path in files:
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            texts[path] = content.decode("utf-8", errors="replace")
    return texts


def _is_left_out(path: Path) -> bool:
    hidden = any(part.startswith(".") and part not in {".ci"} for part in path.parts[:-1])
    return hidden or any(part == "__pycache__" or part.endswith(".egg-info") for part in path.parts)


@pytest.mark.parametrize(
    ("pattern", "what"),
    [(ADDRESSES, "the address of a registry"), (MACHINE_PATHS, "a path of one machine")],
    ids=["registry", "path"],
)
def test_no_file_holds_what_belongs_to_one_machine(pattern: re.Pattern[str], what: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {what}: {line.strip()[:80]}"
        for path, text in _tracked().items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert not wrong, "\n".join(wrong)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    requirements = [*project["dependencies"], *(line for extra in extras for line in extra)]
    names = {re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in requirements}
    return {_canonical(name) for name in names} - {"likeness"}


def test_each_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "docs" / "reference" / "dependencies.md").read_text(encoding="utf-8")
    explained = {_canonical(name) for name in re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)}
    assert explained == _declared()


def test_the_lock_holds_names_versions_and_hashes_only() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    joined = re.sub(r"\\\n", " ", text)
    lines = [s for line in joined.splitlines() if (s := line.strip()) and not s.startswith("#")]
    pinned = re.compile(r"[a-z0-9-]+==[\w.!+]+( ;[^#\\]*?)?(\s+--hash=sha256:[0-9a-f]{64})+")
    assert [line[:80] for line in lines if not pinned.fullmatch(line)] == []
    assert {line.split("==")[0] for line in lines} >= _declared()


def test_each_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in folder.glob("*.md")} - {"README.md"}
    assert {page for page in pages if f"({page})" not in index} == set()
