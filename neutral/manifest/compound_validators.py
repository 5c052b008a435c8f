"""Validators of lists and objects, built from validators of their items; see :mod:`neutral.manifest.validators`."""

from __future__ import annotations

from typing import Any, Mapping

from neutral.manifest.validators import Check, Schema, Validator, short


def optional(validator: Validator) -> Validator:
    """Accept null and everything that ``validator`` accepts.

    Args:
        validator: The validator of values other than null.

    Returns:
        The validator, whose schema allows either.
    """
    check_value = validator.check

    def check(value: Any) -> None:
        if value is not None:
            check_value(value)

    return Validator(check, {"anyOf": [validator.schema, {"type": "null"}]}, validator.definitions)


def list_of(item: Validator) -> Validator:
    """Accept a list of any length whose items ``item`` accepts.

    Args:
        item: The validator of each item.

    Returns:
        A validator whose messages begin with the index of the wrong item.

    Example:
        >>> from neutral.manifest.validators import size
        >>> list_of(size()).check([2, -1])
        Traceback (most recent call last):
            ...
        ValueError: [1] expected a whole number that is not negative, found -1
    """
    check_item = item.check

    def check(value: Any) -> None:
        if type(value) is not list:
            raise ValueError(f"expected a list, found {short(value)}")
        for index, each in enumerate(value):
            try:
                check_item(each)
            except ValueError as error:
                raise ValueError(f"[{index}] {error}") from None

    return Validator(check, {"type": "array", "items": item.schema}, item.definitions)


def tuple_of(*items: Validator) -> Validator:
    """Accept a list with one item for each validator.

    Args:
        items: The validators, by position.

    Returns:
        A validator whose messages begin with the index of the wrong item.
    """
    checks = [item.check for item in items]

    def check(value: Any) -> None:
        if type(value) is not list or len(value) != len(checks):
            raise ValueError(f"expected a list of {len(checks)} items, found {short(value)}")
        for check_item, each in zip(checks, value):
            check_item(each)

    schema = {
        "type": "array",
        "prefixItems": [item.schema for item in items],
        "minItems": len(items),
        "items": False,
    }
    return Validator(check, schema, _merged(*items))


def table_of(item: Validator) -> Validator:
    """Accept an object with any keys whose values ``item`` accepts.

    Args:
        item: The validator of each value.

    Returns:
        A validator whose messages begin with the key of the wrong value.
    """
    check_item = item.check

    def check(value: Any) -> None:
        if type(value) is not dict:
            raise ValueError(f"expected an object, found {short(value)}")
        for key, each in value.items():
            _check_field(key, check_item, each)

    schema: Schema = {"type": "object"}
    if item.schema:
        schema["additionalProperties"] = item.schema
    return Validator(check, schema, item.definitions)


def record(required: Mapping[str, Validator], allowed: Mapping[str, Validator] | None = None) -> Validator:
    """Accept an object with known keys.

    Args:
        required: Validators of the keys that must be there.
        allowed: Validators of the keys that may be there. Any other key is refused.

    Returns:
        A validator whose messages begin with the key of the wrong value.
    """
    fields = {**required, **(allowed or {})}
    checks = {key: validator.check for key, validator in fields.items()}

    def check(value: Any) -> None:
        if type(value) is not dict:
            raise ValueError(f"expected an object, found {short(value)}")
        for key in required:
            if key not in value:
                raise ValueError(f"key {key!r} is missing")
        for key, each in value.items():
            if key not in checks:
                raise ValueError(f"unexpected key {key!r}; expected {', '.join(checks)}")
            _check_field(key, checks[key], each)

    schema = {
        "type": "object",
        "properties": {key: validator.schema for key, validator in fields.items()},
        "required": list(required),
        "additionalProperties": False,
    }
    return Validator(check, schema, _merged(*fields.values()))


def together(validator: Validator, *keys: str) -> Validator:
    """Accept the objects that ``validator`` accepts, if they have all of the keys or none of them.

    Args:
        validator: The validator of the object.
        keys: Keys that belong together.

    Returns:
        The stricter validator.
    """

    def check(value: Any) -> None:
        validator.check(value)
        if 0 < sum(key in value for key in keys) < len(keys):
            raise ValueError(f"keys {' and '.join(keys)} go together, and only one of them is there")

    dependencies = {key: [other for other in keys if other != key] for key in keys}
    return Validator(check, {**validator.schema, "dependentRequired": dependencies}, validator.definitions)


def by_type(validators: Mapping[type, Validator]) -> Validator:
    """Choose the validator by the Python type of the JSON value; True is a bool and no int.

    Args:
        validators: A validator for each accepted type, such as ``{list: ..., str: ..., type(None): ...}``.

    Returns:
        A validator that refuses values of all other types.
    """
    checks = {kind: validator.check for kind, validator in validators.items()}
    names = ", ".join(kind.__name__ for kind in checks)

    def check(value: Any) -> None:
        if type(value) not in checks:
            raise ValueError(f"expected one of the types {names}, found {short(value)}")
        checks[type(value)](value)

    return Validator(check, _any_of(*validators.values()), _merged(*validators.values()))


def by_key(key: str, with_key: Validator, without_key: Validator) -> Validator:
    """Choose the validator of an object by whether it has a key.

    Args:
        key: The key.
        with_key: The validator of objects that have it.
        without_key: The validator of everything else.

    Returns:
        A validator whose schema accepts the values that either of both accepts.
    """

    def check(value: Any) -> None:
        (with_key if type(value) is dict and key in value else without_key).check(value)

    return Validator(check, _any_of(with_key, without_key), _merged(with_key, without_key))


def named(name: str, validator: Validator, description: str | None = None) -> Validator:
    """Give the schema of a validator a name, under which the other schemas refer to it.

    Args:
        name: The name of the definition in the JSON Schema.
        validator: The validator.
        description: A sentence for the schema.

    Returns:
        A validator that checks the same.
    """
    schema = validator.schema if description is None else {"description": description, **validator.schema}
    definitions = {**validator.definitions, name: schema}
    return Validator(validator.check, {"$ref": f"#/$defs/{name}"}, definitions)


def with_keywords(validator: Validator, **keywords: Any) -> Validator:
    """Add keywords to the schema alone, for rules that ``neutral check`` enforces and opening a store does not.

    Args:
        validator: The validator.
        keywords: Keywords of JSON Schema, such as ``minItems=1``.

    Returns:
        A validator that checks the same.
    """
    return Validator(validator.check, {**validator.schema, **keywords}, validator.definitions)


def _any_of(*validators: Validator) -> Schema:
    schemas: list[Schema] = []
    for validator in validators:
        if validator.schema not in schemas:
            schemas.append(validator.schema)
    return {"anyOf": schemas}


def _merged(*validators: Validator) -> dict[str, Schema]:
    return {name: schema for validator in validators for name, schema in validator.definitions.items()}


def _check_field(key: str, check: Check, value: Any) -> None:
    try:
        check(value)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None
