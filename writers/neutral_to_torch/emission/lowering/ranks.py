"""The number of axes of a node's outputs, by the catalogue's rank rules and those of emitter rules."""

from __future__ import annotations

from neutral.operators import catalogue
from neutral.operators.ranks import RankContext, RankRule, output_ranks
from neutral_to_torch.emission.lowering.node_view import NodeView
from neutral_to_torch.emission.lowering.rules import rule_for


def rank_rule_of(kind: str) -> RankRule:
    """Return the rank rule of a kind: the catalogue's, or that of the emitter rule for kinds that have none there.

    Args:
        kind: A kind of the catalogue.

    Returns:
        The rule; None where neither states one.
    """
    operator = catalogue.get(kind)
    if operator is not None and operator.rank_rule is not None:
        return operator.rank_rule
    emitter_rule = rule_for(kind)
    return None if emitter_rule is None else emitter_rule.rank


def rank_of(view: NodeView) -> list[int | None]:
    """Return the rank of each output of the node, None where it is unknown.

    Args:
        view: The node.

    Returns:
        The number of axes by output.
    """
    operands = [view.rank(index) for index in range(len(view.inputs))]
    shapes = {role: view.shape(role) for role in view.roles}
    return output_ranks(rank_rule_of(view.kind), RankContext(view.attributes, operands, max(1, len(view.used)), shapes))
