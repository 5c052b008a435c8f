"""Constraints of operators that draw random numbers."""

from __future__ import annotations

from typing import Sequence

from differential.draft import CODES, Constraint, Draft, Input


def parameters_of_gamma(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2)
    draft.set(ctx=None, shape="None", scale="None", size=shape)
    return [Input(shape, ("uniform", 0.5, 2)), Input(shape, ("uniform", 0.5, 2))]


def sampled(first: tuple[float, float], second: tuple[float, float]) -> Constraint:
    def constraint(draft: Draft) -> Sequence[Input]:
        shape = draft.shape(1, 2)
        if not draft.dtype.startswith("float"):
            return [Input(shape, ("integers", 1, 3)), Input(shape, ("constant", 1))]
        return [Input(shape, ("uniform", *first)), Input(shape, ("uniform", *second))]

    return constraint


def multinomial(draft: Draft) -> Sequence[Input]:
    draft.set(n=draft.between(1, 5), pvals=None, size=None)
    return [Input((draft.between(2, 4),), ("constant", 0.2))]


def choice(draft: Draft) -> Sequence[Input]:
    draft.set(a=draft.between(4, 8), size=(draft.between(1, 3),), ctx=None, replace=None, weighted=None)
    return []


def random_integers(draft: Draft) -> Sequence[Input]:
    low = draft.between(-3, 3)
    draft.set(low=low, high=low + draft.between(1, 4))
    return []


def distribution(*parameters: str) -> Constraint:
    """Parameters that are numbers, or tensors in their place."""

    def constraint(draft: Draft) -> Sequence[Input]:
        shape, inputs = draft.shape(1, 2), []
        for name in parameters:
            is_tensor = draft.has_optional and draft.random.random() < 0.3
            draft.set(**{name: "None" if is_tensor else draft.one("0.5", "1", "2")})
            inputs += [Input(shape, ("uniform", 0.2, 0.8))] if is_tensor else []
        draft.set(size="None" if inputs else "(2, 3)", ctx=None)
        return inputs

    return constraint


def bernoulli(draft: Draft) -> Sequence[Input]:
    inputs = distribution("prob")(draft) or ()
    draft.set(logit="None", is_logit="False", prob="None" if inputs else draft.one("0.5", "1", "0"))
    return inputs


def typed_by_number(draft: Draft) -> Sequence[Input]:
    draft.set(dtype=CODES[draft.dtype])
    return []


def probabilities(draft: Draft) -> Sequence[Input]:
    return [Input(draft.shape(1, 2), ("probabilities", -1))]


RANDOM: dict[str, Constraint] = {
    "_npi_choice": choice,
    "_npi_gamma": parameters_of_gamma,
    "_npi_multinomial": multinomial,
    "_sample_gamma": sampled((0.5, 2), (0.5, 2)),
    "_sample_generalized_negative_binomial": sampled((0.5, 2), (0.2, 1)),
    "_sample_negative_binomial": sampled((1, 4), (0.2, 0.8)),
    "_npi_bernoulli": bernoulli,
    "_npi_exponential": distribution("scale"),
    "_npi_gumbel": distribution("loc", "scale"),
    "_npi_laplace": distribution("loc", "scale"),
    "_npi_logistic": distribution("loc", "scale"),
    "_npi_normal": distribution("loc", "scale"),
    "_npi_normal_n": distribution("loc", "scale"),
    "_npi_pareto": distribution("a"),
    "_npi_powerd": distribution("a"),
    "_npi_rayleigh": distribution("scale"),
    "_npi_uniform": distribution("low", "high"),
    "_npi_uniform_n": distribution("low", "high"),
    "_npi_weibull": distribution("a"),
    "_random_randint": random_integers,
    "_zeros_without_dtype": typed_by_number,
    "_sample_categorical": probabilities,
    "_sample_multinomial": probabilities,
    "_sample_poisson": lambda draft: [Input(draft.shape(1, 2), ("uniform", 0.2, 3))],
}
"""Constraints of random numbers by operator."""
