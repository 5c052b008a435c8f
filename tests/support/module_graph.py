"""The import graph of the project's packages, read from their source."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Dict, Iterator, Mapping, Set

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "neutral": ROOT / "neutral",
    "mxnet_to_neutral": ROOT / "readers" / "mxnet_to_neutral",
    "torch_to_neutral": ROOT / "readers" / "torch_to_neutral",
    "neutral_to_torch": ROOT / "writers" / "neutral_to_torch",
    "neutral_to_mxnet": ROOT / "writers" / "neutral_to_mxnet",
    "neutral_to_onnx": ROOT / "writers" / "neutral_to_onnx",
}

ModuleGraph = Dict[str, Set[str]]


def module_files(packages: Mapping[str, Path] = PACKAGES) -> dict[str, Path]:
    """Return the source file of every module of the packages by the module's dotted name."""
    files = {}
    for package, folder in packages.items():
        for path in sorted(folder.rglob("*.py")):
            parts = [package, *path.relative_to(folder).with_suffix("").parts]
            files[".".join(part for part in parts if part != "__init__")] = path
    return files


def module_graph(files: Mapping[str, Path]) -> ModuleGraph:
    """Return the modules that each module imports, inside functions too, but not under ``if TYPE_CHECKING``.

    ``from package import module`` is an import of the module; ``from package import name`` one of the package.
    """
    graph: ModuleGraph = {}
    for module, path in files.items():
        imported = graph.setdefault(module, set())
        for names in _imported_names(ast.parse(path.read_text(encoding="utf-8"))):
            imported.update(filter(None, (_longest_module(name, files) for name in names)))
        imported.discard(module)
    return graph


def cycles(graph: ModuleGraph) -> list[list[str]]:
    """Return the strongly connected components of more than one module, by Tarjan's algorithm.

    Example:
        >>> cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}})
        [['b', 'c']]
    """
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    components = []

    def visit(module: str) -> None:
        index[module] = lowest[module] = len(index)
        stack.append(module)
        for target in sorted(graph[module]):
            if target not in index:
                visit(target)
                lowest[module] = min(lowest[module], lowest[target])
            elif target in stack:
                lowest[module] = min(lowest[module], index[target])
        if lowest[module] == index[module]:
            position = stack.index(module)
            components.append(sorted(stack[position:]))
            del stack[position:]

    for module in sorted(graph):
        if module not in index:
            visit(module)
    return [component for component in components if len(component) > 1]


def imported_packages(path: Path) -> set[str]:
    """Return the top-level packages that a source file imports, for type checkers too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in names}


def _imported_names(node: ast.AST) -> Iterator[list[str]]:
    """Yield the dotted names of each import statement below a syntax node."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
        for child in node.orelse:
            yield from _imported_names(child)
        return
    if isinstance(node, ast.Import):
        yield [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield [f"{node.module}.{alias.name}" for alias in node.names]
    for child in ast.iter_child_nodes(node):
        yield from _imported_names(child)


def _longest_module(name: str, modules: Mapping[str, Path]) -> str:
    """Return the longest prefix of a dotted name that is a module, or an empty string."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name
