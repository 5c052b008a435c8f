"""Compare with the inputs in any order, and on inputs of another size: one order or size may agree by chance."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, permutations

from neutral_to_torch.loading.proof_compare import SINGLE_TOLERANCE, TOLERANCE, output_order
from neutral_to_torch.loading.proof_cost import UnprovenError
from neutral_to_torch.loading.proof_inputs import Template, uneven_template
from neutral_to_torch.loading.proof_rows import compare_rows
from neutral_to_torch.loading.proof_run import Comparison, Trial

_MAX_INPUT_ORDERS = 6


def compare_orders(trial: Trial, template: Template) -> Comparison:
    """Compare with the inputs by their names, else in the first order in which the outputs agree.

    Args:
        trial: The models.
        template: Arguments of the module.

    Returns:
        The errors; in the order of the module's arguments where the outputs agree in none. ``elsewhere`` says if the
        order is another one.

    Raises:
        UnprovenError: Module and store take different numbers of inputs, or a run would cost too much.
    """
    inputs = trial.emission.inputs
    count = len(template.names)
    if count != len(inputs):
        raise UnprovenError(f"the module takes {count} tensors and the stored graph {len(inputs)}")
    by_name = {name: index for index, name in enumerate(template.names)}
    if set(by_name) == {item.name for item in inputs}:
        return compare_rows(trial, template, [by_name[i.name] for i in inputs])
    first = compare_rows(trial, template, list(range(count)))
    if output_order(first.outputs, SINGLE_TOLERANCE) is None:
        for order in islice(permutations(range(count)), 1, _MAX_INPUT_ORDERS):
            try:
                other = compare_rows(trial, template, list(order))
            except Exception:  # this order does not fit
                continue
            if output_order(other.outputs, TOLERANCE) is not None:
                pairs = (f"{template.names[index]} is {item.name}" for index, item in zip(order, inputs))
                text = "inputs in another order, which their names do not say: " + ", ".join(pairs)
                return replace(other, notes=(*other.notes, text), elsewhere=text)
    return first


def compare_sizes(trial: Trial, result: Comparison) -> Comparison:
    """Add the differences on inputs of uneven sizes to a comparison, where the graph and the module take such inputs.

    Args:
        trial: The models.
        result: The comparison on inputs of even sizes.

    Returns:
        The comparison; ``elsewhere`` says if other sizes differ.
    """
    template = uneven_template(trial.module, trial.store)
    if template is None or result.elsewhere or output_order(result.outputs, SINGLE_TOLERANCE) is None:
        return result
    try:
        other = compare_orders(trial, template)
    except Exception:  # either side is made for other sizes
        return result
    if output_order(other.outputs, SINGLE_TOLERANCE) is not None:
        return result
    shapes = ", ".join(str(tuple(tensor.shape)) for tensor in template.tensors)
    text = f"the outputs agree for some shapes of the inputs, and not for {shapes}"
    return replace(result, elsewhere=f"{text}; pass an example of the shape that is meant")
