"""Run models by onnxruntime, with values inside of the graph among the outputs."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence

import numpy as np
from onnx import ModelProto, TensorProto, ValueInfoProto, load_model
from onnx.external_data_helper import load_external_data_for_model

from neutral.errors import SourceError, UnsupportedError, VerificationError

if TYPE_CHECKING:
    import onnxruntime

READS_FOLDER = (1, 20)
"""The version of onnxruntime from which on it reads tensors in a folder that is named; for older ones they are copied
into the model, which must then be smaller than 2 GB."""


class OnnxModel:
    """A model that can be run.

    Args:
        proto: The model; tensors in files of their own may be absent from it.
        folder: The folder of those files.
        name: The name of the model in reports.

    Attributes:
        proto: The model.
        name: The name in reports.

    Example:
        >>> import numpy as np
        >>> from onnx import parser
        >>> text = '<ir_version: 8, opset_import: ["" : 17]> net (float[2] x) => (float[2] y) { y = Relu(x) }'
        >>> OnnxModel(parser.parse_model(text), None, "net.onnx").run({"x": np.float32([-1, 2])})
        [array([0., 2.], dtype=float32)]
    """

    def __init__(self, proto: ModelProto, folder: str | os.PathLike[str] | None, name: str) -> None:
        self.proto = proto
        self.name = name
        self._folder = folder

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> OnnxModel:
        """Open a file.

        Args:
            path: The file.

        Returns:
            The model.

        Raises:
            SourceError: If it cannot be read, is not an ONNX model, or takes tensors from elsewhere than a file beside
                it.
        """
        from google.protobuf.message import DecodeError

        try:
            proto = load_model(os.fspath(path), load_external_data=False)
        except OSError as error:
            raise SourceError(f"{path}: cannot be read: {error.strerror}.") from error
        except DecodeError as error:
            raise SourceError(f"{path}: not an ONNX model: {error}.") from error
        if not proto.graph.node and not proto.graph.output:
            raise SourceError(f"{path}: not an ONNX model: it has no graph.")
        folder = Path(path).resolve().parent
        for message in _messages(proto):
            _check_texts(message, os.fspath(path))
            if isinstance(message, TensorProto) and message.data_location == TensorProto.EXTERNAL:
                entries = {entry.key: entry.value for entry in message.external_data}
                _check_location(entries.get("location", ""), folder, os.fspath(path))
        return cls(proto, folder, os.path.basename(path))

    def with_proto(self, proto: ModelProto) -> OnnxModel:
        """Return another model with the same name and the same folder of tensors.

        Args:
            proto: The model.

        Returns:
            The model, not run.
        """
        return OnnxModel(proto, self._folder, self.name)

    def run(self, inputs: Mapping[str, np.ndarray], names: Sequence[str] = ()) -> list[np.ndarray]:
        """Run the model.

        Args:
            inputs: Arrays by name of input; they are converted to the dtypes of the inputs.
            names: Values inside of the graph to return; empty for the outputs.

        Returns:
            The arrays of the values, or of the outputs.

        Raises:
            UnsupportedError: If onnxruntime is not installed.
            VerificationError: If it cannot run the model on the arrays.
        """
        session = self._session(names)
        given = {}
        for item in session.get_inputs():
            if item.name not in inputs:
                raise VerificationError(f"there is no array for the input {item.name!r} of {self.name}.")
            dtype = {"tensor(float16)": "float16", "tensor(double)": "float64", "tensor(float)": "float32"}.get(
                item.type
            )
            given[item.name] = inputs[item.name] if dtype is None else inputs[item.name].astype(dtype, copy=False)
        try:
            results: list[Any] = session.run(list(names) or None, given)
        except Exception as error:  # its errors have no common class
            raise VerificationError(f"{self.name} cannot be run on these inputs: {error}") from error
        return [np.asarray(result) for result in results]

    def _session(self, names: Sequence[str]) -> onnxruntime.InferenceSession:
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise UnsupportedError("onnxruntime is not installed: pip install onnxruntime") from error
        proto = self.proto
        reads_folder = tuple(map(int, onnxruntime.__version__.split(".")[:2])) >= READS_FOLDER
        if names or not reads_folder:
            proto = ModelProto()
            proto.CopyFrom(self.proto)
        if names:
            present = {item.name for item in proto.graph.output}
            proto.graph.output.extend(ValueInfoProto(name=name) for name in names if name not in present)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if self._folder is not None and reads_folder:
            options.add_session_config_entry(
                "session.model_external_initializers_file_folder_path", os.fspath(self._folder)
            )
        elif self._folder is not None:
            load_external_data_for_model(proto, os.fspath(self._folder))
        try:
            return onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors have no common class
            raise VerificationError(f"onnxruntime does not load {self.name}: {error}") from error


def _messages(message: Any) -> Iterator[Any]:
    """Yield a message and all within it, parts first: those of subgraphs and functions too."""
    for field, value in message.ListFields():
        if field.message_type is not None:
            for item in (value,) if hasattr(value, "ListFields") else value:
                yield from _messages(item)
    yield message


def _check_texts(message: Any, model: str) -> None:
    """Raise SourceError if a text is not UTF-8: protobuf gives it as bytes."""
    for field, value in message.ListFields():
        if field.type == field.TYPE_STRING:
            for text in (value,) if isinstance(value, (str, bytes)) else value:
                if not isinstance(text, str):
                    raise SourceError(f"{model}: not an ONNX model: the {field.name} {text!r} is not UTF-8.")


def _check_location(location: str, folder: Path, model: str) -> None:
    """Raise SourceError if a tensor's file is not a plain file in the folder: a path could name any file."""
    is_name = location not in ("", os.curdir, os.pardir) and not set(location) & {"/", "\\", ":", "\0"}
    if not is_name:
        raise SourceError(f"{model}: takes tensors from {location!r}; expected the name of a file beside the model.")
    try:
        mode = os.lstat(folder / location).st_mode
    except (OSError, ValueError) as error:
        raise SourceError(f"{model}: takes tensors from {location!r}, which cannot be read: {error}.") from None
    if not stat.S_ISREG(mode):
        raise SourceError(f"{model}: takes tensors from {location!r}, which is a link or no file; expected a file.")
