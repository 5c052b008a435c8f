"""Element by element: arithmetic, comparison, choice and the functions of one number.

Two operands have the same dtype, and it is the result's; a literal number takes the dtype of the other operand.
Shapes broadcast as in NumPy. Where the true result is not a number the output is NaN, and NaN goes in and out.
"""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator

_BINARY = {
    "add": "output = input + other.",
    "subtract": "output = input - other.",
    "multiply": "output = input * other.",
    "divide": "output = input / other, of floating types.",
    "integer_divide": "output = input / other with the fraction cut off (towards zero), of integer types.",
    "remainder": "output = input - floor(input / other)*other, which has the sign of other; 0 where other is 0.",
    "power": "output = input to the power of other, of floating types.",
    "hypot": "output = sqrt(input^2 + other^2), of floating types.",
    "maximum": "output = the larger of input and other; NaN where either is.",
    "minimum": "output = the smaller of input and other; NaN where either is.",
    "equal": "output = 1 where input = other, else 0, in the dtype of the operands.",
    "not_equal": "output = 1 where input differs from other, else 0, in the dtype of the operands. NaN differs from NaN.",
    "greater": "output = 1 where input > other, else 0, in the dtype of the operands.",
    "greater_equal": "output = 1 where input >= other, else 0, in the dtype of the operands.",
    "less": "output = 1 where input < other, else 0, in the dtype of the operands.",
    "less_equal": "output = 1 where input <= other, else 0, in the dtype of the operands.",
    "logical_and": "output = 1 where both are not 0, else 0, in the dtype of the operands. NaN is not 0.",
    "logical_or": "output = 1 where either is not 0, else 0, in the dtype of the operands. NaN is not 0.",
    "logical_xor": "output = 1 where just one is not 0, else 0, in the dtype of the operands. NaN is not 0.",
}

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
    "logical_not": "output = 1 where input is 0, else 0, in the dtype of input. NaN is not 0.",
}

OPERATORS = (
    *(
        Operator(kind, meaning, inputs=("input", "other"), family="elementwise binary")
        for kind, meaning in _BINARY.items()
    ),
    *(Operator(kind, meaning, family="elementwise unary") for kind, meaning in _UNARY.items()),
    Operator(
        "round",
        "output = the integer nearest to input; of two that are equally near, the one that ties says.",
        attributes=(
            Attribute(
                "ties",
                "str",
                "away_from_zero: 0.5 gives 1 and -0.5 gives -1; down: 0.5 gives 0 and -0.5 gives -1.",
                choices=("away_from_zero", "down"),
            ),
        ),
        family="elementwise unary",
    ),
    Operator(
        "clamp",
        "output = min where input < min, max where input > max, else input; min is not above max. NaN stays.",
        attributes=(
            Attribute("min", "float", "The lower bound; None: there is none.", optional=True),
            Attribute("max", "float", "The upper bound; None: there is none.", optional=True),
        ),
        family="elementwise unary",
    ),
    Operator(
        "smooth_l1",
        "output = 0.5*(sigma*input)^2 where |input| <= 1/sigma^2, else |input| - 0.5/sigma^2.",
        attributes=(Attribute("sigma", "float", "Where the parabola ends: at 1/sigma^2. Not 0."),),
        family="elementwise unary",
    ),
    Operator(
        "divide_by_sqrt_size",
        "output = input / sqrt(size of input's last axis).",
        family="elementwise unary",
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
    ),
    Operator(
        "cast_to_common",
        "Each output is its input in the widest dtype among the inputs' float32, float16 and bfloat16, or the "
        "narrowest. An input of another dtype stays as it is.",
        inputs=("*inputs",),
        attributes=(Attribute("narrowest", "bool", "Whether the narrowest dtype is taken, not the widest."),),
        outputs=("*outputs",),
        family="elementwise binary",
    ),
    Operator(
        "where",
        "output = input where condition is not 0, else other; all of one shape. A condition of one dimension chooses "
        "whole rows instead: its element i is for all of input[i].",
        inputs=("condition", "input", "other"),
        family="elementwise binary",
    ),
)
