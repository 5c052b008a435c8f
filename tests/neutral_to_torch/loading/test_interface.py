"""The public names of the package, and the cost of importing it."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import neutral_to_torch


def test_importing_the_package_imports_no_torch() -> None:
    code = "import sys, neutral_to_torch, neutral_to_torch.plugin; print({'torch', 'numpy'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


@pytest.mark.parametrize("name", neutral_to_torch.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(neutral_to_torch, name)
    assert value.__name__ == name and value.__doc__
    assert getattr(neutral_to_torch, name) is value


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        neutral_to_torch.nothing  # noqa: B018


def test_no_submodule_has_the_name_of_a_function() -> None:
    submodules = {module.name for module in pkgutil.iter_modules(neutral_to_torch.__path__)}
    assert submodules & set(neutral_to_torch.__all__) == set()
