"""The metadata of a model: the source it was made from, and the digests of its tensors."""

from __future__ import annotations

import json
from typing import Iterable

from neutral.store import Store


def metadata_of(store: Store, keys: Iterable[str]) -> dict[str, str]:
    """Return the metadata of a store's model.

    Args:
        store: The store.
        keys: The keys of the tensors in the model.

    Returns:
        Texts by name: the source's framework and files, and, as JSON, the SHA-256 of each tensor by key.
    """
    metadata = {}
    if store.source is not None:
        metadata["neutral.source"] = " ".join(filter(None, (store.source.framework, store.source.version)))
        metadata["neutral.files"] = json.dumps([file.name for file in store.source.files])
    digests = {key: store.digests[key] for key in sorted(keys) if key in store.digests}
    if digests:
        metadata["neutral.digests"] = json.dumps(digests)
    return metadata
