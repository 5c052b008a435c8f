"""The last gate before emitted source is written or imported: it may hold a network and nothing else.

The source is parsed, not run. Its helpers must be those of this package; of everything else each node of the syntax
tree, each callee and each chain of attributes must be on the lists below. The rules and the printer are built so that
no text of a weight file becomes code; this check does not rely on it.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import math
from functools import lru_cache
from keyword import iskeyword
from typing import Iterator, Mapping

from neutral.errors import UnsupportedError, UsageError
from neutral_to_torch.emission.printing.helper_source import helpers

IMPORTS = frozenset(
    (
        "from __future__ import annotations",
        "from collections import OrderedDict",
        "from torch import Tensor",
        "from torch import nn",
        "import math",
        "import torch",
        "import torch.nn.functional as F",
    )
)
"""Imports that any file may have; helpers bring their own."""

BUILTINS = frozenset(
    ("abs", "bool", "enumerate", "float", "int", "len", "list", "max", "min", "range", "slice", "str", "sum", "super",
     "tuple", "zip")
)  # fmt: skip
"""The builtins that generated code may name."""

ARGUMENTS = frozenset(("input",))
"""The builtins whose names an argument may have: within its method the name is the argument's."""

CLASS_ANNOTATION = "type[nn.Module]"
"""The annotation of an argument that takes the class of an activation; ``type`` may not be named otherwise."""

PYTHON_FUNCTIONS = frozenset(
    ("Size", "Tensor", "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_tensors", "cartesian_prod",
     "cdist", "e", "einsum", "finfo", "iinfo", "inf", "meshgrid", "nan", "norm", "pi", "split", "stft", "tensordot",
     "unique", "unique_consecutive")
)  # fmt: skip
"""Members of ``torch`` that are written in Python, beside its tensor functions and dtypes."""

READS_FILES = frozenset(("from_file", "frombuffer"))
"""Tensor functions that no network needs."""

_NODES: tuple[type[ast.AST], ...] = (
    ast.ClassDef, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.Expr, ast.For, ast.If, ast.Break,
    ast.Call, ast.keyword, ast.Attribute, ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare,
    ast.IfExp, ast.Subscript, ast.Slice, ast.Tuple, ast.List, ast.Starred, ast.GeneratorExp, ast.comprehension,
    ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context,
)  # fmt: skip

_CONSTANTS = (str, int, float, bool, type(None), type(Ellipsis))
_BUILTINS = frozenset(dir(builtins)) - {"_"}
"""Names that no variable may hide. Interactive Python puts its last result among them as ``_``."""

_GLOBALS = frozenset(("torch", "nn", "F", "math", "OrderedDict", "Tensor", "self"))


def check_source(source: str) -> None:
    """Raise UnsupportedError, with every finding, unless the source is a network and nothing else.

    Args:
        source: The text of an emitted file.

    Raises:
        UnsupportedError: The source holds something else, or cannot be parsed.

    Example:
        >>> check_source("import os")
        Traceback (most recent call last):
        ...
        neutral.errors.UnsupportedError: the emitted source is refused: it holds more than a network:
          - line 1: import os
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UnsupportedError(f"the emitted source is refused: Python cannot read it: {error}") from error
    findings = tuple(dict.fromkeys(_module_findings(tree)))
    if findings:
        raise UnsupportedError("the emitted source is refused: it holds more than a network:", findings)


def _module_findings(tree: ast.Module) -> Iterator[str]:
    classes = {item.name for item in tree.body if isinstance(item, ast.ClassDef)}
    imports = IMPORTS | {line for helper in helpers().values() for line in helper.imports}
    for position, item in enumerate(tree.body):
        if isinstance(item, (ast.FunctionDef, ast.ClassDef)) and item.name in helpers():
            if ast.dump(item) != _helper_dump(item.name):
                yield _finding(item, f"{item.name} differs from the helper of this name")
        elif isinstance(item, (ast.Import, ast.ImportFrom)):
            if not all(line in imports for line in _import_lines(item)):
                yield _finding(item, ast.unparse(item))
        elif isinstance(item, ast.ClassDef):
            yield from _class_findings(item, classes)
        elif position or not _is_docstring(item):
            yield _finding(item, f"a statement {type(item).__name__} outside of classes")


@lru_cache(maxsize=None)
def _helper_dump(name: str) -> str:
    return ast.dump(ast.parse(helpers()[name].source).body[0])


def check_class_name(name: str | None) -> None:
    """Refuse a name that the class of a model cannot have.

    Args:
        name: The name; None for none.

    Raises:
        UsageError: It is not a Python identifier, a keyword, or the name of something that emitted source uses.

    Example:
        >>> check_class_name("ResNet")
        >>> check_class_name("nn")
        Traceback (most recent call last):
        neutral.errors.UsageError: invalid class name 'nn'; emitted source uses this name. Choose another one.
    """
    if name is None:
        return
    if not name.isidentifier() or iskeyword(name):
        raise UsageError(f"invalid class name {name!r}; expected a Python identifier that is not a keyword.")
    if _is_reserved(name):
        raise UsageError(f"invalid class name {name!r}; emitted source uses this name. Choose another one.")


def _is_reserved(name: str) -> bool:
    return name in _GLOBALS or name in _BUILTINS or name.startswith("__")


def _import_lines(item: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Yield the import as lines with one name each."""
    for alias in item.names:
        single = ast.Import([alias])
        yield ast.unparse(single if isinstance(item, ast.Import) else ast.ImportFrom(item.module, [alias], item.level))


