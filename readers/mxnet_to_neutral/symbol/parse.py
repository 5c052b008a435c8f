"""The JSON of a symbol, checked and made a :class:`Symbol`.

The format is nnvm's ``saveload_json.cc``. Eras differ in where a node keeps its attributes: ``param`` (and ``attr``
for the user's) until 0.8, ``attr`` until 0.12, ``attrs`` since. ``node_row_ptr`` and an edge's third number, a
version, follow from the rest and are not read.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

from mxnet_to_neutral.symbol.aliases import CANONICAL, RENAMED_ATTRIBUTES
from mxnet_to_neutral.symbol.document import MAX_BYTES, load_document
from mxnet_to_neutral.symbol.model import Entry, Symbol, SymbolNode
from mxnet_to_neutral.symbol.upgrade import UNVERSIONED, Draft, execution_order, listing, upgrade
from neutral.errors import FormatError, SourceError

_MAX_NESTING = 16  # subgraphs within subgraphs; loops in loops in models people have stay below 4
_MAX_OUTPUTS = 1 << 20
_UNKNOWN_VERSION = (2, 1, 0)
_GRAPH_KEYS = {"nodes", "arg_nodes", "heads", "node_row_ptr", "attrs"}
_NODE_KEYS = {"op", "name", "inputs", "attr", "attrs", "param", "control_deps", "backward_source_id", "subgraphs"}
_ADVICE = "The symbol is damaged or was edited by hand: save it again with MXNet."


def read(path: str | os.PathLike[str]) -> Symbol:
    """The symbol in a file.

    Raises:
        SourceError: where there is no such file, or it is not a symbol.
        FormatError: where it is one, but broken.
    """
    file = os.fsdecode(path)
    try:
        with open(file, "rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except IsADirectoryError as error:
        raise SourceError(f"{file}: a directory, expected a symbol file such as model-symbol.json.") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise SourceError(f"{file}: cannot be read: {reason}. Give the path of a symbol file.") from error
    return parse(content, file)


def parse(text: bytes | str, file: str) -> Symbol:
    """The symbol in a JSON text, upgraded as MXNet 1.9.1 would. ``file`` is what errors call it.

    Raises:
        SourceError: where the text is not a symbol.
        FormatError: where it is one, but broken.
    """
    document, notes = load_document(text, file)
    return _Reader(file).symbol(document, notes)


class _Reader:
    """Reads the graphs of one file, which share its version."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.version: tuple[int, int, int] | None = None
        self.numpy_shape = False

    def symbol(self, document: dict[str, Any], notes: list[str]) -> Symbol:
        self._graph_attributes(document.get("attrs", {}), notes)
        return self._graph(document, "", 0, notes)

    def _graph(self, document: Any, where: str, depth: int, notes: list[str]) -> Symbol:
        if depth > _MAX_NESTING:
            raise self._broken(where, f"subgraphs are nested more than {_MAX_NESTING} deep")
        if not isinstance(document, dict):
            raise self._broken(where, f"found {_shown(document)}, expected a graph: an object with 'nodes'")
        unknown = sorted(set(document) - _GRAPH_KEYS)
        if unknown:
            notes.append(f"{where}keys of the graph that no MXNet writes: {listing(unknown)}")

        drafts = self._nodes(self._list(document, "nodes", where), where, depth, notes)
        heads = [
            self._edge(entry, drafts, f"{where}heads[{position}]")
            for position, entry in enumerate(self._list(document, "heads", where))
        ]
        if not heads:
            raise self._broken(where, "'heads' is empty, expected at least one output")
        self._check_arguments(self._list(document, "arg_nodes", where), drafts, where, notes)

        order = execution_order(draft for draft, _ in heads)
        if len(order) < len(drafts):
            kept = set(order)
            unused = [draft.name for draft in drafts if draft not in kept]
            notes.append(f"{where}left out {len(unused)} nodes that no output needs: {listing(unused)}")
        if depth == 0:
            notes += upgrade(order, self.version or UNVERSIONED)
            order = execution_order(draft for draft, _ in heads)
        repeated = [name for name, count in Counter(draft.name for draft in order).items() if count > 1]
        if repeated:
            notes.append(f"{where}names used by more than one node: {listing(repeated)}")
        return self._finish(order, heads, notes)

    def _finish(self, order: list[Draft], heads: list[tuple[Draft, int]], notes: list[str]) -> Symbol:
        index = {draft: position for position, draft in enumerate(order)}
        nodes = tuple(
            SymbolNode(
                name=draft.name,
                operator=draft.operator,
                attributes=draft.attributes,
                hidden=draft.hidden,
                inputs=tuple(Entry(index[source], output) for source, output in draft.inputs),
                subgraphs=draft.subgraphs,
            )
            for draft in order
        )
        return Symbol(
            nodes=nodes,
            arguments=tuple(position for position, node in enumerate(nodes) if node.is_variable),
            heads=tuple(Entry(index[source], output) for source, output in heads),
            version=self.version,
            numpy_shape=self.numpy_shape,
            notes=tuple(notes),
        )

    def _nodes(self, nodes: list[Any], where: str, depth: int, notes: list[str]) -> list[Draft]:
        drafts: list[Draft] = []
        for position, node in enumerate(nodes):
            here = f"{where}nodes[{position}]"
            if not isinstance(node, dict):
                raise self._broken(here, f"found {_shown(node)}, expected an object")
            name = self._text(node.get("name"), f"{here}: 'name'")
            here += f" ({_shown(name)})"
            unknown = sorted(node.keys() - _NODE_KEYS)
            if unknown:  # MXNet refuses these too: whatever they mean would be lost
                raise self._broken(here, f"holds {listing(unknown)}, which no MXNet writes in a node")
            drafts.append(self._node(node, name, drafts, here, depth, notes))
        return drafts

    def _node(
        self, node: dict[str, Any], name: str, earlier: list[Draft], here: str, depth: int, notes: list[str]
    ) -> Draft:
        operator = self._text(node.get("op"), f"{here}: 'op'")
        if not operator:
            raise self._broken(here, "'op' is empty, expected an operator's name, or \"null\" for a variable")
        draft = Draft(name, CANONICAL.get(operator, operator), {}, {})
        renamed = RENAMED_ATTRIBUTES.get(draft.operator, {})
        for name_in_file, value in self._attributes(node, here).items():
            key = renamed.get(name_in_file, name_in_file)
            (draft.hidden if draft.is_variable or _is_hidden(key) else draft.attributes)[key] = value
        draft.inputs = [
            self._edge(entry, earlier, f"{here}, input {position}")
            for position, entry in enumerate(self._list(node, "inputs", here))
        ]
        if draft.is_variable and draft.inputs:
            raise self._broken(here, f"a variable with {len(draft.inputs)} inputs, expected none")
        if "control_deps" in node:
            draft.dependencies = [
                earlier[self._index(index, len(earlier), f"{here}: 'control_deps'")]
                for index in self._list(node, "control_deps", here)
            ]
        if "subgraphs" in node:
            draft.subgraphs = tuple(
                self._graph(graph, f"{here}, subgraphs[{position}]: ", depth + 1, [])
                for position, graph in enumerate(self._list(node, "subgraphs", here))
            )
            notes += [note for graph in draft.subgraphs for note in graph.notes]
        return draft

    def _attributes(self, node: dict[str, Any], here: str) -> dict[str, str]:
        """All attributes of a node. ``param`` gives way to ``attr``, as in MXNet."""
        merged: dict[str, str] = {}
        for era in ("param", "attr", "attrs"):
            for key, value in self._object(node.get(era, {}), f"{here}: '{era}'").items():
                self._text(key, f"{here}: a key of '{era}'")
                if era == "attrs" and node.get("attr", {}).get(key, value) != value:
                    raise self._broken(here, f"'attr' and 'attrs' disagree on {_shown(key)}")
                merged[key] = self._text(value, f"{here}: attribute {_shown(key)}")
        return merged

    def _graph_attributes(self, attributes: Any, notes: list[str]) -> None:
        found = self._object(attributes, "'attrs' of the graph")
        for key, tagged in found.items():
            if not isinstance(tagged, list) or len(tagged) != 2:
                raise self._broken("", f"'attrs' gives {_shown(key)} as {_shown(tagged)}, expected [type, value]")
        if "mxnet_version" in found:
            number = self._index(found["mxnet_version"][1], 10**8, "'mxnet_version'")
            self.version = (number // 10000, number // 100 % 100, number % 100)
            if self.version >= _UNKNOWN_VERSION:
                notes.append(f"written by MXNet {'.'.join(map(str, self.version))}, newer than any this reader knows")
        if "is_np_shape" in found:
            self.numpy_shape = bool(self._index(found["is_np_shape"][1], 2**31, "'is_np_shape'"))
        unknown = sorted(set(found) - {"mxnet_version", "is_np_shape"})
        if unknown:
            notes.append(f"attributes of the graph that no MXNet writes: {listing(unknown)}")

    def _check_arguments(self, arguments: list[Any], drafts: list[Draft], where: str, notes: list[str]) -> None:
        indices = [self._index(index, len(drafts), f"{where}'arg_nodes'") for index in arguments]
        for index in indices:
            if not drafts[index].is_variable:
                raise self._broken(where, f"'arg_nodes' holds {index}, which is {_shown(drafts[index].operator)}, "
                                   "expected variables only")  # fmt: skip
        if set(indices) != {index for index, draft in enumerate(drafts) if draft.is_variable}:
            notes.append(f"{where}'arg_nodes' does not list all variables; the nodes themselves were followed")

    def _edge(self, entry: Any, earlier: list[Draft], here: str) -> tuple[Draft, int]:
        if not isinstance(entry, list) or len(entry) not in (2, 3):
            raise self._broken(here, f"found {_shown(entry)}, expected [node, output] or [node, output, version]")
        if type(entry[0]) is int and entry[0] >= len(earlier):
            raise self._broken(here, f"refers to node {entry[0]}, expected one of the {len(earlier)} nodes before it: "
                               "a cycle, or nodes out of order")  # fmt: skip
        source = earlier[self._index(entry[0], len(earlier), here)]
        output = self._index(entry[1], _MAX_OUTPUTS, f"{here}, output of {_shown(source.name)}")
        if output and source.is_variable:
            raise self._broken(here, f"output {output} of the variable {_shown(source.name)}, which has only output 0")
        return source, output

    def _index(self, value: Any, end: int, here: str) -> int:
        if type(value) is not int or not 0 <= value < end:
            raise self._broken(here, f"found {_shown(value)}, expected an integer from 0 to {max(end - 1, 0)}")
        return value

    def _list(self, owner: dict[str, Any], key: str, where: str) -> list[Any]:
        value = owner.get(key)
        if not isinstance(value, list):
            raise self._broken(where, f"'{key}' is {_shown(value) if key in owner else 'missing'}, expected an array")
        return value

    def _object(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._broken(where, f"found {_shown(value)}, expected an object")
        return value

    def _text(self, value: Any, where: str) -> str:
        if not isinstance(value, str):
            raise self._broken(where, f"found {_shown(value)}, expected a string")
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise self._broken(where, f"found {_shown(value)}, half of a surrogate pair, expected text") from error
        return value

    def _broken(self, where: str, problem: str) -> FormatError:
        where = where.rstrip(": ")
        return FormatError(self.file, None, f"{where}: {problem}." if where else f"{problem}.", _ADVICE)


def _is_hidden(key: str) -> bool:
    """Whether MXNet keeps an attribute from the operator that bears it."""
    return len(key) > 4 and key.startswith("__") and key.endswith("__")


def _shown(value: Any) -> str:
    """A value as an error shows it: short, and with nothing a terminal would obey."""
    if isinstance(value, (dict, list)):
        return f"an {'object' if isinstance(value, dict) else 'array'} of {len(value)}"
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."
