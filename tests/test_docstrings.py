"""Public names are documented: the arguments of every public function, and an example of every exported name."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any, Callable, Iterator

import pytest

pytest.importorskip("onnx", reason="imports the modules of all packages")

from module_graph import PACKAGES, module_files
from mxnet_to_neutral.operators import RULES
from neutral.reference.registry import load_functions
from neutral_to_onnx.registry import load_rules
from neutral_to_torch.emission.lowering import rules

Function = Callable[..., Any]


def imported_modules() -> list[Any]:
    return [import_module(name) for name in module_files(PACKAGES) if not name.endswith("__main__")]


def public_functions() -> Iterator[tuple[str, Function]]:
    """Return the public functions of all modules, and the public methods of their public classes."""
    for module in imported_modules():
        for name, member in vars(module).items():
            if name.startswith("_") or getattr(member, "__module__", None) != module.__name__:
                continue
            if inspect.isfunction(member):
                yield f"{module.__name__}.{name}", member
            elif inspect.isclass(member):
                for method, function in vars(member).items():
                    function = getattr(function, "__func__", function)
                    if not method.startswith("_") and inspect.isfunction(function):
                        yield f"{module.__name__}.{name}.{method}", function


def rule_functions() -> set[Function]:
    """Return the functions with the arguments that the documentation of their registry describes for all."""
    emitters = [rules.rule_for(kind) for kind in rules.supported()]
    return {
        *RULES.values(),
        *load_functions().values(),
        *(rule.function for rule in emitters if rule),
        *(rule.function for rule in load_rules().values()),
    }


def lacks_arguments(function: Function) -> bool:
    """Return whether a function takes arguments that its docstring, or that of the method it overrides, omits."""
    arguments = set(inspect.signature(function).parameters) - {"self", "cls"}
    documentation = inspect.getdoc(function) or ""
    return bool(arguments) and "Args:" not in documentation


def test_a_function_without_a_description_of_its_arguments_is_noticed() -> None:
    def documented(size: int) -> None:
        """Do nothing.

        Args:
            size: Ignored.
        """

    def undocumented(size: int) -> None:
        """Do nothing."""

    assert not lacks_arguments(documented)
    assert lacks_arguments(undocumented)


def test_every_public_function_describes_its_arguments() -> None:
    functions = dict(public_functions())
    assert "mxnet_to_neutral.reading.read" in functions
    exempt = rule_functions()
    assert [name for name, function in functions.items() if function not in exempt and lacks_arguments(function)] == []


def test_every_exported_function_and_class_has_an_example() -> None:
    exported = {
        f"{module.__name__}.{name}": getattr(module, name)
        for module in imported_modules()
        for name in getattr(module, "__all__", ())
        if inspect.isfunction(getattr(module, name)) or inspect.isclass(getattr(module, name))
    }
    assert "mxnet_to_neutral.read" in exported
    assert [name for name, member in exported.items() if ">>>" not in (inspect.getdoc(member) or "")] == []
