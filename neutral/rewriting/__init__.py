"""Rewrite dataflow graphs: find definitions and uses, replace values, remove dead nodes, run passes in a stated order.

The functions work on anything that is an :class:`Operation`: nodes of a :class:`neutral.graph.Graph`, the drafts of a
reader, the statements of a writer. They are the only such utility of the project.
"""

from __future__ import annotations

from neutral.rewriting.names import UniqueNames
from neutral.rewriting.operation import Operation, reachable, sort_topologically
from neutral.rewriting.passes import Pass, run_passes
from neutral.rewriting.replacement import replace_operations
from neutral.rewriting.use_def import UseDef
from neutral.rewriting.values import resolve, resolve_all

__all__ = [
    "Operation",
    "Pass",
    "UniqueNames",
    "UseDef",
    "reachable",
    "replace_operations",
    "resolve",
    "resolve_all",
    "run_passes",
    "sort_topologically",
]
