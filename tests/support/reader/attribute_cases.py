"""Attribute strings with the values that MXNet 1.9.1 parses them to, and those that it refuses."""

from __future__ import annotations

import math
from typing import Any, Callable

from mxnet_to_neutral.symbol import values

ACCEPTED: list[tuple[Callable[[str], Any], str, Any]] = [
    *((values.parse_bool, text, True) for text in ("True", "true", "TRUE", "tRuE", "1")),
    *((values.parse_bool, text, False) for text in ("False", "false", "0")),
    (values.parse_optional_bool, " True ", True),
    (values.parse_optional_bool, "none", None),
    *((values.parse_int, text, 10) for text in ("10", " 10", "10 ", "\t10\n", "+10", "010")),
    (values.parse_int, "-1", -1),
    (values.parse_optional_int, "2L", 2),
    (values.parse_optional_int, "3L ", 3),
    (values.parse_optional_int, "None", None),
    (values.parse_optional_int, "None ", None),
    *((values.parse_float, text, 1.0) for text in ("1", "1.", "1.0f", "1F", " 1", "+1")),
    *((values.parse_float, text, 1e-5) for text in ("1e-5", "1E-5", "0.00001", "1e-05f")),
    (values.parse_float, ".5", 0.5),
    (values.parse_float, "inf", math.inf),
    (values.parse_float, "-Infinity", -math.inf),
    (values.parse_optional_float, "1 ", 1.0),
    (values.parse_optional_float, "None", None),
    *(
        (values.parse_ints, text, (1, 2))
        for text in ("(1,2)", "[1,2]", "(1,2]", "( 1 , 2 )", "(1,2,)", "(1, 2, )", "(1L, 2L)", "(1,2) ", " (1,2)")
    ),
    *((values.parse_ints, text, ()) for text in ("()", "( )", "[]", "[ ]")),
    *((values.parse_ints, text, (3,)) for text in ("3", "3 ", " 3", "(3L,)", "(3 L)", "[3]")),
    (values.parse_ints, "(-1,+2)", (-1, 2)),
    (values.parse_ints_or_none, "None", None),
    (values.parse_ints_or_none, "(1,)", (1,)),
    (values.parse_optional_ints, "(None, None)", (None, None)),
    (values.parse_optional_ints, "(1,None,2L)", (1, None, 2)),
    (values.parse_optional_ints, "( None)", (None,)),
    (values.parse_optional_ints, "3L", (3,)),
    (values.parse_optional_ints, "None", None),
    (values.parse_floats, "(0.1, 0.2, )", (0.1, 0.2)),
    (values.parse_floats, "(.5,)", (0.5,)),
    (values.parse_floats, "-0.5", (-0.5,)),
    (values.parse_floats, "[1e-3,2]", (0.001, 2.0)),
    (values.parse_floats, "()", ()),
    (values.parse_dtype, "bfloat16", "bfloat16"),
]

REFUSED: list[tuple[Callable[[str], Any], tuple[str, ...]]] = [
    (values.parse_bool, (" 1", "1 ", "2", "yes", "", "None", "01", "on")),
    (values.parse_optional_bool, ("2", "")),
    (values.parse_int, ("0x2", "2L", "2.0", "1e3", "", "--1", "1_0", "True", "None", "1 2", "\u0661", "+ 1")),
    (values.parse_int, (str(2**63), "1" * 10**6)),
    (values.parse_optional_int, ("none", " None", "Nonex", "3Lx", "3 L", "2.0", "")),
    (values.parse_float, ("1 ", "1.0ff", "1.0L", "1d", "", "0x1p3", "1e400", "1_0", "None", "infi", "1.2.3", "-", ".")),
    (values.parse_optional_float, ("inf", "nan", "1f", "", " None", "1e400")),
    (
        values.parse_ints,
        ("(1,,2)", "(,)", "+3", "3L", "(3LL)", "None", "(1,None)", "", "(", "(1", "(1,", "1,2", "(1 2)"),
    ),
    (
        values.parse_ints,
        ("(1 2)", "(1.0,2)", "(1,2)x", "(True,)", "(0x1)", "((1,2))", "3x", "(1,2))", "(1l)", "{1}", "3)"),
    ),
    (values.parse_ints, (f"({2**63},)",)),
    (values.parse_ints_or_none, ("none", "(None,)")),
    (values.parse_optional_ints, ("(NoneL)", "(Nonee)", "(none,)", "(,None)", "(3 L)")),
    (values.parse_floats, (".5", "(1L,)", "(inf,)", "(1.0f,)", "(None,)", "(1e,)", "(1e400,)", "1f")),
    (values.parse_dtype, ("0", "Float32", " float32", "None", "float")),
]
