"""The interface of a reader: from the checkpoints of one framework to stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, Mapping, Protocol, Sequence

if TYPE_CHECKING:
    from neutral.store import Store


class Reader(Protocol):
    """Convert checkpoints of one framework to stores.

    ``find``, ``describe``, ``graph_advice``, ``find_partner`` and ``capture_command`` may be absent.
    ``docs/adding-a-reader.md`` has a complete example.

    Example:
        A reader of text files, with numbers:

        >>> import numpy, os, tempfile
        >>> from neutral.graph import Layer
        >>> from neutral.store import Store
        >>> from neutral.tensor import from_numpy
        >>> class TextReader:
        ...     name = "text"
        ...     def can_read(self, path):
        ...         return path.endswith(".weights.txt")
        ...     def read(self, *paths, **options):
        ...         values = numpy.loadtxt(paths[0], dtype="float32", ndmin=1)
        ...         layer = Layer("values", "parameter", {}, {"value": "values.value"})
        ...         return Store({"values": layer}, {"values.value": from_numpy(values)})
        >>> reader: Reader = TextReader()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "net.weights.txt")
        ...     with open(path, "w") as file:
        ...         _ = file.write("1.5 -2")
        ...     reader.can_read(path), reader.read(path)["values.value"].tolist()
        (True, [1.5, -2.0])
    """

    name: str
    """The framework, as the reader is registered and as ``store.source.framework`` says."""

    def can_read(self, path: str) -> bool:
        """Return whether ``path`` looks like a checkpoint of this framework.

        Called for every path of a command until one reader accepts all of them, so it has to be cheap: look at the
        suffix or the first bytes. It never raises.

        Args:
            path: A file, a folder, a URL, or a prefix of several files (``model`` for ``model-symbol.json``).

        Returns:
            True if :meth:`read` should be tried.
        """
        ...

    def read(self, *paths: str, **options: Any) -> Store:
        """Return the store of one checkpoint, with tensor data that is read when it is asked for.

        Args:
            paths: The files or the prefix of one checkpoint, in any order.
            options: The reader options of the command line, passed only when given: ``epoch`` (int), ``inputs``
                (list of str), ``dtypes`` (dict of str), ``graph_only`` (bool).

        Returns:
            The store, whose ``close`` removes temporary files if there are any.

        Raises:
            SourceError: A file is missing, damaged, or does not belong to the others.
            UnsupportedError: The content cannot be expressed exactly.
            UsageError: An option has no meaning for this framework.
        """
        ...

    def find(self, folder: str, names: Sequence[str]) -> Iterable[tuple[str, tuple[str, ...]]]:
        """Yield the checkpoints among the files of one folder; ``neutral archive`` skips readers without this method.

        Args:
            folder: The folder or URL that holds the files.
            names: The names of all files in it, without the folder.

        Returns:
            For each checkpoint its name, a relative path without suffix, and the names of its files.
        """
        ...

    def describe(self, path: str) -> str | None:
        """Return the kind of a file that ``find`` left out, for ``neutral archive``; None for unknown files.

        Args:
            path: The file, or its URL.

        Returns:
            Words that follow the file's name: ``a symbol without parameters``.
        """
        ...

    def graph_advice(self, store: Store) -> str:
        """Return how to get the graph of a checkpoint that has none, for ``export`` and ``emit`` to say.

        Args:
            store: The store, without a graph.

        Returns:
            A clause that follows a semicolon.
        """
        ...

    def find_partner(self, path: str, epoch: int | None = None) -> str | None:
        """Return the file that completes the checkpoint of one file (weights, or their graph); None without one.

        Args:
            path: The file, accepted by :meth:`can_read`.
            epoch: The epoch that the command line names.

        Returns:
            The path of the symbol for a parameter file, or the reverse.

        Raises:
            SourceError: There are several such files; the message lists them.
        """
        ...

    def capture_command(
        self, graph: str, parameters: str, shapes: Mapping[str, Sequence[int] | None], output: str, text: str = ""
    ) -> str:
        """Return the command that records a golden file of a checkpoint on a machine that has the framework.

        Args:
            graph: The file of the graph.
            parameters: The file of the parameters.
            shapes: The shape of each input; None where it is unknown.
            output: The golden file.
            text: The content of the graph's file, which need not lie at ``graph`` yet; "" where it is unknown.

        Returns:
            A command line for a shell.
        """
        ...
