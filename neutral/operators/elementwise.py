"""Elementwise arithmetic, comparisons, selection and functions of one number.

The output has the dtype of the operands. If they differ, it is the narrowest of their dtypes that holds all of them:
floating before integer before bool, the wider of two floating or two integer dtypes. A literal number takes the dtype of
the other operand. Shapes broadcast as in NumPy. The output is NaN where the true result is not a real number, and where an
operand is NaN, unless stated otherwise.
"""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator
from neutral.operators.ranks import broadcast_rank

_BINARY = {
    "add": "output = input + other.",
    "subtract": "output = input - other.",
    "multiply": "output = input * other.",
    "divide": "output = input / other; integers and bools are divided as float32.",
    "integer_divide": "output = input / other truncated towards zero, for integers.",
    "remainder": "output = input - floor(input / other)*other, which has the sign of other; 0 if other is 0.",
    "floor_divide": "output = floor(input / other); 0 if other is an integer 0.",
    "remainder_of_trunc": "output = input - trunc(input / other)*other, which has the sign of input; 0 if other is 0.",
    "power": "output = input to the power of other, for floating dtypes.",
    "hypot": "output = sqrt(input^2 + other^2), for floating dtypes.",
    "maximum": "output = the larger of input and other; NaN if either is NaN.",
    "minimum": "output = the smaller of input and other; NaN if either is NaN.",
    "fmax": "output = the larger of input and other; if one is NaN, the other one.",
    "fmin": "output = the smaller of input and other; if one is NaN, the other one.",
    "atan2": "output = the angle of the point (x=other, y=input), in radians from -pi to pi, for floating dtypes.",
    "copysign": "output = |input| with the sign of other, for floating dtypes.",
    "ldexp": "output = input * 2^other, for floating dtypes.",
    "logaddexp": "output = log(e^input + e^other), for floating dtypes.",
}

_COMMUTATIVE = frozenset(
    {
        *("add", "multiply", "maximum", "minimum", "fmax", "fmin", "hypot", "logaddexp"),
        *("equal", "not_equal", "logical_and", "logical_or", "logical_xor"),
    }
)

_ASSOCIATIVE = frozenset({"add", "multiply", "maximum", "minimum", "fmax", "fmin", "hypot", "logaddexp"})

_DISCONTINUOUS = frozenset(
    {
        *("integer_divide", "remainder", "floor_divide", "remainder_of_trunc", "sign", "floor", "ceil", "trunc"),
        *("equal", "not_equal", "greater", "greater_equal", "less", "less_equal"),
    }
)

_UNARY = {
    "abs": "output = |input|.",
    "negative": "output = -input.",
    "sign": "output = 1 if input is positive, -1 if it is negative, 0 if it is 0 or NaN.",
    "reciprocal": "output = 1 / input.",
    "square": "output = input^2.",
    "sqrt": "output = square root of input.",
    "rsqrt": "output = 1 / sqrt(input).",
    "cbrt": "output = cube root of input, negative for negative input.",
    "exp": "output = e^input.",
    "expm1": "output = e^input - 1, accurate near 0.",
    "log": "output = natural logarithm of input.",
    "log10": "output = logarithm of input to base 10.",
    "log2": "output = logarithm of input to base 2.",
    "log1p": "output = natural logarithm of 1 + input, accurate near 0.",
    "sin": "output = sine of input, in radians.",
    "cos": "output = cosine of input, in radians.",
    "tan": "output = tangent of input, in radians.",
    "asin": "output = inverse sine of input, in radians.",
    "acos": "output = inverse cosine of input, in radians.",
    "atan": "output = inverse tangent of input, in radians.",
    "sinh": "output = hyperbolic sine of input.",
    "cosh": "output = hyperbolic cosine of input.",
    "asinh": "output = inverse hyperbolic sine of input.",
    "acosh": "output = inverse hyperbolic cosine of input.",
    "atanh": "output = inverse hyperbolic tangent of input.",
    "degrees": "output = input * 180 / pi.",
    "radians": "output = input * pi / 180.",
    "floor": "output = the largest integer not greater than input.",
    "ceil": "output = the smallest integer not less than input.",
    "trunc": "output = input truncated towards zero.",
    "gamma": "output = the gamma function of input; NaN at negative integers, infinite at 0.",
    "log_gamma": "output = the natural logarithm of the absolute value of the gamma function of input.",
    "digamma": "output = the derivative of log_gamma at input.",
    "erf": "output = the error function of input.",
    "erfinv": "output = the inverse error function of input; NaN outside of [-1, 1].",
}

_LOGICAL = {
    "equal": "input equals other",
    "not_equal": "input differs from other (NaN differs from NaN)",
    "greater": "input > other",
    "greater_equal": "input >= other",
    "less": "input < other",
    "less_equal": "input <= other",
    "logical_and": "both are not 0 (NaN is not 0)",
    "logical_or": "either is not 0 (NaN is not 0)",
    "logical_xor": "exactly one is not 0 (NaN is not 0)",
    "logical_not": "input is 0 (NaN is not 0)",
}

BOOLEAN = Attribute(
    "dtype",
    "str",
    "bool: the output is true or false. None: the output is 1 or 0 in the dtype of the operands.",
    choices=("bool",),
    optional=True,
)

_PREDICATES = {
    "is_nan": "input is NaN",
    "is_infinite": "input is infinite",
    "is_finite": "input is neither infinite nor NaN",
    "is_positive_infinity": "input is infinite and positive",
    "is_negative_infinity": "input is infinite and negative",
}

