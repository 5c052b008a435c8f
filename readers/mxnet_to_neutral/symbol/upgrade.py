"""Upgrade the symbol of an older MXNet version by the rules of MXNet 1.9.1's own loader.

The rules are those of ``src/nnvm/legacy_json_util.cc``, in its order, each for files older than a version. They apply
to the outer graph only: subgraphs were introduced later than the changes that these rules make.
"""

from __future__ import annotations

from mxnet_to_neutral.symbol.inputs import auxiliary_positions, input_names
from mxnet_to_neutral.symbol.model import VARIABLE
from mxnet_to_neutral.symbol.mutable import MutableNode, list_names

UNVERSIONED = (0, 8, 0)
"""The version that MXNet assumes for a symbol that states none."""

_USER_KEYS = ("ctx_group", "lr_mult", "wd_mult", "force_mirroring", "mirror_stage")  # now spelt __lr_mult__ etc.

_INITIALIZERS = {  # operator: input position: initialiser
    "IdentityAttachKLSparseReg": {1: '["zero", {}]'},
    "LeakyReLU": {1: '["Constant", {"value": 0.25}]'},
    "UpSampling": {1: '["bilinear", {}]'},
}
_STATISTICS = {3: '["zero", {}]', 4: '["one", {}]'}  # of every operator with a running mean and variance


def upgrade(order: list[MutableNode], version: tuple[int, int, int]) -> list[str]:
    """Upgrade the nodes of a graph in place.

    Args:
        order: The nodes, in execution order.
        version: The version of MXNet that wrote the symbol, such as ``(0, 9, 5)``.

    Returns:
        A note for each kind of change; stores keep these sentences, so their wording is fixed.
    """
    notes = []
    if version < (1, 9, 1):
        _rename_user_keys(order)
    if version < (0, 9, 0):
        added = _add_missing_inputs(order)
        if added:
            notes.append(f"added the inputs that MXNet before 0.9 left out: {list_names(added)}")
    if version < (0, 9, 4):
        _set_initializers(order)
    if version < (0, 9, 5):
        reduced = _reduce_all_axes(order)
        if reduced:
            notes.append(f"axis -1 meant all axes before MXNet 0.9.5; removed it from {list_names(reduced)}")
    return notes


def _rename_user_keys(order: list[MutableNode]) -> None:
    """Rename ``lr_mult`` to ``__lr_mult__``; move an operator's ``weight_lr_mult`` to the variable of its weight."""
    for node in order:
        attributes = node.hidden if node.is_variable else node.attributes
        for name in [name for name in attributes if name.startswith(_USER_KEYS) or name.endswith(_USER_KEYS)]:
            value = attributes.pop(name)
            if name in _USER_KEYS:
                node.hidden[f"__{name}__"] = value
                continue
            target = None if node.is_variable else _input_variable(node, name)
            if target is None:
                node.hidden[name] = value  # MXNet leaves it where it is, and no operator reads it
            else:
                key = next(key for key in _USER_KEYS if name.endswith(key))
                target.hidden[f"__{key}__"] = value


def _input_variable(node: MutableNode, name: str) -> MutableNode | None:
    """Return the variable that an operator's attribute ``<input>_<key>`` belongs to."""
    names = input_names(node.operator, node.attributes)
    for key in _USER_KEYS:
        prefix = name[: -len(key) - 1]
        if name == f"{prefix}_{key}" and prefix in names and names.index(prefix) < len(node.inputs):
            source = node.inputs[names.index(prefix)][0]
            return source if source.is_variable else None
    return None


def _add_missing_inputs(order: list[MutableNode]) -> list[str]:
    """Add variables for the inputs that the file leaves out, and return their names.

    Symbols before 0.9 hold no auxiliary states.
    """
    added = []
    for node in order:
        for name in input_names(node.operator, node.attributes)[len(node.inputs) :]:
            variable = MutableNode(
                name=f"{node.name}_{name}" if node.name else name,
                operator=VARIABLE,
                attributes={},
                hidden={**node.attributes, **node.hidden},
            )
            node.inputs.append((variable, 0))
            added.append(variable.name)
    return added


def _set_initializers(order: list[MutableNode]) -> None:
    """Set ``__init__`` of the variables for which an operator prescribes an initialiser."""
    for node in order:
        has_statistics = auxiliary_positions(node.operator) == (3, 4)
        initializers = _STATISTICS if has_statistics else _INITIALIZERS.get(node.operator, {})
        for position, initializer in initializers.items():
            if position < len(node.inputs) and node.inputs[position][0].is_variable:
                node.inputs[position][0].hidden.setdefault("__init__", initializer)


def _reduce_all_axes(order: list[MutableNode]) -> list[str]:
    """Remove ``axis=-1`` from argmax and argmin, and return the names of these nodes."""
    reduced = [node for node in order if node.operator in ("argmax", "argmin") and node.attributes.get("axis") == "-1"]
    for node in reduced:
        del node.attributes["axis"]
    return [node.name for node in reduced]