def _class_findings(item: ast.ClassDef, classes: set[str]) -> Iterator[str]:
    if [ast.unparse(base) for base in item.bases] not in (["nn.Module"], ["nn.Sequential"]):
        yield _finding(item, f"the bases of class {item.name}")
    if _is_reserved(item.name):
        yield _finding(item, f"the name of class {item.name}")
    if item.keywords or item.decorator_list:
        yield _finding(item, f"keywords or decorators of class {item.name}")
    for position, member in enumerate(item.body):
        if isinstance(member, ast.FunctionDef) and member.name in ("__init__", "forward"):
            arguments = ARGUMENTS & {argument.arg for argument in member.args.args}
            annotations = _class_annotations(member)
            for node in ast.walk(member):
                if node not in annotations:
                    yield from _node_findings(node, classes | arguments)
            yield from _statement_findings(member, arguments)
        elif position or not _is_docstring(member):
            yield _finding(member, f"a member of class {item.name} beside __init__ and forward")


def _class_annotations(function: ast.FunctionDef) -> set[ast.AST]:
    """Return the nodes of the annotations of arguments that take a class of modules."""
    annotations = [argument.annotation for argument in function.args.args if argument.annotation is not None]
    return {node for item in annotations if ast.unparse(item) == CLASS_ANNOTATION for node in ast.walk(item)}


def _statement_findings(function: ast.FunctionDef, arguments: frozenset[str]) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.FunctionDef) and (node is not function or node.decorator_list):
            yield _finding(node, f"a function or decorator in {function.name}")
        elif isinstance(node, ast.Expr) and not (_is_docstring(node) or isinstance(node.value, ast.Call)):
            yield _finding(node, "an expression as a statement")
        elif isinstance(node, (ast.arg, ast.Name)) and not isinstance(getattr(node, "ctx", None), ast.Load):
            name = node.arg if isinstance(node, ast.arg) else node.id
            if (
                (name in _BUILTINS and name not in arguments)
                or (name in _GLOBALS and name != "self")
                or name.startswith("__")
            ):
                yield _finding(node, f"a variable {name}")


def _node_findings(node: ast.AST, classes: set[str]) -> Iterator[str]:
    if not isinstance(node, _NODES):
        yield _finding(node, f"a syntax node {type(node).__name__}")
    elif isinstance(node, ast.Constant) and not isinstance(node.value, _CONSTANTS):
        yield _finding(node, f"a constant of type {type(node.value).__name__}")
    elif isinstance(node, ast.keyword) and node.arg is None:
        yield _finding(node, "arguments by **")
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in _BUILTINS:
        if node.id not in BUILTINS and node.id not in classes:
            yield _finding(node, f"the name {node.id}")
    elif isinstance(node, ast.Name) and node.id.startswith("__"):
        yield _finding(node, f"the name {node.id}")
    elif isinstance(node, ast.Attribute) and not _is_known_attribute(node):
        yield _finding(node, f"the attribute {ast.unparse(node)[:80]}")
    elif isinstance(node, ast.Call) and not isinstance(node.func, (ast.Name, ast.Attribute, ast.Subscript)):
        yield _finding(node, f"the callee {ast.unparse(node.func)[:80]}")


def _is_known_attribute(node: ast.Attribute) -> bool:
    base = node.value
    if isinstance(base, ast.Name) and base.id in ("torch", "nn", "F", "math"):
        return node.attr in _members(base.id)
    if isinstance(base, ast.Attribute) and isinstance(base.value, ast.Name) and base.value.id == "torch":
        return node.attr in _members(f"torch.{base.attr}")
    if node.attr == "__init__":
        return isinstance(base, ast.Call) and ast.unparse(base) == "super()"
    if node.attr.startswith("_") and not node.attr[1:2].isdigit():
        return False
    if ast.unparse(base).split(".")[0] == "self" and _is_dotted(base):
        return True
    return not isinstance(node.ctx, ast.Store) and node.attr in _members("value")


def _is_dotted(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


@lru_cache(maxsize=None)
def _members(owner: str) -> frozenset[str]:
    """Return the members that generated code may use, of torch and its modules or of values."""
    import torch
    from torch import nn

    if owner == "math":
        return frozenset(name for name in vars(math) if not name.startswith("_"))
    if owner == "nn":
        modules = {n for n, item in vars(nn).items() if inspect.isclass(item) and issubclass(item, nn.Module)}
        return frozenset(modules | {"Parameter"})
    if owner == "F":
        return frozenset(name for name, item in vars(nn.functional).items() if _is_function(name, item))
    if owner == "torch":
        functions = {name for name in dir(torch._C._VariableFunctions) if not name.startswith("_")}
        dtypes = {name for name, item in vars(torch).items() if isinstance(item, torch.dtype)}
        spaces = {"linalg", "special", "fft"}
        return frozenset((functions | dtypes | spaces | PYTHON_FUNCTIONS) - READS_FILES)
    if owner in ("torch.linalg", "torch.special", "torch.fft"):
        space: Mapping[str, object] = vars(getattr(torch, owner[6:]))
        return frozenset(name for name, item in space.items() if _is_function(name, item))
    if owner == "value":
        names = {name for name in dir(torch.Tensor) if not name.startswith("_")}
        return frozenset(names | {"append", "values", "indices", "eps", "tiny", "smallest_normal"})
    return frozenset()


def _is_function(name: str, item: object) -> bool:
    module = getattr(item, "__module__", None) or "torch"
    return not name.startswith("_") and callable(item) and not inspect.isclass(item) and module.startswith("torch")


def _is_docstring(item: ast.stmt) -> bool:
    return isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant) and isinstance(item.value.value, str)


def _finding(node: ast.AST, finding: str) -> str:
    return f"line {getattr(node, 'lineno', 0)}: {finding}"
