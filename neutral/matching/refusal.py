"""Message of a refusal: a dozen lines at most, with the first problems in order of execution and the remedies."""

from __future__ import annotations

from dataclasses import replace
from typing import Iterator, Mapping, Sequence

from neutral.errors import MatchError
from neutral.graph import Graph
from neutral.matching.heuristics import HEURISTICS
from neutral.matching.network import Network
from neutral.matching.plan import Plan, Problem, find_problems
from neutral.matching.target import Target
from neutral.store import Store
from neutral.text import printable

_MAX_OFFERS = 2


def refuse(
    target: Target, store: Store, plan: Plan, others: Sequence[str] = (), offers: Sequence[str] = ()
) -> MatchError:
    """Return the error that refuses a plan.

    Args:
        target: The module that the plan is for.
        store: The store.
        plan: The plan.
        others: Problems that are not in the plan.
        offers: Changes that would resolve problems, one line each.

    Returns:
        An error whose message counts the problems and shows the first of them, and that lists all of them.

    Example:
        >>> from neutral.graph import Layer
        >>> from neutral.matching.plan_entries import Leftover
        >>> class Description:
        ...     name = "Net"
        ...     network = Network({}, {})
        >>> store = Store({"fc": Layer("fc", "linear", {}, {})}, {}, path="net.h5")
        >>> plan = Plan((), unused=(Leftover("fc", "the module has nothing of its name"),))
        >>> print(refuse(Description(), store, plan))
        net.h5 does not fit Net; nothing has been loaded:
          - stored fc not used: the module has nothing of its name
          In all: 0 of 1 stored layers matched, 1 not used
        Pass a mapping of the layers that match, or allow_unused (--allow-unused) for layers that the module lacks.
    """
    problems = [*map(Problem, others), *_in_execution_order(find_problems(plan), store, target.network)]
    texts = [problem.text() for problem in problems]
    shown = [
        f"  - {_clipped(item.text(HEURISTICS.max_names_shown))}" for item in problems[: HEURISTICS.max_problems_shown]
    ]
    if len(problems) > len(shown):
        shown.append(f"  and {len(problems) - len(shown)} more: --verbose, --json or the error's problems list them")
    lines = (
        f"{store.path or 'the store'} does not fit {target.name}; nothing has been loaded:",
        *shown,
        *(f"  - {_clipped(printable(offer))}" for offer in offers[:_MAX_OFFERS]),
        f"  In all: {_counts(plan, store)}",
        *_advice(plan, store, target.network),
    )
    return MatchError("\n".join(lines), (*texts, *offers))


def _counts(plan: Plan, store: Store) -> str:
    numbers = (
        (sum(not item.allowed for item in plan.unused), "not used"),
        (sum(not item.allowed for item in plan.unfilled), "tensors of the module not filled"),
        (sum(item.is_problem for _, item in plan.differences), "attributes that change the results"),
        (len(plan.conflicts), "differences in dataflow or values"),
    )
    matched = len({pair.layer for pair in plan.pairs})
    total = max(len(store.layers), matched)
    counts = (f"{matched} of {total} stored layers matched", *(f"{count} {noun}" for count, noun in numbers if count))
    return ", ".join(counts)


def _in_execution_order(problems: Sequence[Problem], store: Store, module: Network) -> list[Problem]:
    """Order leftovers and attributes by the first node that they concern; conflicts come in their own order, first."""
    stored_places, module_places = _places(store.graph), _places(module.graph)
    owners = {key: layer.name for layer in module.layers.values() for key in layer.tensors.values()}

    def of_stored(name: str) -> float:
        return stored_places.get(name, stored_places.get(name.rpartition(".")[0], 1.0))

    def of_module(name: str) -> float:
        return module_places.get(owners.get(name, name), 1.0)

    def place(problem: Problem) -> float:
        places = [*map(of_stored, (*problem.unused, *problem.layers)), *map(of_module, problem.unfilled)]
        return min(places, default=-1.0)

    ordered = [
        replace(
            problem,
            unused=tuple(sorted(problem.unused, key=of_stored)),
            unfilled=tuple(sorted(problem.unfilled, key=of_module)),
        )
        for problem in problems
    ]
    return sorted(ordered, key=place)


def _places(graph: Graph | None) -> Mapping[str, float]:
    """Return the place of the first use of each layer, as a fraction of all nodes."""
    places: dict[str, float] = {}
    for index, node in enumerate(graph.nodes if graph is not None else ()):
        if node.layer is not None:
            places.setdefault(node.layer, index / len(graph.nodes if graph is not None else ()))
    return places


def _advice(plan: Plan, store: Store, module: Network) -> Iterator[str]:
    """Yield the options that are the likeliest to help, none where the problems say it themselves."""
    unused = [item for item in plan.unused if not item.allowed]
    unfilled = [item for item in plan.unfilled if not item.allowed]
    if any("ambiguous" in item.why for item in (*unused, *unfilled)):
        yield (
            "Pass a golden file (golden, --golden), whose values decide, or --reference, which computes them from the "
            "store; or a mapping of the layers that match."
        )
    elif store.graph is not None and module.graph is None and (unused or unfilled):
        yield "Pass an example (example, --shape or --example): then the dataflow matches what names do not."
    elif unused or unfilled:
        yield _options_for_leftovers(bool(unused), bool(unfilled))
    elif plan.conflicts:
        yield "Change the module where it differs, or pass a mapping if layers are matched wrongly."
    if any(item.is_problem for _, item in plan.differences):
        yield (
            "Pass set_attributes (--set-attributes) to give the module the stored values, or allow_attributes "
            "(--allow-attributes) to keep its own."
        )


def _options_for_leftovers(unused: bool, unfilled: bool) -> str:
    allowed = [
        f"{option} (--{option.replace('_', '-')}) for {leftovers}"
        for is_needed, option, leftovers in (
            (unused, "allow_unused", "layers that the module lacks"),
            (unfilled, "allow_missing", "tensors that the store lacks"),
        )
        if is_needed
    ]
    return ", or ".join(("Pass a mapping of the layers that match", *allowed)) + "."


def _clipped(text: str) -> str:
    limit = HEURISTICS.max_line_length
    return text if len(text) <= limit else f"{text[: limit - 2]} …"
