"""Skip these tests where torch is not installed."""

from importlib.util import find_spec

_spec = find_spec("torch")
collect_ignore_glob = ["*.py"] if _spec is None or _spec.origin is None else []
