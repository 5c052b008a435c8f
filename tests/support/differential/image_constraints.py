"""Constraints of operators on images, and of densities."""

from __future__ import annotations

from typing import Sequence

from differential.draft import Constraint, Draft, Input


def image(draft: Draft) -> Sequence[Input]:
    return [Input((*draft.one((), (2,)), draft.between(4, 6), draft.between(4, 6), 3))]


def cropped_image(draft: Draft) -> Sequence[Input]:
    draft.set(x=draft.between(0, 1), y=draft.between(0, 1), width=draft.between(1, 3), height=draft.between(1, 3))
    return image(draft)


def normalized_image(draft: Draft) -> Sequence[Input]:
    draft.set(mean=draft.one("(0.4, 0.5, 0.6)", "(0.5,)"), std=draft.one("(0.2, 0.3, 0.4)", "(2.0,)"))
    return [Input((*draft.one((), (2,)), 3, draft.between(3, 5), draft.between(3, 5)))]


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


def blocks(is_depth: bool) -> Constraint:
    """Blocks of pixels that become channels, or the reverse."""

    def constraint(draft: Draft) -> Sequence[Input]:
        size = draft.one(1, 2, 3)
        draft.set(block_size=size)
        channels, rows, columns = (draft.between(1, 2) for _ in range(3))
        if is_depth:
            return [Input((2, channels * size**2, rows, columns))]
        return [Input((2, channels, rows * size, columns * size))]

    return constraint


IMAGES: dict[str, Constraint] = {
    **dict.fromkeys(
        (
            "_image_adjust_lighting",
            "_image_random_brightness",
            "_image_random_color_jitter",
            "_image_random_contrast",
            "_image_random_flip_left_right",
            "_image_random_flip_top_bottom",
            "_image_random_hue",
            "_image_random_lighting",
            "_image_random_saturation",
        ),
        image,
    ),
    "_image_crop": cropped_image,
    "_image_flip_left_right": image,
    "_image_flip_top_bottom": image,
    "_image_normalize": normalized_image,
    "depth_to_space": blocks(is_depth=True),
    "space_to_depth": blocks(is_depth=False),
}
"""Constraints of operators on images by operator."""

DENSITIES: dict[str, Constraint] = {
    "_random_pdf_dirichlet": dirichlet,
    "_random_pdf_exponential": densities((0.5, 2)),
    "_random_pdf_gamma": densities((0.5, 3), (0.5, 2)),
    "_random_pdf_generalized_negative_binomial": densities((0.5, 3), (0.2, 1), counts=True),
    "_random_pdf_negative_binomial": densities((1, 4), (0.2, 0.8), counts=True),
    "_random_pdf_normal": densities((-1, 1), (0.5, 2)),
    "_random_pdf_poisson": densities((0.5, 3), counts=True),
    "_random_pdf_uniform": densities((-1, 0), (1, 3)),
}
"""Constraints of densities by operator."""
