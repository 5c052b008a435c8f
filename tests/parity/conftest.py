"""The whole path against real MXNet: symbol and arrays from MXNet, read, built as a torch module, compared."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, Sequence

import numpy as np
import pytest

if find_spec("torch") is None:
    collect_ignore_glob = ["*"]
else:
    from parity.against import check_checkpoint, to_torch

Check = Callable[..., Any]


@pytest.fixture
def check_operator(mxnet: Any, tmp_path: Path) -> Check:
    """``check_operator("Pooling", [array], kernel=(2, 2), ...)`` runs one operator on both sides and compares.

    ``parameters`` and ``auxiliary`` are the positions of inputs that MXNet stores as arrays. The attributes are those
    of MXNet's symbol call; what is left out is left to MXNet's default. ``output`` compares one output
    of several, ``exact`` asks for equal bits, ``declared`` lets the inputs state their shapes in the symbol.
    """

    def check(
        operator: str,
        inputs: Sequence[np.ndarray],
        *,
        parameters: Sequence[int] = (),
        auxiliary: Sequence[int] = (),
        output: int | None = None,
        exact: bool = False,
        declared: bool = False,
        computed: Sequence[int] = (),
        **attributes: Any,
    ) -> Any:
        prefix = str(tmp_path / "op")
        expected = mxnet.call(
            "operators:run_operator",
            operator=operator,
            inputs=list(inputs),
            attributes=attributes,
            prefix=prefix,
            parameters=tuple(parameters),
            auxiliary=tuple(auxiliary),
            output=output,
            declared=declared,
            computed=tuple(computed),
        )
        stored = {*parameters, *auxiliary}
        given = {f"input{i}": to_torch(array) for i, array in enumerate(inputs) if i not in stored}
        return check_checkpoint(prefix, given, expected, exact=exact)

    return check


@pytest.fixture
def check_expression(mxnet: Any, tmp_path: Path) -> Check:
    """``check_expression("sym.exp(a) + b", stored=["b"], a=array, b=array)`` runs a symbol on both sides and compares.

    It gives the emitted module. ``stored`` are the inputs that MXNet stores as arrays; the others declare no shape.
    """

    def check(expression: str, *, stored: Sequence[str] = (), exact: bool = False, **inputs: np.ndarray) -> Any:
        prefix = str(tmp_path / "expression")
        expected = mxnet.call(
            "operators:run_expression", expression=expression, inputs=inputs, prefix=prefix, stored=tuple(stored)
        )
        given = {name: to_torch(array) for name, array in inputs.items() if name not in stored}
        return check_checkpoint(prefix, given, expected, exact=exact)

    return check


def _numpy_check(process: Any, prefix: str) -> Check:
    def check(
        expression: str, *, stored: Sequence[str] = (), exact: bool = False, declared: bool = True, **inputs: np.ndarray
    ) -> Any:
        arguments = {"expression": expression, "inputs": inputs, "prefix": prefix, "stored": tuple(stored)}
        expected = process.call("numpy_mode:run", declared=declared, **arguments)
        given = {name: to_torch(array) for name, array in inputs.items() if name not in stored}
        return check_checkpoint(prefix, given, expected, exact=exact)

    return check


@pytest.fixture
def check_numpy1(mxnet: Any, tmp_path: Path) -> Check:
    """As ``check_numpy`` with MXNet 1 alone."""
    return _numpy_check(mxnet, str(tmp_path / "line"))


@pytest.fixture
def check_numpy2(mxnet2: Any, tmp_path: Path) -> Check:
    """As ``check_numpy`` with MXNet 2 alone."""
    return _numpy_check(mxnet2, str(tmp_path / "line"))


@pytest.fixture(params=["1", "2"])
def check_numpy(request: pytest.FixtureRequest) -> Check:
    """``check_numpy("np.exp(a) + b", a=array, b=array)`` runs a line of NumPy code on both sides and compares.

    It is run in the NumPy mode of MXNet 1 and of MXNet 2. ``stored`` are inputs that MXNet stores as arrays; the others
    declare their dtype in the symbol where it is not a floating one, unless ``declared`` is False.
    """
    return request.getfixturevalue(f"check_numpy{request.param}")


def _node_check(process: Any, prefix: str) -> Check:
    def check(
        operator: str, inputs: Sequence[np.ndarray], *, numpy: bool = True, exact: bool = False, **attributes: Any
    ) -> Any:
        texts = {name: str(value) for name, value in attributes.items()}
        arguments = {"operator": operator, "inputs": list(inputs), "attributes": texts, "prefix": prefix}
        expected = process.call("nodes:run", numpy=numpy, **arguments)
        return check_checkpoint(
            prefix, {f"input{i}": to_torch(array) for i, array in enumerate(inputs)}, expected, exact=exact
        )

    return check


@pytest.fixture
def check_node1(mxnet: Any, tmp_path: Path) -> Check:
    """``check_node1("_npi_insert_slice", [array], ...)`` runs a node that no Python function makes, in MXNet 1."""
    return _node_check(mxnet, str(tmp_path / "node"))


@pytest.fixture
def check_node2(mxnet2: Any, tmp_path: Path) -> Check:
    """As ``check_node1`` in MXNet 2."""
    return _node_check(mxnet2, str(tmp_path / "node"))
