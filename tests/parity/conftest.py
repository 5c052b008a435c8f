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
