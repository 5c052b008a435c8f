"""The HDF5 container: the content of the safetensors one, laid out for people who browse.

    /                       attributes: format, version
    /manifest               the manifest, UTF-8 JSON, as bytes
    /layers/<layer>         a group; attributes: kind, typed_by, and the layer's own
    /layers/<layer>/<role>  a dataset; attributes: key (the tensor's key), dtype (its code)
    /tensors/<key>          tensors of no layer: kept arrays of the source

A tensor that several layers share is one dataset with several hard links. Names are escaped as in a URL, since ``/``
and ``.`` have a meaning in HDF5. Data have checksums (fletcher32) and can be compressed. HDF5 has no bfloat16: it is
stored as uint16 under the code ``BF16``, and bool as uint8.

The HDF5 library hangs or crashes on some damaged files, so files are read in a child process with limits
(:mod:`neutral.store.hdf5.process`), those excepted that this process has written itself.
"""

from __future__ import annotations

from neutral.store.hdf5.layout import SIGNATURE, VERSION, recognises
from neutral.store.hdf5.reading import read
from neutral.store.hdf5.writing import write

__all__ = ["SIGNATURE", "VERSION", "read", "recognises", "write"]
