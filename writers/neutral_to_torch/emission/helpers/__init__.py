"""Helpers that emitted files may contain where torch has no equal.

Only what a model uses is copied, so a definition may use its module's imports and other
helpers, and nothing else. Of docstrings the copy has the part before the sections: ``Args`` and the
like describe the helper to its maintainers.
"""
