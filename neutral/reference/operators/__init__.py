"""The reference functions: one module for each family of the catalogue, one function for each kind.

A function is named after its kind, whose meaning is in the catalogue under the same name. Operands come by position, in
the catalogue's order; attributes and tensors come by name. Operands of float16 arrive as float32, and what is computed
from them is rounded to float16 once (:mod:`neutral.reference.evaluate`).
"""
