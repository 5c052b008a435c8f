"""Element by element: arithmetic, comparison, choice and the functions of one number.

The result has the dtype of the operands. Where two differ it is theirs that holds both: floating before integer before
bool, the wider of two floating or integer ones; a literal number takes the dtype of the other operand. Shapes broadcast
as in NumPy. Where the true result is not a number the output is NaN, and NaN goes in and out.
"""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator
from neutral.operators.ranks import broadcast_rank

_BINARY = {
    "add": "output = input + other.",
    "subtract": "output = input - other.",
    "multiply": "output = input * other.",
    "divide": "output = input / other; of integers and bools in float32.",
    "integer_divide": "output = input / other with the fraction cut off (towards zero), of integer types.",
    "remainder": "output = input - floor(input / other)*other, which has the sign of other; 0 where other is 0.",
    "floor_divide": "output = floor(input / other); 0 where other is 0.",
    "remainder_of_trunc": "output = input - trunc(input / other)*other, which has the sign of input; 0 where other is 0.",
    "power": "output = input to the power of other, of floating types.",
    "hypot": "output = sqrt(input^2 + other^2), of floating types.",
    "maximum": "output = the larger of input and other; NaN where either is.",
    "minimum": "output = the smaller of input and other; NaN where either is.",
    "fmax": "output = the larger of input and other; where one is NaN, the other.",
    "fmin": "output = the smaller of input and other; where one is NaN, the other.",
    "atan2": "output = the angle of the point (other, input), in radians from -pi to pi, of floating types.",
    "copysign": "output = |input| with the sign of other, of floating types.",
    "ldexp": "output = input * 2^other, of floating types.",
    "logaddexp": "output = log(e^input + e^other), of floating types.",
}

_COMMUTATIVE = frozenset(
    {
        *("add", "multiply", "maximum", "minimum", "fmax", "fmin", "hypot", "logaddexp"),
        *("equal", "not_equal", "logical_and", "logical_or", "logical_xor"),
    }
)

_ASSOCIATIVE = frozenset({"add", "multiply", "maximum", "minimum", "fmax", "fmin", "hypot", "logaddexp"})

_UNARY = {
    "abs": "output = |input|.",
    "negative": "output = -input.",
    "sign": "output = 1, 0 or -1 where input is positive, 0 (or NaN) or negative.",
    "reciprocal": "output = 1 / input.",
    "square": "output = input^2.",
    "sqrt": "output = square root of input.",
    "rsqrt": "output = 1 / sqrt(input).",
    "cbrt": "output = cube root of input, negative where input is.",
    "exp": "output = e^input.",
    "expm1": "output = e^input - 1, exact near 0.",
    "log": "output = natural logarithm of input.",
    "log10": "output = logarithm of input to base 10.",
    "log2": "output = logarithm of input to base 2.",
    "log1p": "output = natural logarithm of 1 + input, exact near 0.",
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
    "floor": "output = the largest integer not above input.",
    "ceil": "output = the smallest integer not below input.",
    "trunc": "output = input with its fraction cut off.",
    "gamma": "output = the gamma function of input; NaN at the negative integers, infinite at 0.",
    "log_gamma": "output = the natural logarithm of the gamma function's magnitude.",
    "digamma": "output = the derivative of log_gamma.",
    "erf": "output = the error function of input.",
    "erfinv": "output = the inverse of the error function, NaN outside [-1, 1].",
}

_LOGICAL = {
    "equal": "input = other",
    "not_equal": "input differs from other (NaN differs from NaN)",
    "greater": "input > other",
    "greater_equal": "input >= other",
    "less": "input < other",
    "less_equal": "input <= other",
    "logical_and": "both are not 0 (NaN is not 0)",
    "logical_or": "either is not 0 (NaN is not 0)",
    "logical_xor": "just one is not 0 (NaN is not 0)",
    "logical_not": "input is 0 (NaN is not 0)",
}

BOOLEAN = Attribute(
    "dtype",
    "str",
    "bool: the output is true or false. None: it is 1 or 0 in the dtype of the operands.",
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
            f"output = 1 where {meaning}, else 0.",
            inputs=("input",) if kind == "logical_not" else ("input", "other"),
            attributes=(BOOLEAN,),
            family=f"elementwise {'unary' if kind == 'logical_not' else 'binary'}",
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
            f"output = true where {meaning}, else false.",
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
        "output = input with what is no finite number replaced.",
        attributes=(
            Attribute("nan", "float", "In place of NaN."),
            Attribute("positive", "float", "In place of infinity; None: the dtype's largest number.", optional=True),
            Attribute("negative", "float", "In place of -infinity; None: the dtype's smallest number.", optional=True),
        ),
        family="elementwise unary",
        elementwise=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "round",
        "output = the integer nearest to input; of two that are equally near, the one that ties says.",
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
        elementwise=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "clamp",
        "output = min where input < min, max where input > max, else input; min is not above max. NaN stays.",
        attributes=(
            Attribute("min", "float", "The lower bound; None: there is none.", optional=True),
            Attribute("max", "float", "The upper bound; None: there is none.", optional=True),
        ),
        family="elementwise unary",
        elementwise=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "smooth_l1",
        "output = 0.5*(sigma*input)^2 where |input| <= 1/sigma^2, else |input| - 0.5/sigma^2.",
        attributes=(Attribute("sigma", "float", "Where the parabola ends: at 1/sigma^2. Not 0."),),
        family="elementwise unary",
        elementwise=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "divide_by_sqrt_size",
        "output = input / sqrt(size of input's last axis).",
        family="elementwise unary",
        elementwise=True,
        keeps_shape=True,
        rank_rule="same",
        dtype_rule="same",
    ),
    Operator(
        "cast",
        "output = input in another dtype. From floating to integer types the fraction is cut off; to bool, all but 0 "
        "is true.",
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
        "Each output is its input in the widest dtype among the inputs' float32, float16 and bfloat16, or the "
        "narrowest. An input of another dtype stays as it is.",
        inputs=("*inputs",),
        attributes=(Attribute("narrowest", "bool", "Whether the narrowest dtype is taken, not the widest."),),
        outputs=("*outputs",),
        family="elementwise binary",
        dtype_only=True,
        keeps_shape=True,
        rank_rule=lambda node: node.operands,
    ),
    Operator(
        "where",
        "output = input where condition is not 0, else other. Shapes broadcast. With rows all have one shape, or the "
        "condition has one dimension and chooses whole rows: its element i is for all of input[i].",
        inputs=("condition", "input", "other"),
        attributes=(Attribute("rows", "bool", "Whether a condition of one dimension chooses rows."),),
        family="elementwise binary",
        rank_rule=lambda node: node.rank(1) if node["rows"] else broadcast_rank(node.operands[:3]),
    ),
)
