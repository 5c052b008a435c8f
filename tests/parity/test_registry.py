"""Every operator that MXNet registers has a rule or a reason."""

from __future__ import annotations

from typing import Any

from mxnet_to_neutral.operators import REFUSED, RULES
from mxnet_to_neutral.symbol.aliases import CANONICAL


def unknown(process: Any) -> set[str]:
    """Return the first names of the operators that have neither a rule nor a reason."""
    groups = process.call("registry:names_by_operator")
    return {
        names[0] for names in groups if not any(CANONICAL.get(name, name) in {**RULES, **REFUSED} for name in names)
    }


def test_every_operator_of_mxnet_1(mxnet: Any) -> None:
    assert unknown(mxnet) == set()


def test_every_operator_of_mxnet_2(mxnet2: Any) -> None:
    assert unknown(mxnet2) == set()
