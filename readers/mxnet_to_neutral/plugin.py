"""The reader of MXNet checkpoints as a plug-in: an implementation of :class:`neutral.plugins.Reader`."""

from __future__ import annotations

import glob
import os
import shlex
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence

from mxnet_to_neutral.files.detection import is_torch_file, kind_of
from mxnet_to_neutral.files.kinds import FOREIGN_SUFFIXES
from neutral.members import split_member
from neutral.store.remote import is_url

if TYPE_CHECKING:
    from neutral.plugins import Reader
    from neutral.store import Store

SUFFIXES = (".params", ".json", ".npz", ".states", ".tar.gz", ".tgz", ".tar", ".zip")
"""Suffixes of MXNet's files. :func:`read` refuses ``.states`` (a pickle) with an explanation."""

PREFIX_PATTERNS = ("-symbol.json", "-*.params", ".json", ".params")
"""Glob patterns of the files of a prefix, without the prefix."""


class MXNetReader:
    """Convert MXNet checkpoints to stores."""

    name = "mxnet"

    def can_read(self, path: str) -> bool:
        """Return whether ``path`` may be an MXNet checkpoint.

        Args:
            path: A folder, a file with one of :data:`SUFFIXES` or the content of a symbol, of parameters or of an
                archive, ``archive#member``, a prefix of such files, or a URL without one of
                :data:`~mxnet_to_neutral.files.kinds.FOREIGN_SUFFIXES`.

        Returns:
            True if :meth:`read` should be tried.
        """
        if is_url(path):
            return not path.lower().endswith(FOREIGN_SUFFIXES)
        if os.path.isfile(path) and kind_of(path) is not None:
            return True
        if os.path.isdir(path) or path.lower().endswith(SUFFIXES):
            return not is_torch_file(path)
        if os.path.isfile(path):
            return False
        archive, member = split_member(path)
        if member:
            return self.can_read(archive)
        return any(glob.glob(glob.escape(path) + pattern) for pattern in PREFIX_PATTERNS)

    def find(self, folder: str, names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the checkpoints among the files of one folder; every epoch is one.

        Args:
            folder: The folder or URL that holds the files.
            names: The names of all files in it.

        Returns:
            For each checkpoint its name, without ``.params``, and the names of its files. Of an archive that holds
            several, each is one: ``archive#member``.

        Example:
            >>> list(reader.find("", ["a-symbol.json", "a-0000.params", "b.params", "c.zip"]))
            [('a-0000', ('a-symbol.json', 'a-0000.params')), ('b', ('b.params',)), ('c.zip', ('c.zip',))]
        """
        from mxnet_to_neutral.files.discovery import find

        yield from find(folder, names)

    def describe(self, path: str) -> str | None:
        """Describe a file that belongs to no checkpoint, in words that follow its name; None for other files.

        Args:
            path: A local file, or a URL.

        Returns:
            A noun phrase such as ``a symbol without parameters``, or None.

        Example:
            >>> reader.describe("nowhere.txt")
        """
        from mxnet_to_neutral.files.discovery import describe

        return None if is_url(path) else describe(path)

    def read(self, *paths: str, **options: Any) -> Store:
        """Return the store of one checkpoint; see :func:`mxnet_to_neutral.read`.

        Args:
            paths: A prefix, or the files of one checkpoint in any order.
            options: ``epoch`` (int), ``inputs`` (names of arrays that are inputs of the graph), ``dtypes`` (dtypes of
                inputs by name), ``graph_only`` (bool: a symbol is read without parameters).

        Returns:
            The store, whose ``close`` removes the temporary files of an unpacked archive.

        Raises:
            SourceError: A file is missing, damaged, or does not belong to the others.
            UnsupportedError: The content cannot be expressed exactly.
            UsageError: The paths name no checkpoint.
        """
        from mxnet_to_neutral import read

        return read(*paths, **options)

    def graph_advice(self, store: Store) -> str:
        """Return how to get the graph of a checkpoint without one; see :func:`mxnet_to_neutral.families.advise`.

        Args:
            store: The store of parameters alone.

        Returns:
            A clause that follows a semicolon.

        Example:
            >>> from neutral.store import Store
            >>> reader.graph_advice(Store({}, {}))[:15]
            'where MXNet is,'
        """
        from mxnet_to_neutral.families import advise

        return advise(store)

    def find_partner(self, path: str, epoch: int | None = None) -> str | None:
        """Return the file that lies beside a symbol or a parameter file and completes it; None without one.

        Args:
            path: The file, which is read first.
            epoch: The epoch of the parameters beside a symbol, if there are several.

        Returns:
            The path of the other file, or None.

        Raises:
            SourceError: The file is damaged, or several parameter files lie beside a symbol.
        """
        from mxnet_to_neutral.reading import partner_of

        return partner_of(path, epoch)

    def capture_command(
        self, graph: str, parameters: str, shapes: Mapping[str, Sequence[int] | None], output: str, text: str = ""
    ) -> str:
        """Return the command that records a golden file where MXNet is; ``uv run`` installs MXNet first.

        Args:
            graph: The symbol.
            parameters: The parameter file.
            shapes: The shape of each input; None where it is unknown.
            output: The golden file.
            text: The content of the symbol; labels in it whose shapes MXNet cannot infer get one, too.

        Returns:
            A command line for a shell.

        Example:
            >>> command = reader.capture_command("a-symbol.json", "a-0000.params", {"data": (1, 3)}, "g.safetensors")
            >>> command[command.index("run --symbol"):]
            'run --symbol a-symbol.json --params a-0000.params --shape data=1,3 -o g.safetensors'
        """
        program = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "mxnet_capture.py")
        words = ["uv", "run", program, "run", "--symbol", graph, "--params", parameters]
        extents = {
            name: ("N", "C", "H", "W") if shape is None else tuple(map(str, shape)) for name, shape in shapes.items()
        }
        batch = next((extent[0] for extent in extents.values() if extent), "N")
        for name, sample in (_labels(text, graph) if text else {}).items():
            extents.setdefault(name, (batch, *map(str, sample)))
        for name, extent in extents.items():
            words += ["--shape", f"{name}={','.join(extent)}"]
        return " ".join(shlex.quote(word) for word in (*words, "-o", output))


def _labels(text: str, file: str) -> dict[str, tuple[int, ...]]:
    from mxnet_to_neutral.symbol.parsing import parse_symbol
    from mxnet_to_neutral.symbol.training_labels import uninferred_labels

    return uninferred_labels(parse_symbol(text, file))


reader: Reader = MXNetReader()
