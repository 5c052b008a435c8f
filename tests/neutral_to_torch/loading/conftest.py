"""These tests need torch. Without it this very folder would be what ``import torch`` finds, so look closer."""

from importlib.util import find_spec

_spec = find_spec("torch")
collect_ignore_glob = ["*.py"] if _spec is None or _spec.origin is None else []
