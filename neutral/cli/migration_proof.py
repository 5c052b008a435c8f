"""The verification of a migration: against a golden file, else against the reference; and how to record the former."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from neutral.cli.checkpoints import golden_beside, original_file
from neutral.cli.parts import Parts
from neutral.errors import UnsupportedError, UsageError

METHODS = ("verify", "build", "plan_of", "make_plan")
"""The methods of a writer that `neutral verify` calls."""

BATCH = 2
"""Samples to verify with, so that an influence of one on another would show."""

GoldenInputs = Sequence["tuple[str, tuple[int, ...], str]"]
"""The name, shape and dtype of each input."""


@dataclass(frozen=True)
class Proof:
    """The result of a verification.

    Args:
        verification: The document of ``verify``; None if nothing was verified.
        reason: The reason for that.
        golden: The golden file; None for the reference.
        inputs: The inputs of the run; empty if nothing was verified.
        notes: Sentences for people.
        record: The file of recorded values that was compared with; None if nothing was verified.
    """

    verification: Mapping[str, Any] | None = None
    reason: str | None = None
    golden: str | None = None
    inputs: GoldenInputs = ()
    notes: Sequence[str] = ()
    record: str | None = None


@dataclass(frozen=True)
class Prover:
    """Verifies what a writer makes of a store, and says how the original framework's values are recorded.

    Args:
        parts: Runs the verbs.
        arguments: Parsed arguments of ``migrate``.
        writer: The writer of ``--to``.
        sources: The paths of the checkpoint, beside which a golden file may lie.
        inspected: The document of ``inspect`` for the store.
        store: The store.
        scratch: A folder for temporary files.
    """

    parts: Parts
    arguments: argparse.Namespace
    writer: Any
    sources: Sequence[str]
    inspected: Mapping[str, Any]
    store: str
    scratch: str

    def prove(self, page: str) -> Proof:
        """Verify what the writer makes of the store.

        Args:
            page: The HTML page to write.

        Returns:
            The result; where neither golden file nor reference can be used, the reason.

        Raises:
            NeutralError: ``golden`` or ``verify`` fails, and inputs or a golden file were named.
        """
        from neutral import plugins

        golden: str | None = self.arguments.golden
        notes: list[str] = []
        if not (golden or self.arguments.reference or self.arguments.arrays):
            golden, notes = golden_beside(self.sources, self.inspected)
        if golden is not None:
            plugins.require(self.writer, *METHODS)
            file = golden
        elif any(not hasattr(self.writer, name) for name in METHODS):
            return Proof(reason=f"the writer {self.arguments.to!r} cannot verify", notes=notes)
        else:
            try:
                file, drawn = self._record()
            except (UnsupportedError, UsageError) as error:
                if self.arguments.shape or self.arguments.arrays:
                    raise
                return Proof(reason=" ".join(str(error).split()), notes=notes)
            notes = [*notes, *drawn]
        words = ("--golden", file, "--to", self.arguments.to, "--html", page)
        document = self.parts.run("verify", self.store, *words).document
        return Proof(document, None, golden, _inputs(file, self.inspected), notes, file)

    def capture_commands(self, target: str, store: str, inputs: GoldenInputs) -> list[str] | None:
        """Return the commands that record a golden file in the original framework and compare with it.

        Args:
            target: The folder of the migration.
            store: The store in it.
            inputs: The inputs of the verification, whose shapes are taken.

        Returns:
            The commands, the recording one before the comparing one; None where the reader knows none.
        """
        from neutral import plugins

        source, graph = self.inspected["source"], self.inspected["graph"]
        if source is None or graph is None or source["framework"] not in plugins.names(plugins.READERS):
            return None
        reader = plugins.load(plugins.READERS, source["framework"])
        roles = [[file["name"] for file in source["files"] if file["role"] == role] for role in ("graph", "parameters")]
        if not hasattr(reader, "capture_command") or any(len(names) != 1 for names in roles):
            return None
        names = [os.path.basename(role[0]) for role in roles]
        files = [path for path in (original_file(self.sources, name) for name in names) if path is not None]
        commands = []
        if len(files) < len(names):
            files = [os.path.join(f"{target}-original", name) for name in names]
            commands.append(self.parts.line("restore", store, "-o", f"{target}-original"))
        known = {name: shape for name, shape, _ in inputs}
        golden = f"{target}-golden.safetensors"
        shapes = {item["name"]: known.get(item["name"]) for item in graph["inputs"]}
        commands.append(reader.capture_command(files[0], files[1], shapes, golden, self._graph_text()))
        return [*commands, self.parts.line("verify", store, "--golden", golden)]

    def _record(self) -> tuple[str, list[str]]:
        """Record a golden file from the reference, and return it and notes on the inputs."""
        words = [
            word for name, file in self.arguments.arrays for word in ("--input", f"{name}={file}" if name else file)
        ]
        shapes = dict(self.arguments.shape) if words else _runnable_shapes(self.store, dict(self.arguments.shape))
        for name, shape in shapes.items():
            words += ["--shape", f"{name}={','.join(map(str, shape))}"]
        path = os.path.join(self.scratch, "reference.safetensors")
        document = self.parts.run("golden", self.store, *words, "-o", path).document
        return path, [f"verified on {note}" for note in document["notes"] if note.partition(": ")[0] in shapes]

    def _graph_text(self) -> str:
        """Return the content of the graph's original file; "" where the store does not have it."""
        from neutral.store import open_store

        with open_store(self.store) as opened:
            files = () if opened.source is None else opened.source.files
            return next((file.text for file in files if file.role == "graph" and file.text), "")


def _runnable_shapes(store: str, given: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    from neutral import reference
    from neutral.store import open_store

    with open_store(store) as opened:
        shapes = reference.runnable_input_shapes(opened, BATCH, given)
    if shapes is None:
        raise UsageError(
            "no size of the inputs that was tried fits the network: give the shapes, as in "
            "--shape data=1,3,224,224, or the values with --input."
        )
    return {name: shape for name, shape in shapes.items() if shape}


def _inputs(golden: str, inspected: Mapping[str, Any]) -> GoldenInputs:
    """Return the inputs of a golden file in the order of the graph."""
    from neutral.dtypes import DTYPE_NAME
    from neutral.verification.golden import open_golden

    recorded = open_golden(golden)
    tensors = {item.name: recorded.tensors[item.key] for item in recorded.inputs}
    names = [item["name"] for item in inspected["graph"]["inputs"]]
    if any(name not in tensors for name in names):
        return ()
    return [(name, tensors[name].shape, DTYPE_NAME[tensors[name].dtype]) for name in names]
