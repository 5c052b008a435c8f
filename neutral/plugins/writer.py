"""The interface of a writer: from stores to one framework's modules, source files and checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, Mapping, Protocol, Sequence

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from neutral.errors import NeutralError
    from neutral.matching import Mappable
    from neutral.matching.plan import Plan
    from neutral.plugins.written import EmittedModel, WrittenCheckpoint
    from neutral.store import Store
    from neutral.store.progress import Progress
    from neutral.verification.report import Report


class Writer(Protocol):
    """Bring stores into one framework. Every method may be absent: a command that needs one that is absent says so.

    ==========================  ========================================================================================
    command                     methods
    ==========================  ========================================================================================
    ``emit``                    ``emit``; with ``--dry-run`` ``preflight``; with ``--hub-layout`` ``write_hub``
    ``load``                    ``load_into``, ``make_plan``, ``save_weights``; with ``--golden`` ``verify``
    ``verify``                  ``verify`` and ``load_into``; without ``--into`` ``build``, ``plan_of``, ``make_plan``
    ``restore``, ``write``      ``restore``, ``write``, of the writer registered as ``store.source.framework``
    ``write`` of emitted ones   ``state_keys``, of any writer
    ``export --into``           ``typed``, of the writer registered as ``store.source.framework``
    ``migrate``                 those of ``emit`` and ``verify``; ``loading_example``
    ==========================  ========================================================================================

    ``module`` is a model object of the framework. Options beyond those in the signatures are passed only when they were
    given on the command line; a method raises UsageError for an option that has no meaning for its framework.
    ``docs/adding-a-writer.md`` has a complete example.

    Example:
        A writer with one method, which refuses stores without a graph:

        >>> from neutral.errors import UnsupportedError
        >>> from neutral.store import Store
        >>> class ListingWriter:
        ...     name = "listing"
        ...     def preflight(self, store, **cut):
        ...         return None if store.graph else UnsupportedError("A listing needs a graph.")
        >>> writer: Writer = ListingWriter()
        >>> print(writer.preflight(Store({}, {})))
        A listing needs a graph.
    """

    name: str
    """The framework, as the writer is registered and as ``--to`` names it."""

    def require_installed(self) -> None:
        """Raise UnsupportedError, with the command that installs it, if the framework is missing.

        Called before code of the user's is imported, which would fail for the same reason with a worse message.
        """
        ...

    def preflight(self, store: Store, **cut: Any) -> NeutralError | None:
        """Return the error that ``emit`` would raise, with every problem listed, or None.

        Args:
            store: The store to emit.
            cut: ``until`` (str), ``outputs`` (list of str) and ``class_name`` (str), as for ``emit``.

        Returns:
            The error, not raised, so that its problems can be listed.
        """
        ...

    def emit(self, store: Store, path: str | os.PathLike[str], **options: Any) -> EmittedModel:
        """Write a store as source code, and its weights beside the source as ``<stem of path>.safetensors``.

        Args:
            store: The store to emit.
            path: The source file.
            options: ``class_name`` (str); ``until`` (str): end the graph after this node; ``outputs`` (list of str):
                return these nodes; ``pth`` (bool): write the weights as ``<stem of path>.pth``;
                ``weights`` (path): write the weights to this file.

        Returns:
            The paths of the files, and where each tensor of the store is in them.

        Raises:
            UnsupportedError: A node cannot be expressed exactly. Lists every such node; nothing is written.
            UsageError: The suffix of ``path`` or an option is not supported.
        """
        ...

    def write_hub(self, store: Store, folder: str | os.PathLike[str], **options: Any) -> EmittedModel:
        """Write a new folder for a model hub: source, weights, configuration and model card.

        Args:
            store: The store to emit.
            folder: The folder, created if necessary.
            options: ``class_name`` (str); ``max_shard_size`` (int): bytes above which the weights become shards.

        Returns:
            The paths of the files.
        """
        ...

    def loading_example(self, path: str, inputs: Sequence[tuple[str, tuple[int, ...], str]]) -> Sequence[str]:
        """Return the lines of a program that loads a written model and runs it once.

        Args:
            path: The file that ``emit`` wrote.
            inputs: The name, shape and dtype of each input, in order; empty if the shapes are unknown.

        Returns:
            Three lines of Python.
        """
        ...

    def build(self, store: Store) -> Any:
        """Return the emitted model as a module in memory, loaded with the store's tensors.

        Args:
            store: A store with a graph.

        Returns:
            A model object of the framework, ready for inference.
        """
        ...

    def plan_of(self, store: Store) -> Mapping[str, str]:
        """Return the path of the built module's submodule for each layer and node of the store that has one.

        Args:
            store: The store of which ``build`` made the module.

        Returns:
            Paths in the terms of the framework, by layer and node.
        """
        ...

    def state_keys(self, store: Store) -> Mapping[str, str | None]:
        """Return the key of the store's tensor for each name in the weights of the emitted model.

        Args:
            store: A store with a graph.

        Returns:
            Keys by name; None for a constant that the store does not hold.
        """
        ...

    def make_plan(
        self,
        module: Any,
        store: Store,
        mapping: Mappable = None,
        *,
        golden: str | None = None,
        strict: bool = True,
        allow_unused: Iterable[str] = (),
        allow_missing: Iterable[str] = (),
        fold_batch_norms: bool = False,
    ) -> Plan:
        """Match the layers of a store with those of a module, changing neither.

        Args:
            module: A model object of the framework.
            store: The store to match.
            mapping: Matches that are known already: a dict, a plan, or the path of a TOML file with either.
            golden: A golden file whose inputs are used to trace ``module``.
            strict: Raise for leftovers; otherwise the plan lists them.
            allow_unused: Shell patterns of stored layers that may be left over.
            allow_missing: Shell patterns of the module's tensors that may be left over.
            fold_batch_norms: Multiply batch norms that the module lacks into the layers before them.

        Returns:
            The plan; ``print(plan)`` shows it as a table.

        Raises:
            MatchError: Store and module do not fit.
        """
        ...

    def load_into(
        self, module: Any, store: Store, mapping: Mappable = None, *, set_attributes: bool = False, **options: Any
    ) -> Plan:
        """Fill the tensors of a module from a store and return the plan; on an error the module is unchanged.

        Args:
            module: A model object of the framework.
            store: The store to load.
            mapping: As for ``make_plan``.
            set_attributes: Set attributes that differ from the store's (``eps``, ``stride``) on the module.
            options: The other options of ``make_plan``.

        Returns:
            The plan that was followed.

        Raises:
            MatchError: Store and module do not fit.
        """
        ...

    def save_weights(self, module: Any, path: str | os.PathLike[str], *, progress: Progress | None = None) -> None:
        """Write the weights of a module to a file in a format that the suffix of ``path`` selects.

        Args:
            module: A model object of the framework.
            path: The file; replaced atomically.
            progress: Called with the bytes written and the bytes in all.

        Raises:
            UsageError: The suffix is not supported.
        """
        ...

    def verify(
        self,
        module: Any,
        golden: str | os.PathLike[str],
        plan: Plan | None = None,
        *,
        store: Store | None = None,
        tolerance: float | None = None,
        end_to_end: float | None = None,
    ) -> Report:
        """Run a module on the inputs of a golden file and compare layers and outputs with those recorded.

        Args:
            module: A loaded model object of the framework.
            golden: The golden file.
            plan: The layers to compare; without it, a plan is made from ``store``.
            store: The store that ``module`` was loaded from.
            tolerance: The largest error of a layer, in units of its largest golden magnitude; None for what follows
                from the arithmetic of the layer.
            end_to_end: The same for outputs.

        Returns:
            A row for each comparison, in execution order, the outputs last.

        Raises:
            VerificationError: The module cannot be run on these inputs.
        """
        ...

    def typed(self, store: Store, module: Any) -> Store:
        """Return a store of untyped tensors with the layer kinds and attributes of the module that they belong to.

        Args:
            store: A store whose layers were inferred from names and shapes.
            module: The module of the state dict.

        Returns:
            A store of the same tensors.

        Raises:
            MatchError: Names or shapes differ.
        """
        ...

    def restore(
        self,
        store: Store,
        folder: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> Sequence[Path]:
        """Write the original files of a store, byte for byte, and return their paths.

        Args:
            store: A store that was made from files.
            folder: The folder, created if necessary.
            overwrite: Replace existing files.
            progress: Called with the bytes written and the bytes in all.

        Returns:
            The paths of the files, in the order of ``store.source.files``.

        Raises:
            StoreError: The store's data do not have the recorded size or digest.
            TargetError: A file exists or cannot be written.
        """
        ...

    def write(
        self,
        store: Store,
        prefix: str | os.PathLike[str],
        *,
        like: Store,
        epoch: int = 0,
        mapping: Mappable = None,
        allow_unused: Iterable[str] = (),
        allow_missing: Iterable[str] = (),
        overwrite: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> WrittenCheckpoint:
        """Write the tensors of a store as a checkpoint of this framework.

        Args:
            store: The values.
            prefix: The path that the names of the files begin with.
            like: The store of a checkpoint of the same network: graph, names, layouts and file version.
            epoch: The number in the name of the parameter file.
            mapping: Layers of ``like`` to layers of ``store``: a dict, a plan, or the path of a TOML file with either.
            allow_unused: Shell patterns of tensors of ``store`` that may be left over.
            allow_missing: Shell patterns of layers of ``like`` that may keep their values.
            overwrite: Replace existing files.
            dry_run: Check everything, write nothing.
            progress: Called with the bytes written and the bytes in all.

        Returns:
            The paths of the files, the names of the tensors that fill them, and notes.

        Raises:
            MatchError: The two stores do not fit.
            TargetError: A file exists or cannot be written.
        """
        ...
