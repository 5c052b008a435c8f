"""Plug-ins: readers, writers and commands of other packages, registered as entry points and imported on use.

==================  ================================  ============================================================
group               name                              object
==================  ================================  ============================================================
neutral.readers     the framework (``mxnet``)         a :class:`Reader`
neutral.writers     the framework (``torch``)         a :class:`Writer`, with the methods that it supports
neutral.commands    the verb (``neutral VERB``)       a :class:`Command`: a module or any object
neutral.operators   the package                       operator kinds and their rules: :mod:`neutral.extensions`
==================  ================================  ============================================================

Neutral's own readers and writers are registered the same way (:data:`BUILTIN`) and are tried first, because looking for
installed entry points takes as long as the rest of the command line together.
"""

from __future__ import annotations

from neutral.plugins.blame import FILE_PREFIX
from neutral.plugins.command import Command
from neutral.plugins.reader import Reader
from neutral.plugins.registry import BUILTIN, COMMANDS, OPERATORS, READERS, WRITERS, PluginError, load, load_all, names
from neutral.plugins.requirements import require
from neutral.plugins.writer import Writer
from neutral.plugins.written import EmittedModel, WrittenCheckpoint

__all__ = [
    "BUILTIN",
    "COMMANDS",
    "FILE_PREFIX",
    "OPERATORS",
    "READERS",
    "WRITERS",
    "Command",
    "EmittedModel",
    "PluginError",
    "Reader",
    "Writer",
    "WrittenCheckpoint",
    "load",
    "load_all",
    "names",
    "require",
]