OPERATORS = (
    *(
        Operator(
            kind,
            meaning,
            inputs=("input", "other"),
            family="elementwise binary",
            discontinuous=kind in _DISCONTINUOUS,
            elementwise=True,
            commutative=kind in _COMMUTATIVE,
            associative=kind in _ASSOCIATIVE,
            rank_rule="broadcast",
            dtype_rule="promote_to_float" if kind == "divide" else "promote",
        )
        for kind, meaning in _BINARY.items()
    ),
    *(
        Operator(
            kind,
            f"output = 1 if {meaning}, else 0.",
            inputs=("input",) if kind == "logical_not" else ("input", "other"),
            attributes=(BOOLEAN,),
            family=f"elementwise {'unary' if kind == 'logical_not' else 'binary'}",
            discontinuous=kind in _DISCONTINUOUS,
            elementwise=True,
            keeps_shape=kind == "logical_not",
            commutative=kind in _COMMUTATIVE,
            rank_rule="same" if kind == "logical_not" else "broadcast",
            dtype_rule="attribute",
        )
        for kind, meaning in _LOGICAL.items()
    ),
    *(
        Operator(
            kind,
            meaning,
            family="elementwise unary",
            discontinuous=kind in _DISCONTINUOUS,
            elementwise=True,
            keeps_shape=True,
            rank_rule="same",
            dtype_rule="same",
        )
        for kind, meaning in _UNARY.items()
    ),
    *(
        Operator(
            kind,
            f"output = true if {meaning}, else false.",
            family="elementwise unary",
            elementwise=True,
            keeps_shape=True,
            rank_rule="same",
            dtype_rule="bool",
        )
        for kind, meaning in _PREDICATES.items()
    ),
    Operator(
        "nan_to_num",
        "output = input with NaN and infinities replaced by finite numbers.",
        attributes=(
            Attribute("nan", "float", "The replacement of NaN."),
            Attribute(
                "positive",
                "float",
                "The replacement of infinity; None: the largest finite number of the dtype.",
                optional=True,
            ),
            Attribute(
                "negative",
                "float",
                "The replacement of -infinity; None: the lowest finite number of the dtype.",
                optional=True,
            ),
        ),
        family="elementwise unary",
        elementwise=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "round",
        "output = the integer nearest to input; ties selects between two that are equally near.",
        attributes=(
            Attribute(
                "ties",
                "str",
                "away_from_zero: 0.5 gives 1 and -0.5 gives -1; down: 0.5 gives 0 and -0.5 gives -1; to_even: 0.5 gives 0 "
                "and 1.5 gives 2.",
                choices=("away_from_zero", "down", "to_even"),
            ),
        ),
        family="elementwise unary",
        discontinuous=True,
        elementwise=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "clamp",
        "output = min if input < min, max if input > max, else input. min is not greater than max. NaN remains NaN.",
        attributes=(
            Attribute("min", "float", "The lower bound; None: unbounded.", optional=True),
            Attribute("max", "float", "The upper bound; None: unbounded.", optional=True),
        ),
        family="elementwise unary",
        elementwise=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "smooth_l1",
        "output = 0.5*(sigma*input)^2 if |input| <= 1/sigma^2, else |input| - 0.5/sigma^2.",
        attributes=(Attribute("sigma", "float", "The quadratic part extends to |input| = 1/sigma^2. Not 0."),),
        family="elementwise unary",
        elementwise=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "divide_by_sqrt_size",
        "output = input / sqrt(extent of the input's last axis).",
        family="elementwise unary",
        elementwise=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "cast",
        "output = input converted to another dtype. Floating numbers are truncated towards zero on conversion to "
        "integers; on conversion to bool, every number except 0 becomes true.",
        attributes=(
            Attribute(
                "dtype",
                "str",
                "The dtype of the output.",
                choices=(
                    *("float64", "float32", "float16", "bfloat16"),
                    *("int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool"),
                ),
            ),
        ),
        family="elementwise unary",
        dtype_rule="attribute",
        elementwise=True,
        dtype_only=True,
        keeps_shape=True,
        rank_rule="same",
    ),
    Operator(
        "cast_to_common",
        "Convert all inputs to one dtype: the widest (or narrowest) of their dtypes among float32, float16 and "
        "bfloat16. Inputs of other dtypes are returned unchanged.",
        inputs=("*inputs",),
        attributes=(Attribute("narrowest", "bool", "True for the narrowest dtype, False for the widest."),),
        outputs=("*outputs",),
        output_rule=lambda attributes, operands: operands,
        family="elementwise binary",
        dtype_only=True,
        keeps_shape=True,
        rank_rule=lambda node: node.operands,
    ),
    Operator(
        "where",
        "output = input where condition is not 0, else other. The shapes broadcast. If rows, there is no "
        "broadcasting: either all operands have one shape, or the condition is 1-D and its element i selects "
        "between input[i] and other[i].",
        inputs=("condition", "input", "other"),
        attributes=(Attribute("rows", "bool", "True if a 1-D condition selects whole rows."),),
        family="elementwise binary",
        rank_rule=lambda node: node.rank(1) if node["rows"] else broadcast_rank(node.operands[:3]),
    ),
    Operator(
        "polynomial",
        "output = coefficients[0] * input^(n - 1) + ... + coefficients[n - 2] * input + coefficients[n - 1], computed by "
        "Horner's rule; coefficients is a vector of length n in the dtype of the input.",
        inputs=("coefficients", "input"),
        family="elementwise",
        rank_rule=lambda node: node.rank(1),
        dtype_rule="same",
    ),
)
