"""The steps of `neutral migrate`: each is another verb, run on a folder that is renamed at the end."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from neutral.cli.migration_proof import Proof, Prover
from neutral.cli.parts import Parts
from neutral.cli.sources import is_store
from neutral.errors import UnsupportedError, UsageError, VerificationError

STORE, SOURCE, ONNX_FILE, PAGE = "store.safetensors", "model.py", "model.onnx", "report.html"


@dataclass
class Migration:
    """One run of `neutral migrate`.

    Args:
        arguments: The parsed arguments.
        parts: Runs the verbs.
        writer: The writer of ``--to``.
        sources: The paths of the checkpoint.
        staging: The folder to write into.
        scratch: A folder for temporary files.
    """

    arguments: argparse.Namespace
    parts: Parts
    writer: Any
    sources: Sequence[str]
    staging: str
    scratch: str
    notes: list[str] = field(default_factory=list)

    def run(self) -> tuple[dict[str, Any], int]:
        """Run all steps.

        Returns:
            The JSON document of the verb, and the exit code.

        Raises:
            NeutralError: A step fails; the folder is then to be abandoned.
        """
        store = self._path(STORE)
        exported = self._export(store)
        inspected = self.parts.run("inspect", store).document
        emitted = self._emit(store, inspected)
        prover = Prover(self.parts, self.arguments, self.writer, self.sources, inspected, store, self.scratch)
        proof = Proof(reason="there is no graph to run")
        if emitted is not None:
            proof = prover.prove(self._path(PAGE))
        onnx_equal = True
        if emitted is not None and self.arguments.onnx:
            self._emit_onnx(store, proof)
            onnx_equal = self._verify_onnx(proof)
        if proof.verification is None:
            self.parts.run("inspect", store, "--html", self._path(PAGE))
        verification = proof.verification
        equal = verification is not None and verification["ok"]
        document = {
            "source": list(self.sources),
            "output": self.arguments.output,
            "written": True,
            "found": _summary(inspected),
            "files": self._files(),
            "page": os.path.join(self.arguments.output, PAGE),
            "class_name": None if emitted is None else emitted.get("class_name"),
            "golden_file": proof.golden,
            "proves": verification["proves"] if verification is not None and equal else None,
            "not_verified": proof.reason,
            "verification": verification,
            "capture": self._capture(prover, proof),
            "example": [] if emitted is None else self._example(proof),
            "commands": self.parts.commands,
            "notes": [*exported.get("notes", inspected["notes"]), *self.notes, *proof.notes],
        }
        return document, 0 if (verification is None or equal) and onnx_equal else VerificationError.exit_code

    def _export(self, store: str) -> Mapping[str, Any]:
        if len(self.sources) == 1 and self.arguments.epoch is None and is_store(self.sources[0]):
            return self.parts.run("convert", self.sources[0], store).document
        epoch = [] if self.arguments.epoch is None else ["--epoch", str(self.arguments.epoch)]
        return self.parts.run("export", *self.sources, "-o", store, *epoch).document

    def _emit(self, store: str, inspected: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Write source and weights; return None for a store without a graph."""
        if inspected["graph"] is None:
            wanted = [f"--{name}" for name in ("onnx", "golden") if getattr(self.arguments, name)]
            if wanted:
                raise UsageError(f"{wanted[0]} needs a graph; the checkpoint has layers only.")
            self.notes.append(
                "no source is written, since there is no graph; `neutral load` fills a module that you wrote"
            )
            return None
        options = ["--class-name", self.arguments.class_name] if self.arguments.class_name else []
        source = self._path(SOURCE)
        return self.parts.run("emit", store, "-o", source, "--to", self.arguments.to, *options).document

    def _emit_onnx(self, store: str, proof: Proof) -> None:
        """Write the ONNX file with free sizes; where it needs them, with those of the verification, but the batch."""
        words = [store, "-o", self._path(ONNX_FILE), "--to", "onnx"]
        try:
            self.parts.run("emit", *words)
        except UnsupportedError as error:
            shapes = [f"{name}={','.join(map(str, (-1, *shape[1:])))}" for name, shape, _ in proof.inputs if shape]
            if not shapes or not any("--shape" in problem for problem in error.problems):
                raise
            self.parts.run("emit", *words, *(word for shape in shapes for word in ("--shape", shape)))
            self.notes.append(f"{ONNX_FILE} takes inputs of the sizes of the verification: {', '.join(shapes)}")

    def _verify_onnx(self, proof: Proof) -> bool:
        """Return whether the ONNX file gives the values of the verification; True if it cannot be run here."""
        if proof.record is None:
            return True
        try:
            document = self.parts.run("verify", self._path(ONNX_FILE), "--golden", proof.record).document
        except (UnsupportedError, VerificationError) as error:
            self.notes.append(f"{ONNX_FILE} is not verified: {' '.join(str(error).split())}")
            return True
        self.notes.append(f"{ONNX_FILE}: {document['summary']}")
        return bool(document["ok"])

    def _capture(self, prover: Prover, proof: Proof) -> list[str] | None:
        if proof.verification is not None and proof.verification["proves"] == "reader and writer":
            return None
        target = self.arguments.output
        return prover.capture_commands(target, os.path.join(target, STORE), proof.inputs)

    def _example(self, proof: Proof) -> list[str]:
        if not hasattr(self.writer, "loading_example"):
            return []
        return list(self.writer.loading_example(os.path.join(self.arguments.output, SOURCE), proof.inputs))

    def _files(self) -> list[dict[str, Any]]:
        return [{"name": name, "size": os.path.getsize(self._path(name))} for name in sorted(os.listdir(self.staging))]

    def _path(self, name: str) -> str:
        return os.path.join(self.staging, name)


def _summary(inspected: Mapping[str, Any]) -> dict[str, Any]:
    """Return a summary of a checkpoint."""
    kinds = Counter(layer["kind"] for layer in inspected["layers"])
    graph = inspected["graph"] or {"inputs": [], "outputs": [], "nodes": 0}
    source = inspected["source"] or {"framework": None, "version": None, "files": []}
    return {
        "framework": source["framework"],
        "version": source["version"],
        "files": [file["name"] for file in source["files"]],
        **{name: graph[name] for name in ("inputs", "outputs", "nodes")},
        "kinds": dict(kinds.most_common()),
        **{name: inspected["totals"][name] for name in ("layers", "tensors", "parameters", "bytes")},
    }
