"""Make stored layers again from the tensors of weights that group them otherwise: the inverse of regrouping.

The names of regrouped layers are those of :mod:`neutral.matching.regroup`.
"""

from __future__ import annotations

import re
from math import prod
from typing import Mapping, NamedTuple, Sequence

from neutral.dtypes import DTYPE_NAME
from neutral.errors import MatchError
from neutral.mapping import Entry
from neutral.matching.packed_vectors import is_vector
from neutral.matching.plan_entries import child
from neutral.matching.regroup import parse_grouping
from neutral.matching.regroup_rewrites import concatenate_rows, slice_rows
from neutral.store.store import Store
from neutral.tensor import Tensor

_RECURRENT = re.compile(r"(?P<part>weight|bias)_(?P<matrix>ih|hh|hr)_l(?P<layer>[0-9]{1,6})(?P<reverse>_reverse)?")


class Ungrouped(NamedTuple):
    """The result of :func:`ungroup`.

    Attributes:
        entries: The mapping by stored layer.
        tensors: Tensors that were made of those of the weights, by the names that ``entries`` gives them.
        used: The names of the weights' tensors in them.
    """

    entries: dict[str, Entry]
    tensors: dict[str, Tensor]
    used: set[str]


def ungroup(entries: Mapping[str, Entry], like: Store, available: Mapping[str, Tensor]) -> Ungrouped:
    """Replace the entries of regrouped layers by those of the stored layers that they are made of.

    Rows of one layer are put together, joined layers are cut, and weights and biases of a recurrent layer become the
    vector that they were read from.

    Args:
        entries: A mapping of ``like``, in which names of regrouped layers may be.
        like: The store whose layers are to be filled.
        available: The tensors of the weights by name.

    Returns:
        The entries, and the tensors that they name.

    Raises:
        MatchError: A layer cannot be made: rows are missing, sizes or dtypes differ, or a batch norm was folded.

    Example:
        >>> from neutral.graph import Layer
        >>> names = ("rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_ih_l0", "rnn.bias_hh_l0")
        >>> weights = {name: Tensor("F32", (3, 3) if "weight" in name else (3,), ()) for name in names}
        >>> like = Store({"p": Layer("p", "parameter", {}, {"value": "p"})}, {"p": Tensor("F32", (24,), ())})
        >>> ungrouped = ungroup({"p": Entry("rnn")}, like, weights)
        >>> ungrouped.tensors[ungrouped.entries["p"].tensors["value"]].shape, sorted(ungrouped.used) == sorted(names)
        ((24,), True)
    """
    return _Ungrouping(like, available).run(entries)


