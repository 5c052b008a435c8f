"""Attributes that are one text, dtype, boolean or number."""

from __future__ import annotations

import builtins
from typing import Collection

from mxnet_to_neutral.symbol import values
from mxnet_to_neutral.symbol.attribute_texts import REQUIRED, AttributeTexts


class ScalarAttributes(AttributeTexts):
    """The attributes of one node that have a single value; see :class:`mxnet_to_neutral.symbol.Attributes`."""

    def str(
        self, name: builtins.str, default: builtins.str = REQUIRED, choices: Collection[builtins.str] = ()
    ) -> builtins.str:
        """Return a text, one of ``choices`` if any are given.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.
            choices: The accepted texts; empty for any.

        Returns:
            The text.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self.parsed(name, default, lambda text: _choose(text, choices))

    def optional_str(
        self, name: builtins.str, default: builtins.str | None = REQUIRED, choices: Collection[builtins.str] = ()
    ) -> builtins.str | None:
        """Return a text, one of ``choices`` if any are given, or None.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.
            choices: The accepted texts; empty for any.

        Returns:
            The text, or None where the file says ``None``.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self.parsed(name, default, lambda text: None if text == "None" else _choose(text, choices))

    def dtype(self, name: builtins.str, default: builtins.str = REQUIRED) -> builtins.str:
        """Return the name of a dtype, such as ``float32``.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            One of :data:`mxnet_to_neutral.symbol.values.DTYPES`.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self.parsed(name, default, values.parse_dtype)

    def optional_dtype(self, name: builtins.str, default: builtins.str | None = REQUIRED) -> builtins.str | None:
        """Return the name of a dtype, or None.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            The name, or None where the file says ``None``.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self.parsed(name, default, lambda text: None if text == "None" else values.parse_dtype(text))

    def bool(self, name: builtins.str, default: builtins.bool = REQUIRED) -> builtins.bool:
        """Return a boolean.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            The boolean that ``True``, ``1`` and the like mean.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self.parsed(name, default, values.parse_bool)

    def optional_bool(self, name: builtins.str, default: builtins.bool | None = REQUIRED) -> builtins.bool | None:
        """Return a boolean or None.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            The boolean, or None where the file says ``None``.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self.parsed(name, default, values.parse_optional_bool)

    def int(
        self, name: builtins.str, default: builtins.int = REQUIRED, minimum: builtins.int | None = None
    ) -> builtins.int:
        """Return an integer, at least ``minimum`` if given.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.
            minimum: The least accepted integer.

        Returns:
            The integer.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        value = self.parsed(name, default, values.parse_int)
        if minimum is not None and value < minimum:
            raise self.error(name, f"an integer of at least {minimum}")
        return value

    def optional_int(self, name: builtins.str, default: builtins.int | None = REQUIRED) -> builtins.int | None:
        """Return an integer or None.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            The integer, or None where the file says ``None``.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self.parsed(name, default, values.parse_optional_int)

    def float(self, name: builtins.str, default: builtins.float = REQUIRED) -> builtins.float:
        """Return a number.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            The number; infinities and NaN are accepted as MXNet writes them.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self.parsed(name, default, values.parse_float)

    def optional_float(self, name: builtins.str, default: builtins.float | None = REQUIRED) -> builtins.float | None:
        """Return a number or None.

        Args:
            name: The attribute.
            default: The result where the file does not state the attribute; without a default it is required.

        Returns:
            The number, or None where the file says ``None``.

        Raises:
            InvalidAttribute: The value is missing, cannot be parsed, or is out of range.
        """
        return self.parsed(name, default, values.parse_optional_float)


def _choose(text: str, choices: Collection[str]) -> str:
    if choices and text not in choices:
        raise ValueError(" or ".join(map(repr, choices)))
    return text
