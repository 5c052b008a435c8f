"""``--to NAME``: ``load``, ``emit`` and ``verify`` use any registered writer, and name a method that it lacks."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import neutral
from cli_cases import Install, Run
from neutral import plugins

LISTING_WRITER = '''
    """A writer for a "framework" whose modules are dictionaries and whose source is a list of layers."""

    import json
    from pathlib import Path
    from types import SimpleNamespace

    from neutral.matching.plan import Plan
    from neutral.matching.plan_entries import Pair


    class Writer:
        name = "listing"

        def preflight(self, store, **cut):
            return None

        def emit(self, store, path, **options):
            path = Path(path)
            weights = path.with_suffix(".safetensors")
            path.write_text("\\n".join(store.layers) + "\\n")
            weights.write_text(json.dumps(options))
            return SimpleNamespace(
                path=path, weights=weights, class_name="listing", lines=len(store.layers), keys={}, modules={},
                tied_keys=(),
            )

        def make_plan(self, module, store, mapping=None, **options):
            pairs = tuple(Pair(name, name, layer.kind, "name") for name, layer in store.layers.items())
            return Plan(pairs)

        def load_into(self, module, store, mapping=None, *, set_attributes=False, **options):
            module.update({key: tensor.numpy().tolist() for key, tensor in store.tensors.items()})
            return self.make_plan(module, store)

        def save_weights(self, module, path, *, progress=None):
            Path(path).write_text(json.dumps(module))

    writer = Writer()
'''


@pytest.fixture
def listing(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the writer ``listing``, in the folder of the test."""
    install("[neutral.writers]\nlisting = acme_1:writer\n", LISTING_WRITER)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("listing")
def test_emit_calls_the_named_writer(run: Run, store: Path) -> None:
    result = run("emit", store, "--to", "listing", "-o", "layers.txt", "--class-name", "Net", "--json")
    assert result.code == 0, result.err
    assert result.json["output"] == "layers.txt" and Path("layers.txt").read_text() == "fc1\n"
    assert Path("layers.safetensors").read_text() == '{"class_name": "Net"}'  # only the options that were given
    assert run("emit", store, "--to", "listing", "-o", "layers.txt", "--dry-run").code == 0


@pytest.mark.usefixtures("listing")
def test_load_calls_the_named_writer(run: Run, store: Path) -> None:
    Path("dictionary.py").write_text("def make():\n    return {}\n")
    result = run("load", store, "--to", "listing", "--into", "dictionary:make", "-o", "weights.json", "--json")
    assert result.code == 0, result.err
    assert [pair["layer"] for pair in result.json["plan"]["pair"]] == ["fc1"]
    assert '"fc1.weight": [[0.0, 1.0, 2.0]' in Path("weights.json").read_text()


@pytest.mark.usefixtures("listing")
@pytest.mark.parametrize(
    ("words", "method"),
    [
        (("verify", "--golden", "golden.safetensors", "--into", "nets:Net"), "verify"),
        (("load", "--into", "nets:Net", "--golden", "golden.safetensors", "--dry-run"), "verify"),
        (("emit", "--hub-layout", "-o", "folder"), "write_hub"),
    ],
)
def test_an_absent_method_is_one_clear_error(run: Run, store: Path, words: tuple[str, ...], method: str) -> None:
    result = run(words[0], store, "--to", "listing", *words[1:])
    assert result.code == 2
    assert result.err == (
        f"neutral: error: the writer 'listing' does not support this command: it has no method '{method}'.\n"
    )


@pytest.mark.usefixtures("listing")
@pytest.mark.parametrize(
    "words", [("load", "--into", "a:B", "-o", "w"), ("emit", "-o", "m"), ("verify", "--golden", "g")]
)
def test_an_unknown_writer_is_refused_with_those_that_exist(run: Run, store: Path, words: tuple[str, ...]) -> None:
    result = run(words[0], store, "--to", "caffe", *words[1:])
    assert result.code == 2
    assert "unknown name 'caffe' in neutral.writers; expected one of mxnet, onnx, torch, listing" in result.err


def test_torch_is_named_in_the_command_line_as_the_default_only() -> None:
    folder = Path(neutral.__file__).parent / "cli"
    paths = [path for path in sorted(folder.glob("*.py")) if path.name != "doctor.py"]  # which lists optional packages
    lines = [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if '"torch"' in line or "import torch" in line or "neutral_to_torch" in line] == [
        'DEFAULT = "torch"'
    ]


@pytest.mark.parametrize("name", ["mxnet", "onnx", "torch"])
def test_the_built_in_writers_have_the_signatures_of_the_protocol(name: str) -> None:
    if name == "torch":
        pytest.importorskip("torch.nn")
    writer = plugins.load(plugins.WRITERS, name)
    supported = 0
    for method, declared in vars(plugins.Writer).items():
        function = getattr(writer, method, None)
        if method.startswith("_") or function is None or not callable(declared):
            continue
        supported += 1
        accepted = inspect.signature(function).parameters
        takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in accepted.values())
        expected = [
            parameter.name
            for parameter in list(inspect.signature(declared).parameters.values())[1:]
            if parameter.kind is not parameter.VAR_KEYWORD
        ]
        assert takes_any or set(expected) <= set(accepted), f"{name}.{method} lacks {set(expected) - set(accepted)}"
    assert supported == {"mxnet": 2, "onnx": 7, "torch": 13}[name]
