"""Infer dtypes of values and numbers of channels from attributes, declarations and arrays of a symbol."""
