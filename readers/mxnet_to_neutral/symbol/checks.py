"""Check the types and ranges of the values in a symbol's JSON."""

from __future__ import annotations

from typing import Any

from neutral.errors import FormatError

_ADVICE = "The symbol is damaged or was edited by hand: save it again with MXNet."


class JsonChecker:
    """Check values of one JSON document; every method raises FormatError for an invalid value.

    Args:
        file: The name of the file, for messages.
    """

    def __init__(self, file: str) -> None:
        self.file = file

    def error(self, where: str, problem: str) -> FormatError:
        """Return the error for ``problem`` at the place ``where`` in the document; the caller raises it.

        Args:
            where: The place in the document, such as ``node 3``; "" for the document as a whole.
            problem: The value found and the value expected, without a full stop.

        Returns:
            An error that names the file and the place.
        """
        where = where.rstrip(": ")
        return FormatError(self.file, None, f"{where}: {problem}." if where else f"{problem}.", _ADVICE)

    def index(self, value: Any, end: int, where: str) -> int:
        """Return ``value`` if it is an integer from 0 to ``end`` - 1.

        Args:
            value: Any value of the document; a boolean is not an integer.
            end: The exclusive bound.
            where: The place of the value, for the message.

        Returns:
            The value, unchanged.

        Raises:
            FormatError: The value is something else.
        """
        if type(value) is not int or not 0 <= value < end:
            raise self.error(where, f"found {shorten(value)}, expected an integer from 0 to {max(end - 1, 0)}")
        return value

    def array(self, owner: dict[str, Any], key: str, where: str) -> list[Any]:
        """Return the array under ``key`` of the object ``owner``.

        Args:
            owner: An object of the document.
            key: The key of the array.
            where: The place of the owner, for the message.

        Returns:
            The array, whose elements are not checked.

        Raises:
            FormatError: The key is missing, or its value is not an array.
        """
        value = owner.get(key)
        if not isinstance(value, list):
            shown = shorten(value) if key in owner else "missing"
            raise self.error(where, f"'{key}' is {shown}, expected an array")
        return value

    def object(self, value: Any, where: str) -> dict[str, Any]:
        """Return ``value`` if it is an object.

        Args:
            value: Any value of the document.
            where: The place of the value, for the message.

        Returns:
            The value, unchanged.

        Raises:
            FormatError: The value is something else.
        """
        if not isinstance(value, dict):
            raise self.error(where, f"found {shorten(value)}, expected an object")
        return value

    def text(self, value: Any, where: str) -> str:
        """Return ``value`` if it is a string that UTF-8 can encode.

        Args:
            value: Any value of the document.
            where: The place of the value, for the message.

        Returns:
            The value, unchanged.

        Raises:
            FormatError: The value is not a string, or holds half of a surrogate pair.
        """
        if not isinstance(value, str):
            raise self.error(where, f"found {shorten(value)}, expected a string")
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise self.error(where, f"found {shorten(value)}, half of a surrogate pair, expected text") from error
        return value


def shorten(value: Any) -> str:
    """Return a value for a message: at most 60 characters, in ASCII without control characters.

    Args:
        value: A value of a JSON file.

    Example:
        >>> shorten([1, 2, 3])
        'an array of 3'
        >>> shorten("conv\\u00fc")
        "'conv\\\\xfc'"
    """
    if isinstance(value, (dict, list)):
        return f"an {'object' if isinstance(value, dict) else 'array'} of {len(value)}"
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."
