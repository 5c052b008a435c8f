"""Compare a network's values with recorded ones: golden files, errors, their likely causes, and reports.

A writer runs its framework's module and passes the arrays: those of layers to
:class:`neutral.verification.layers.LayerComparison`, the outputs to
:func:`neutral.verification.outputs.compare_outputs`, single operators to
:func:`neutral.verification.operators.verify_operators`.
"""
