"""Register readers, writers and commands by entry points; a broken one does not affect the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli_cases import Install, Run, linear_store, run_process
from neutral import plugins
from neutral.errors import UsageError
from neutral.plugins import PluginError

ACME_READER = """
    class Reader:
        name = "acme"

        def can_read(self, path):
            return path.endswith(".acme")

        def read(self, *paths, **options):
            from cli_cases import linear_store

            return linear_store(name=f"acme{len(paths)}", notes=tuple(map(str, options.items())))

    reader = Reader()
"""


def test_the_built_in_ones_use_the_same_door() -> None:
    assert "mxnet" in plugins.names(plugins.READERS)
    assert {"mxnet", "torch"} <= set(plugins.names(plugins.WRITERS))
    assert plugins.load(plugins.READERS, "mxnet").name == "mxnet"


def test_a_reader_of_another_package_is_asked(install: Install, run: Run, tmp_path: Path) -> None:
    install("[neutral.readers]\nacme = acme_1:reader\n", ACME_READER)
    first, second = tmp_path / "a.acme", tmp_path / "b.acme"
    first.touch()
    second.touch()
    result = run("inspect", first, second, "--epoch", 3, "--json")
    assert result.code == 0
    assert result.json["layers"][0]["name"] == "acme2"
    assert result.json["notes"] == ["('epoch', 3)"]


def test_neutral_s_own_readers_are_asked_first(install: Install, run: Run, checkpoint: Path) -> None:
    install("[neutral.readers]\naaa = acme_1:reader\n", "raise RuntimeError")
    result = run("inspect", checkpoint)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"{checkpoint}: checkpoint of mxnet")


@pytest.mark.filterwarnings("default:the plug-in .broken.:RuntimeWarning")
def test_a_broken_reader_warns_and_the_others_work(install: Install, run: Run, tmp_path: Path) -> None:
    install("[neutral.readers]\nbroken = acme_1:reader\n", "import no_such_module")
    install("[neutral.readers]\nworking = acme_2:reader\n", ACME_READER)
    (tmp_path / "a.acme").touch()
    result = run("inspect", tmp_path / "a.acme")
    assert result.code == 0
    assert result.err.startswith("neutral: warning: the plug-in 'broken' of neutral.readers (acme_1:reader)")
    assert "No module named 'no_such_module'" in result.err


def test_a_broken_plugin_that_is_needed_is_an_error(install: Install) -> None:
    install("[neutral.writers]\nbroken = acme_1:writer\n", "raise RuntimeError('no licence')")
    with pytest.raises(PluginError, match="no licence"):
        plugins.load(plugins.WRITERS, "broken")


def test_a_name_that_nothing_has() -> None:
    with pytest.raises(UsageError, match=r"unknown name 'caffe' in neutral\.readers; expected one of mxnet"):
        plugins.load(plugins.READERS, "caffe")


def test_two_plugins_of_one_name_are_told_of(install: Install) -> None:
    install("[neutral.readers]\nacme = acme_1:reader\n", ACME_READER)
    install("[neutral.readers]\nacme = acme_2:reader\n", ACME_READER)
    with pytest.warns(RuntimeWarning, match="two plug-ins are named 'acme'"):
        plugins.names(plugins.READERS)


ACME_COMMAND = '''
    """Count the layers of a store."""

    from neutral.cli.console import Report


    def add_arguments(parser):
        parser.add_argument("store")


    def run(arguments, console):
        import neutral

        with neutral.open(arguments.store) as store:
            return Report({"layers": len(store.layers)}, [f"{len(store.layers)} layers"], exit_code=9)
'''


def test_a_verb_of_another_package(install: Install, run: Run, tmp_path: Path) -> None:
    install("[neutral.commands]\ncount = acme_1\n", ACME_COMMAND)
    linear_store().save(tmp_path / "store.safetensors")
    assert run("count", tmp_path / "store.safetensors").out == "1 layers\n"
    result = run("count", tmp_path / "store.safetensors", "--json")
    assert (result.code, result.json) == (9, {"layers": 1})
    assert run("count").code == 2


def test_an_unknown_verb_names_those_of_other_packages(install: Install, run: Run) -> None:
    install("[neutral.commands]\ncount = acme_1\n", "raise RuntimeError")
    assert run("fly").err.endswith(", completion, count.\n")


def test_an_exception_of_a_plug_in_is_reported_as_its_own(tmp_path: Path, checkpoint: Path) -> None:
    plugin = tmp_path / "rules.py"
    plugin.write_text("OPERATORS = ()\ndef mxnet(rule):\n    raise KeyError('num_hidden')\n")
    process = run_process("export", checkpoint, "-o", tmp_path / "x.safetensors", "--plugin", plugin)
    assert process.returncode == 1
    assert process.stderr.startswith(f"neutral: error: the plug-in {plugin} raised KeyError: 'num_hidden'. Report it")


def test_an_exception_of_an_installed_reader_names_it(tmp_path: Path, install: Install, run: Run) -> None:
    source = (
        "class Reader:\n"
        "    name = 'caffe'\n"
        "    def can_read(self, path): return path.endswith('.caffemodel')\n"
        "    def read(self, *paths, **options): return [][0]\n"
        "reader = Reader()\n"
    )
    install("[neutral.readers]\ncaffe = acme_1:reader\n", source)
    (tmp_path / "net.caffemodel").write_bytes(b"")
    result = run("inspect", tmp_path / "net.caffemodel")
    assert (result.code, "the plug-in 'caffe' (" in result.err) == (1, True), result.err
