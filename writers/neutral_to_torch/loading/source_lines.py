"""Find the line of a user's source that makes a submodule, for messages that advise a change of it."""

from __future__ import annotations

import ast
import inspect
import os
import textwrap
from typing import Iterator

from torch import nn

MAX_LINE = 100
"""The longest quotation of a line of source, in characters."""


def source_place(module: nn.Module, path: str) -> tuple[str, str]:
    """Return the place in the user's source where a submodule is made.

    Args:
        module: The whole module.
        path: The path of the submodule.

    Returns:
        The file with the number of the line, and the text of the line; where no line can be told, the class or the
        factory, and "".

    Example:
        >>> source_place(nn.Sequential(nn.Linear(3, 2)), "0")
        ('where your code makes the module 0', '')
    """
    owner, rest = _owner(module, path)
    if owner is None or not rest:
        return f"where your code makes the module {path}".rstrip(), ""
    for base in type(owner).__mro__:
        if _is_own(base):
            place = _line_in_class(base, rest)
            if place is not None:
                return place
    return f"where {type(owner).__name__} makes {'.'.join(rest)}", ""


def other_uses(module: nn.Module, path: str) -> tuple[str, list[str]]:
    """Return the paths of the same submodule in other instances of the class that makes it.

    Args:
        module: The whole module.
        path: The path of the submodule.

    Returns:
        The name of the class, and the paths; none where the class has one instance.

    Example:
        >>> other_uses(nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2)), "0")
        ('', [])
    """
    owner, rest = _owner(module, path)
    if owner is None or not rest:
        return "", []
    paths = [
        ".".join((name, *rest))
        for name, other in module.named_modules()
        if type(other) is type(owner) and other is not owner
    ]
    return type(owner).__name__, paths


def _owner(module: nn.Module, path: str) -> tuple[nn.Module | None, tuple[str, ...]]:
    """Return the nearest module of a class of the user's that contains a submodule, and the path below it."""
    names = path.split(".") if path else []
    owner, rest = None, tuple(names)
    for index in range(len(names)):
        if _is_own(type(module)):
            owner, rest = module, tuple(names[index:])
        child = getattr(module, names[index], None)
        if not isinstance(child, nn.Module):
            break
        module = child
    return owner, rest


def _is_own(module_type: type) -> bool:
    return module_type.__module__.split(".")[0] not in ("torch", "builtins", "abc", "typing")


def _line_in_class(module_type: type, rest: tuple[str, ...]) -> tuple[str, str] | None:
    """Return the line that assigns the first name of a path in a class, None unless there is exactly one."""
    try:
        file = inspect.getsourcefile(module_type) or ""
        lines, start = inspect.getsourcelines(module_type)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return None
    values = [value for node in ast.walk(tree) for value in _assigned(node, rest[0])]
    if len(values) != 1:
        return None
    row = _inner(values[0], rest[1:]).lineno - 1
    text = lines[row].strip().rstrip(",")
    text = text if len(text) <= MAX_LINE else f"{text[:MAX_LINE]}..."
    return f"{_short(file)}, line {start + row}", text


def _assigned(node: ast.AST, name: str) -> Iterator[ast.expr]:
    """Yield the values that a statement gives to an attribute of ``self``."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _unpacked(target, node.value, name)
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        yield from _unpacked(node.target, node.value, name)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 2:
        key, value = node.args
        is_named = isinstance(key, ast.Constant) and key.value == name
        if is_named and node.func.attr in ("add_module", "register_module"):
            yield value


def _unpacked(target: ast.expr, value: ast.expr, name: str) -> Iterator[ast.expr]:
    if isinstance(target, (ast.Tuple, ast.List)):
        values = value.elts if isinstance(value, (ast.Tuple, ast.List)) else [value] * len(target.elts)
        for item, part in zip(target.elts, values):
            yield from _unpacked(item, part, name)
    elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.attr == name:
        yield value


def _inner(value: ast.expr, rest: tuple[str, ...]) -> ast.expr:
    """Return the expression of an element of containers that are written out, or the innermost one around it."""
    for name in rest:
        items = value.args if isinstance(value, ast.Call) else []
        if len(items) == 1 and isinstance(items[0], (ast.List, ast.Tuple)):
            items = items[0].elts
        if not name.isdigit() or int(name) >= len(items) or any(isinstance(item, ast.Starred) for item in items):
            break
        value = items[int(name)]
    return value


def _short(file: str) -> str:
    """Return a path relative to the current folder, if the file is in it."""
    relative = os.path.relpath(file) if os.path.splitdrive(file)[0] == os.path.splitdrive(os.getcwd())[0] else file
    return file if relative.startswith(os.pardir) else relative
