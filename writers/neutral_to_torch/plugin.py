"""The plug-in of the command line; see :mod:`neutral.plugins`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ContextManager, Mapping, Sequence

from neutral.errors import UnsupportedError
from neutral.plugins.requirements import check_options

if TYPE_CHECKING:
    import os
    from types import ModuleType

    from torch import nn

    from neutral.errors import NeutralError
    from neutral.matching import Mappable, Plan
    from neutral.plugins.written import EmittedModel
    from neutral.store import Store
    from neutral.store.progress import Progress
    from neutral.verification.report import Report


class TorchWriter:
    """The writer of PyTorch modules and source; see :class:`neutral.plugins.Writer`.

    Each method calls the function of its name in :mod:`neutral_to_torch`, whose documentation has all options. PyTorch
    is imported by the first call.

    Raises:
        UnsupportedError: By every method, where PyTorch is not installed.
    """

    name = "torch"

    def require_installed(self) -> None:
        """Raise UnsupportedError if PyTorch is not installed."""
        _package()

    def preflight(self, store: Store, **cut: Any) -> NeutralError | None:
        """Return the error that :meth:`emit` would raise, or None.

        Args:
            store: A store with a graph.
            cut: ``outputs`` or ``until``.

        Returns:
            The error, not raised.
        """
        check_options(self.name, cut, "outputs", "until", "class_name")
        error: NeutralError | None = _package().preflight(store, **cut)
        return error

    def emit(self, store: Store, path: str | os.PathLike[str], **options: Any) -> EmittedModel:
        """Write a store as the source of a module, and its weights; see :func:`neutral_to_torch.emit`.

        Args:
            store: A store with a graph.
            path: The source file, which ends with ``.py``.
            options: The options of the function.

        Returns:
            The paths of the files, and how their content maps to the store.
        """
        check_options(self.name, options, "outputs", "until", "class_name", "weights", "pth")
        emitted: EmittedModel = _package().emit(store, path, **options)
        return emitted

    def write_hub(self, store: Store, folder: str | os.PathLike[str], **options: Any) -> EmittedModel:
        """Write a folder for a model hub; see :func:`neutral_to_torch.write_hub`.

        Args:
            store: A store with a graph.
            folder: The folder; it must be absent or empty.
            options: The options of the function.

        Returns:
            The paths of the files, and how their content maps to the store.
        """
        emitted: EmittedModel = _package().write_hub(store, folder, **options)
        return emitted

    def loading_example(self, path: str, inputs: Sequence[tuple[str, tuple[int, ...], str]]) -> Sequence[str]:
        """Return three lines that load an emitted model and run it once.

        Args:
            path: The source that :meth:`emit` wrote.
            inputs: The name, shape and dtype of each input, in order.

        Returns:
            Lines of Python.

        Example:
            >>> print(*writer.loading_example("net/model.py", [("data", (1, 3), "float32")]), sep="\\n")
            import torch, neutral_to_torch
            model = neutral_to_torch.load_emitted("net/model.py")
            outputs = model(torch.randn(1, 3))
        """
        drawn = (
            f"torch.{'randn' if dtype.startswith('float') else 'zeros'}({', '.join(map(str, shape)) or '()'}"
            + (")" if dtype == "float32" else f", dtype=torch.{dtype})")
            for _, shape, dtype in inputs
        )
        use = f"outputs = model({', '.join(drawn)})" if inputs else "print(model)"
        load = f"model = neutral_to_torch.load_emitted({json.dumps(path, ensure_ascii=False)})"
        return ("import torch, neutral_to_torch", load, use)

    def build(self, store: Store) -> nn.Module:
        """Return the emitted module in memory; see :func:`neutral_to_torch.build`. The store's file is not mapped.

        Args:
            store: A store with a graph.

        Returns:
            The model, in eval mode.
        """
        with _files_read():
            module: nn.Module = _package().build(store)
        return module

    def plan_of(self, store: Store) -> Mapping[str, str]:
        """Return the built module's path of each layer and node; see :func:`neutral_to_torch.plan_of`.

        Args:
            store: A store with a graph.

        Returns:
            Paths such as ``features.conv0``, by layer and node.
        """
        paths: Mapping[str, str] = _package().plan_of(store)
        return paths

    def state_keys(self, store: Store) -> Mapping[str, str | None]:
        """Return the key of the store's tensor for each name in the emitted model's state dict.

        Args:
            store: A store with a graph.

        Returns:
            Keys by name; None for a constant that the store does not hold.
        """
        _package()
        from neutral_to_torch.emission.compose import compose

        state = compose(store).state
        return {**state.keys, **dict.fromkeys(state.constants)}

    def make_plan(self, module: nn.Module, store: Store, mapping: Mappable = None, **options: Any) -> Plan:
        """Match the layers of a store with those of a module; see :func:`neutral_to_torch.make_plan`.

        Args:
            module: The module to be filled.
            store: The store.
            mapping: Known matches: a dict, a plan, or the path of a TOML file with either.
            options: The options of the function.

        Returns:
            The plan.
        """
        plan: Plan = _package().make_plan(module, store, mapping, **_with_tensors(options))
        return plan

    def load_into(self, module: nn.Module, store: Store, mapping: Mappable = None, **options: Any) -> Plan:
        """Fill a module from a store; see :func:`neutral_to_torch.load_into`. The store's file is not mapped.

        Args:
            module: The module to fill.
            store: The store.
            mapping: Known matches: a dict, a plan, or the path of a TOML file with either.
            options: The options of the function.

        Returns:
            The plan that was followed.
        """
        with _files_read():
            plan: Plan = _package().load_into(module, store, mapping, **_with_tensors(options))
        return plan

    def save_weights(
        self, module: nn.Module, path: str | os.PathLike[str], *, progress: Progress | None = None
    ) -> None:
        """Write a module's state dict; see :func:`neutral_to_torch.save_weights`.

        Args:
            module: The module.
            path: The file; replaced atomically.
            progress: A callback that gets the bytes done and the bytes in all.
        """
        _package().save_weights(module, path, progress=progress)

    def verify(
        self, module: nn.Module, golden: str | os.PathLike[str], plan: Plan | None = None, **options: Any
    ) -> Report:
        """Compare a module's layers and outputs with recorded ones; see :func:`neutral_to_torch.verify`.

        Args:
            module: A loaded module.
            golden: The golden file.
            plan: The layers to compare.
            options: The options of the function.

        Returns:
            A row for each comparison.
        """
        report: Report = _package().verify(module, golden, plan, **options)
        return report

    def typed(self, store: Store, module: nn.Module) -> Store:
        """Type a store after the module that it belongs to; see :func:`neutral_to_torch.typed`.

        Args:
            store: A store whose layers were inferred from names and shapes.
            module: The module of the state dict.

        Returns:
            A store of the same tensors.
        """
        typed: Store = _package().typed(store, module)
        return typed


def _files_read() -> ContextManager[None]:
    """Return a block in which no file is mapped: a command whose file shrinks gives an error, not a signal."""
    _package()
    from neutral_to_torch.loading.tensors import files_read

    return files_read()


def _with_tensors(options: dict[str, Any]) -> dict[str, Any]:
    """Return options whose example, a tuple of arrays on the command line, is of tensors."""
    import numpy as np
    import torch

    example = options.get("example")
    if not isinstance(example, tuple):
        return options
    tensors = tuple(torch.from_numpy(item) if isinstance(item, np.ndarray) else item for item in example)
    return {**options, "example": tensors}


def _package() -> ModuleType:
    """Return :mod:`neutral_to_torch`, whose functions import torch, or say that it is not installed."""
    import neutral_to_torch

    try:
        import torch  # noqa: F401
    except ModuleNotFoundError as error:
        raise UnsupportedError("PyTorch is not installed: pip install torch safetensors") from error
    return neutral_to_torch


writer = TorchWriter()
