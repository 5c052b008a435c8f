"""Parse the JSON of a symbol and check it.

The format is nnvm's ``saveload_json.cc``. MXNet versions differ in the key of a node's attributes: ``param`` (and
``attr`` for the user's) until 0.8, ``attr`` until 0.12, ``attrs`` since. ``node_row_ptr`` and the third number of an
edge, a version, are redundant and not read.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

from mxnet_to_neutral.symbol.aliases import CANONICAL, RENAMED_ATTRIBUTES
from mxnet_to_neutral.symbol.checks import JsonChecker, shorten
from mxnet_to_neutral.symbol.document import load_document
from mxnet_to_neutral.symbol.model import Entry, Symbol, SymbolNode
from mxnet_to_neutral.symbol.mutable import MutableNode, execution_order, list_names
from mxnet_to_neutral.symbol.upgrade import UNVERSIONED, upgrade
from neutral import limits
from neutral.errors import SourceError

_UNKNOWN_VERSION = (2, 1, 0)
_GRAPH_KEYS = {"nodes", "arg_nodes", "heads", "node_row_ptr", "attrs"}
_NODE_KEYS = {"op", "name", "inputs", "attr", "attrs", "param", "control_deps", "backward_source_id", "subgraphs"}


def read_symbol(path: str | os.PathLike[str]) -> Symbol:
    """Read a symbol file, upgraded as MXNet 1.9.1 would.

    Args:
        path: The file, such as ``model-symbol.json``.

    Returns:
        The graph, with notes on irregularities.

    Raises:
        SourceError: The file cannot be read, or is not a symbol.
        FormatError: The symbol breaks the format.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> text = '{"nodes": [{"op": "null", "name": "x", "inputs": []}], "arg_nodes": [0], "heads": [[0, 0]]}'
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "model-symbol.json")
        ...     _ = path.write_text(text)
        ...     [node.name for node in read_symbol(path).nodes]
        ['x']
    """
    file = os.fsdecode(path)
    try:
        with open(file, "rb") as stream:
            content = stream.read(limits.GRAPH_BYTES.value + 1)
    except IsADirectoryError as error:
        raise SourceError(f"{file}: a directory, expected a symbol file such as model-symbol.json.") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise SourceError(f"{file}: cannot be read: {reason}. Give the path of a symbol file.") from error
    return parse_symbol(content, file)


def parse_symbol(text: bytes | str, file: str) -> Symbol:
    """Parse the JSON of a symbol, upgraded as MXNet 1.9.1 would.

    Args:
        text: The JSON, in UTF-8 if it is bytes.
        file: The name of the file, for messages.

    Returns:
        The graph, with notes on irregularities.

    Raises:
        SourceError: The text is not a symbol.
        FormatError: The symbol breaks the format.

    Example:
        >>> nodes = '{"op": "null", "name": "x", "inputs": []}, {"op": "relu", "name": "y", "inputs": [[0, 0]]}'
        >>> symbol = parse_symbol('{"nodes": [%s], "arg_nodes": [0], "heads": [[1, 0]]}' % nodes, "example.json")
        >>> [(node.name, node.operator) for node in symbol.nodes]
        [('x', 'null'), ('y', 'relu')]
        >>> symbol.heads
        (Entry(node=1, output=0),)
    """
    document, notes = load_document(text, file)
    return _Parser(file).symbol(document, notes)


class _Parser:
    """Parse the graphs of one file, which share its version."""

    def __init__(self, file: str) -> None:
        self.check = JsonChecker(file)
        self.version: tuple[int, int, int] | None = None
        self.numpy_shape = False

    def symbol(self, document: dict[str, Any], notes: list[str]) -> Symbol:
        self._parse_graph_attributes(document.get("attrs", {}), notes)
        return self._graph(document, "", 0, notes)

    def _graph(self, document: Any, where: str, depth: int, notes: list[str]) -> Symbol:
        """Parse a graph; ``where`` is its place in the file and ``depth`` the number of graphs around it."""
        if depth > limits.SUBGRAPH_DEPTH.value:
            limit = limits.SUBGRAPH_DEPTH
            problem = f"subgraphs are nested more than {limit.value} deep; {limit.variable} raises this limit"
            raise self.check.error(where, problem)
        if not isinstance(document, dict):
            raise self.check.error(where, f"found {shorten(document)}, expected a graph: an object with 'nodes'")
        unknown = sorted(set(document) - _GRAPH_KEYS)
        if unknown:
            notes.append(f"{where}keys of the graph that no MXNet writes: {list_names(unknown)}")

        nodes = self._nodes(self.check.array(document, "nodes", where), where, depth, notes)
        heads = [
            self._edge(entry, nodes, f"{where}heads[{position}]")
            for position, entry in enumerate(self.check.array(document, "heads", where))
        ]
        if not heads:
            raise self.check.error(where, "'heads' is empty, expected at least one output")
        self._check_arguments(self.check.array(document, "arg_nodes", where), nodes, where, notes)

        order = execution_order(node for node, _ in heads)
        if len(order) < len(nodes):
            kept = set(order)
            unused = [node.name for node in nodes if node not in kept]
            notes.append(f"{where}left out {len(unused)} nodes that no output needs: {list_names(unused)}")
        if depth == 0:
            notes += upgrade(order, self.version or UNVERSIONED)
            order = execution_order(node for node, _ in heads)
        repeated = [name for name, count in Counter(node.name for node in order).items() if count > 1]
        if repeated:
            notes.append(f"{where}names used by more than one node: {list_names(repeated)}")
        return self._freeze(order, heads, notes)

    def _freeze(self, order: list[MutableNode], heads: list[tuple[MutableNode, int]], notes: list[str]) -> Symbol:
        """Return the immutable symbol with its nodes in the given order."""
        index = {node: position for position, node in enumerate(order)}
        nodes = tuple(
            SymbolNode(
                name=node.name,
                operator=node.operator,
                attributes=node.attributes,
                hidden=node.hidden,
                inputs=tuple(Entry(index[source], output) for source, output in node.inputs),
                subgraphs=node.subgraphs,
            )
            for node in order
        )
        return Symbol(
            nodes=nodes,
            arguments=tuple(position for position, node in enumerate(nodes) if node.is_variable),
            heads=tuple(Entry(index[source], output) for source, output in heads),
            version=self.version,
            numpy_shape=self.numpy_shape,
            notes=tuple(notes),
        )

    def _nodes(self, documents: list[Any], where: str, depth: int, notes: list[str]) -> list[MutableNode]:
        nodes: list[MutableNode] = []
        for position, document in enumerate(documents):
            here = f"{where}nodes[{position}]"
            self.check.object(document, here)
            name = self.check.text(document.get("name"), f"{here}: 'name'")
            here += f" ({shorten(name)})"
            unknown = sorted(document.keys() - _NODE_KEYS)
            if unknown:  # MXNet refuses these too: their meaning would be lost
                raise self.check.error(here, f"holds {list_names(unknown)}, which no MXNet writes in a node")
            nodes.append(self._node(document, name, nodes, here, depth, notes))
        return nodes

    def _node(
        self, document: dict[str, Any], name: str, earlier: list[MutableNode], here: str, depth: int, notes: list[str]
    ) -> MutableNode:
        operator = self.check.text(document.get("op"), f"{here}: 'op'")
        if not operator:
            raise self.check.error(here, "'op' is empty, expected an operator's name, or \"null\" for a variable")
        node = MutableNode(name, CANONICAL.get(operator, operator), {}, {})
        renamed = RENAMED_ATTRIBUTES.get(node.operator, {})
        for name_in_file, value in self._attributes(document, here).items():
            key = renamed.get(name_in_file, name_in_file)
            (node.hidden if node.is_variable or _is_hidden(key) else node.attributes)[key] = value
        node.inputs = [
            self._edge(entry, earlier, f"{here}, input {position}")
            for position, entry in enumerate(self.check.array(document, "inputs", here))
        ]
        if node.is_variable and node.inputs:
            raise self.check.error(here, f"a variable with {len(node.inputs)} inputs, expected none")
        if "control_deps" in document:
            node.dependencies = [
                earlier[self.check.index(index, len(earlier), f"{here}: 'control_deps'")]
                for index in self.check.array(document, "control_deps", here)
            ]
        if "subgraphs" in document:
            node.subgraphs = tuple(
                self._graph(graph, f"{here}, subgraphs[{position}]: ", depth + 1, [])
                for position, graph in enumerate(self.check.array(document, "subgraphs", here))
            )
            notes += [note for graph in node.subgraphs for note in graph.notes]
        return node

    def _attributes(self, document: dict[str, Any], here: str) -> dict[str, str]:
        """Return all attributes of a node; ``attr`` takes precedence over ``param``, as in MXNet."""
        merged: dict[str, str] = {}
        for era in ("param", "attr", "attrs"):
            for key, value in self.check.object(document.get(era, {}), f"{here}: '{era}'").items():
                self.check.text(key, f"{here}: a key of '{era}'")
                if era == "attrs" and document.get("attr", {}).get(key, value) != value:
                    raise self.check.error(here, f"'attr' and 'attrs' disagree on {shorten(key)}")
                merged[key] = self.check.text(value, f"{here}: attribute {shorten(key)}")
        return merged

    def _parse_graph_attributes(self, document: Any, notes: list[str]) -> None:
        """Set the version and the meaning of shapes from the attributes of the outer graph."""
        attributes = self.check.object(document, "'attrs' of the graph")
        for key, tagged in attributes.items():
            if not isinstance(tagged, list) or len(tagged) != 2:
                raise self.check.error("", f"'attrs' gives {shorten(key)} as {shorten(tagged)}, expected [type, value]")
        if "mxnet_version" in attributes:
            number = self.check.index(attributes["mxnet_version"][1], 10**8, "'mxnet_version'")
            self.version = (number // 10000, number // 100 % 100, number % 100)
            if self.version >= _UNKNOWN_VERSION:
                notes.append(f"written by MXNet {'.'.join(map(str, self.version))}, newer than any this reader knows")
        if "is_np_shape" in attributes:
            self.numpy_shape = bool(self.check.index(attributes["is_np_shape"][1], 2**31, "'is_np_shape'"))
        unknown = sorted(set(attributes) - {"mxnet_version", "is_np_shape"})
        if unknown:
            notes.append(f"attributes of the graph that no MXNet writes: {list_names(unknown)}")

    def _check_arguments(self, document: list[Any], nodes: list[MutableNode], where: str, notes: list[str]) -> None:
        """Check that ``arg_nodes`` holds variables; note if it does not hold all of them."""
        indices = [self.check.index(index, len(nodes), f"{where}'arg_nodes'") for index in document]
        for index in indices:
            if not nodes[index].is_variable:
                operator = shorten(nodes[index].operator)
                problem = f"'arg_nodes' holds {index}, which is {operator}, expected variables only"
                raise self.check.error(where, problem)
        if set(indices) != {index for index, node in enumerate(nodes) if node.is_variable}:
            notes.append(f"{where}'arg_nodes' does not list all variables; the nodes themselves were followed")

    def _edge(self, entry: Any, earlier: list[MutableNode], here: str) -> tuple[MutableNode, int]:
        """Return the source of an edge: one of the ``earlier`` nodes, and which of its outputs."""
        if not isinstance(entry, list) or len(entry) not in (2, 3):
            raise self.check.error(here, f"found {shorten(entry)}, expected [node, output] or [node, output, version]")
        if type(entry[0]) is int and entry[0] >= len(earlier):
            problem = f"refers to node {entry[0]}, expected one of the {len(earlier)} nodes before it"
            raise self.check.error(here, f"{problem}: a cycle, or nodes out of order")
        source = earlier[self.check.index(entry[0], len(earlier), here)]
        number = limits.OUTPUT_NUMBER
        if type(entry[1]) is int and entry[1] >= number.value:
            problem = f"found {entry[1]}, expected less than {number.hint}"
            raise self.check.error(f"{here}, output of {shorten(source.name)}", problem)
        output = self.check.index(entry[1], number.value, f"{here}, output of {shorten(source.name)}")
        if output and source.is_variable:
            problem = f"output {output} of the variable {shorten(source.name)}, which has only output 0"
            raise self.check.error(here, problem)
        return source, output


def _is_hidden(key: str) -> bool:
    """Return whether MXNet hides an attribute from the operator of the node: its name is ``__x__``."""
    return len(key) > 4 and key.startswith("__") and key.endswith("__")
