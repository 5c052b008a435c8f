"""Tuning constants of matching, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Heuristics:
    """Limits and tolerances of matching.

    Attributes:
        max_trials: Ways to decide ambiguities that are tested against recorded values before giving up.
        max_joined_layers: Layers that regrouping joins at most: query, key and value.
        max_candidates_shown: Candidates of an ambiguous layer that a remark lists.
        max_remarks_shown: Remarks of one layer that a plan lists.
        max_problems_shown: Problems that a refusal lists, the first in order of execution.
        max_names_shown: Names that a line of a refusal lists.
        max_line_length: Characters of a line of a refusal.
        max_neighbors: Layers before a layer that are kept as its neighbours, the last ones.
        expression_depth: Operators below each other that a message spells out.
        probe_tolerance: Largest difference of equal expressions, in units of the largest value.
        probe_std: Standard deviation of the random operands of a numerical probe. With 4, many of them lie beyond the
            bounds of clipped activations.
        golden_tolerance: Largest error of a layer or an output that counts as a reproduction of the recorded values,
            in units of the largest recorded magnitude. Another layer's weights change a value by about its magnitude.
    """

    max_trials: int = 64
    max_joined_layers: int = 3
    max_candidates_shown: int = 3
    max_remarks_shown: int = 3
    max_problems_shown: int = 3
    max_names_shown: int = 3
    max_line_length: int = 400
    max_neighbors: int = 8
    expression_depth: int = 4
    probe_tolerance: float = 1e-4
    probe_std: float = 4.0
    golden_tolerance: float = 1e-3


HEURISTICS = Heuristics()
"""The values that Neutral uses."""
