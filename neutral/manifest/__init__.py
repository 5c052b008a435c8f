"""The manifest: one JSON document in a store's container, with everything that its tensors do not say.

``docs/format.md`` describes it, and ``docs/manifest.schema.json`` is made from :mod:`neutral.manifest.schema`.
"""

from __future__ import annotations

from neutral.manifest.decoding import DECODERS, decode
from neutral.manifest.encoding import encode
from neutral.manifest.schema import KEY, VERSION

__all__ = ["DECODERS", "KEY", "VERSION", "decode", "encode"]
