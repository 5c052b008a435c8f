"""Interface between planning and the framework of the module to be filled."""

from __future__ import annotations

from typing import Any, Mapping, Protocol

from neutral.matching.equivalence import NumericalProbe
from neutral.matching.network import Network


class Target(Protocol):
    """A module of a target framework, as planning sees it. A writer implements it for its framework.

    Example:
        A description without a dataflow, which is matched by names alone:

        >>> from neutral.graph import Layer
        >>> class Description:
        ...     name = "Net"
        ...     network = Network({"fc": Layer("fc", "linear", {}, {"weight": "fc.weight"})}, {"fc.weight": (2, 3)})
        ...     probe = None
        ...     def implied_attributes(self, layer):
        ...         return {}
        ...     def can_set(self, layer, attribute, value):
        ...         return False
        >>> target: Target = Description()
        >>> target.network.shape("fc", "weight")
        (2, 3)
    """

    @property
    def name(self) -> str:
        """The name of the module's type, for messages."""
        ...

    @property
    def network(self) -> Network:
        """The module's layers and tensor shapes; with ``graph``, its dataflow is compared with the store's."""
        ...

    @property
    def probe(self) -> NumericalProbe | None:
        """A comparison of operators that are spelled differently; None without a graph."""
        ...

    def implied_attributes(self, layer: str) -> Mapping[str, Any]:
        """Return attributes that the stored kind has implicitly and that the module's type may set otherwise.

        Args:
            layer: The path of a layer of ``network``.

        Returns:
            The values that the catalogue's meaning fixes, such as ``{"batch_first": False}`` for a recurrent layer.
        """
        ...

    def can_set(self, layer: str, attribute: str, value: Any) -> bool:
        """Return whether a layer can be given another value of an attribute; change nothing.

        Args:
            layer: The path of a layer of ``network``.
            attribute: The attribute's name in the catalogue.
            value: The stored value.
        """
        ...
