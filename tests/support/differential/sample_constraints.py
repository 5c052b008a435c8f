"""Constraints of operators on samples: densities, random numbers and statistics."""

from __future__ import annotations

from typing import Sequence

from differential.draft import Constraint, Draft, Input


def densities(*parameters: tuple[float, float], counts: bool = False) -> Constraint:
    def constraint(draft: Draft) -> Sequence[Input]:
        shape = draft.shape(1, 2)
        samples = ("integers", 0, 5) if counts else ("uniform", 0.1, 2)
        inputs = [Input(shape, ("uniform", *bounds)) for bounds in parameters]
        return [Input((*shape, draft.between(1, 3)), samples), *inputs]

    return constraint


def dirichlet(draft: Draft) -> Sequence[Input]:
    batch, size = draft.shape(1), draft.between(2, 4)
    samples = Input((*batch, draft.between(1, 3), size), ("probabilities", -1))
    return [samples, Input((*batch, size), ("uniform", 0.5, 3))]


def histogram(draft: Draft) -> Sequence[Input]:
    draft.set(bin_cnt=None, range=None)
    data = Input(draft.shape(1, 2, 3))
    if draft.random.random() < 0.5:
        return [data, Input((draft.between(2, 6),), ("increasing",))]
    draft.set(bin_cnt=draft.between(1, 5), range=draft.one("(-1.0, 2.0)", "(0.0, 3.0)"))
    return [data]


def bincount(draft: Draft) -> Sequence[Input]:
    draft.set(has_weights=None, minlength=None)
    draft.maybe(minlength=[0, 3, 9])
    data = Input(draft.shape(1), ("integers", 0, 5))
    if draft.has_optional and draft.random.random() < 0.4:
        draft.set(has_weights="True")
        return [data, Input(data.shape, (), draft.one("float32", "float64"))]
    return [data]


def average(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2, 3)
    draft.set(axis=None, returned=None, weighted=None)
    draft.maybe(axis=[(draft.axis(len(shape)),)], weighted=["False"])
    if not draft.flag("weighted", True):
        return [Input(shape)]
    return [Input(shape), Input(shape, ("uniform", 0.5, 2))]


def percentile(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2, 3)
    draft.set(axis=None, q_scalar=None)
    draft.maybe(axis=[(draft.axis(len(shape)),)])
    if draft.random.random() < 0.5:
        draft.set(q_scalar=draft.one("50", "30", "99.5", "0"))
        return [Input(shape)]
    return [Input(shape), Input((draft.between(1, 3),), ("integers", 0, 100), draft.one("float32", "float64"))]


def parameters_of_gamma(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(1, 2)
    draft.set(ctx=None, shape="None", scale="None", size=shape)
    return [Input(shape, ("uniform", 0.5, 2)), Input(shape, ("uniform", 0.5, 2))]


def sampled(first: tuple[float, float], second: tuple[float, float]) -> Constraint:
    def constraint(draft: Draft) -> Sequence[Input]:
        shape = draft.shape(1, 2)
        return [Input(shape, ("uniform", *first)), Input(shape, ("uniform", *second))]

    return constraint


def multinomial(draft: Draft) -> Sequence[Input]:
    draft.set(n=draft.between(1, 5), pvals=None, size=None)
    return [Input((draft.between(2, 4),), ("constant", 0.2))]


def choice(draft: Draft) -> Sequence[Input]:
    draft.set(a=draft.between(4, 8), size=(draft.between(1, 3),), ctx=None, replace=None, weighted=None)
    return []


SAMPLES: dict[str, Constraint] = {
    "_histogram": histogram,
    "_npi_average": average,
    "_npi_bincount": bincount,
    "_npi_choice": choice,
    "_npi_gamma": parameters_of_gamma,
    "_npi_multinomial": multinomial,
    "_npi_percentile": percentile,
    "_random_pdf_dirichlet": dirichlet,
    "_random_pdf_exponential": densities((0.5, 2)),
    "_random_pdf_gamma": densities((0.5, 3), (0.5, 2)),
    "_random_pdf_generalized_negative_binomial": densities((0.5, 3), (0.2, 1), counts=True),
    "_random_pdf_negative_binomial": densities((1, 4), (0.2, 0.8), counts=True),
    "_random_pdf_normal": densities((-1, 1), (0.5, 2)),
    "_random_pdf_poisson": densities((0.5, 3), counts=True),
    "_random_pdf_uniform": densities((-1, 0), (1, 3)),
    "_sample_gamma": sampled((0.5, 2), (0.5, 2)),
    "_sample_generalized_negative_binomial": sampled((0.5, 2), (0.2, 1)),
    "_sample_negative_binomial": sampled((1, 4), (0.2, 0.8)),
}
"""Constraints of operators on samples by operator."""