class _Ungrouping:
    def __init__(self, like: Store, available: Mapping[str, Tensor]) -> None:
        self._like = like
        self._available = available
        self._result = Ungrouped({}, {}, set())

    def run(self, entries: Mapping[str, Entry]) -> Ungrouped:
        rows: dict[str, dict[tuple[int, int], Entry]] = {}
        for name, entry in entries.items():
            grouping = parse_grouping(name, self._like.layers)
            if grouping is None:
                is_packed = self._is_packed(name, entry)
                self._result.entries[name] = self._vector(name, name, entry) if is_packed else entry
            elif grouping.form == "rows":
                rows.setdefault(grouping.layers[0], {})[grouping.rows] = entry
            elif grouping.form == "joined":
                self._cut(name, grouping.layers, entry)
            elif grouping.form == "vector":
                self._result.entries[grouping.layers[0]] = self._vector(name, grouping.layers[0], entry)
            else:
                raise MatchError(
                    f"{name}: the batch norm is folded into the weights, which do not tell its scale and statistics; "
                    f"expected weights in which {' and '.join(grouping.layers)} are layers."
                )
        for layer, parts in rows.items():
            self._put_together(layer, parts)
        return self._result

    def _is_packed(self, name: str, entry: Entry) -> bool:
        """Return whether an entry leads a vector to a recurrent layer of the weights."""
        if not is_vector(self._like, name) or entry.module is None or entry.tensors:
            return False
        return entry.module not in self._available and child(entry.module, "weight_hh_l0") in self._available

    def _vector(self, name: str, layer: str, entry: Entry) -> Entry:
        """Return the entry of a vector: the weights of all layers, then their biases."""
        if not is_vector(self._like, layer):
            raise MatchError(f"{name}: {layer} is not one vector in {self._like.path or 'the checkpoint'}.")
        (key,) = self._like.layers[layer].tensors.values()
        roles = entry.tensors or _roles_below(entry.module or "", self._available)
        names = [roles[role] for role in sorted(roles, key=_packed_position)]
        parts = [self._tensor(name, entry, role) for role in sorted(roles, key=_packed_position)]
        size = sum(part.size for part in parts)
        if size != self._like.tensors[key].size:
            raise MatchError(
                f"{layer} has {self._like.tensors[key].size} elements, and {', '.join(names)} have {size} in all."
            )
        flat = [part._replace(shape=(part.size,), content=part.chunks) for part in parts]
        return Entry(tensors={"value": self._make(name, " + ".join(names), flat)})

    def _cut(self, name: str, layers: Sequence[str], entry: Entry) -> None:
        """Add the entries of layers that were joined: the rows of each."""
        sizes = [self._rows(layer) for layer in layers]
        roles = dict.fromkeys(role for layer in layers for role in self._like.layers[layer].tensors)
        start = 0
        for index, (layer, size) in enumerate(zip(layers, sizes)):
            part = Entry(constants=dict(entry.constants) if index == 0 else {})
            for role in roles:
                if role in entry.dropped:
                    part.dropped[role] = entry.dropped[role]
                    continue
                tensor, place = self._tensor(name, entry, role), entry.name(role)
                if tensor.shape[:1] != (sum(sizes),):
                    raise MatchError(
                        f"{name} has {sum(sizes)} rows, and {place} of the weights has the shape {tensor.shape}."
                    )
                cut = f"{place}[{start}:{start + size}]"
                self._result.tensors[cut] = slice_rows(tensor, start, start + size)
                if role in self._like.layers[layer].tensors:
                    part.tensors[role] = cut
                else:
                    part.constants[cut] = "zeros"
            self._result.entries[layer] = part
            start += size

    def _put_together(self, layer: str, parts: Mapping[tuple[int, int], Entry]) -> None:
        """Add the entry of a layer whose rows are several layers of the weights."""
        end = 0
        for start, stop in sorted(parts):
            if start != end:
                break
            end = stop
        if end != self._rows(layer) or len(parts) != len({start for start, _ in parts}):
            ranges = ", ".join(f"{start} to {stop}" for start, stop in sorted(parts))
            raise MatchError(f"{layer} has the rows 0 to {self._rows(layer)}, and the mapping leads the rows {ranges}.")
        whole = Entry()
        ordered = [(f"{layer}[{start}:{stop}]", parts[start, stop]) for start, stop in sorted(parts)]
        for role in self._like.layers[layer].tensors:
            if all(role in part.dropped for _, part in ordered):
                whole.dropped[role] = ordered[0][1].dropped[role]
                continue
            tensors = [self._tensor(name, part, role) for name, part in ordered]
            whole.tensors[role] = self._make(layer, " + ".join(str(part.name(role)) for _, part in ordered), tensors)
        for _, part in ordered:
            whole.constants.update(part.constants)
        self._result.entries[layer] = whole

    def _tensor(self, name: str, entry: Entry, role: str) -> Tensor:
        place = entry.name(role)
        if place is None or place not in self._available:
            raise MatchError(f"the mapping of {name} gives {place} for {role}, which the weights do not have.")
        self._result.used.add(place)
        return entry.extract(role, self._available[place], place)

    def _make(self, name: str, place: str, tensors: Sequence[Tensor]) -> str:
        """Add tensors one after the other as one of the given name, and return that name."""
        dtypes = {DTYPE_NAME[tensor.dtype] for tensor in tensors}
        if len(dtypes) > 1 or len({tensor.shape[1:] for tensor in tensors}) > 1:
            raise MatchError(
                f"{name} cannot be put together of {place}: their dtypes are {', '.join(sorted(dtypes))}, and their "
                f"shapes {', '.join(str(tensor.shape) for tensor in tensors)}."
            )
        self._result.tensors[place] = concatenate_rows(list(tensors))
        return place

    def _rows(self, layer: str) -> int:
        shape = self._like.tensors[self._like.layers[layer].tensors["weight"]].shape
        return shape[0] if prod(shape) else 0


def _roles_below(module: str, available: Mapping[str, Tensor]) -> dict[str, str]:
    prefix = child(module, "")
    names = {name[len(prefix) :]: name for name in available if name.startswith(prefix)}
    return {role: name for role, name in names.items() if _RECURRENT.fullmatch(role)}


def _packed_position(role: str) -> tuple[bool, int, bool, int]:
    """Return the place of a role in a vector, as :mod:`neutral.packed_rnn` orders them."""
    match = _RECURRENT.fullmatch(role)
    if match is None:
        raise MatchError(f"a recurrent layer has no role {role!r}.")
    return (
        match["part"] == "bias",
        int(match["layer"]),
        match["reverse"] is not None,
        ("ih", "hh", "hr").index(match["matrix"]),
    )
