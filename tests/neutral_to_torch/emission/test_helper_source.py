"""Helpers are documented in full where they are defined; the copies in emitted files have short docstrings."""

from __future__ import annotations

import ast
from pathlib import Path

import neutral_to_torch.emission.helpers as package
from neutral_to_torch.emission.printing.helper_source import helpers

FOLDER = Path(package.__file__).parent
DEFINITIONS = (ast.FunctionDef, ast.ClassDef)


def definitions() -> dict[str, ast.FunctionDef | ast.ClassDef]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.py")]
    return {item.name: item for tree in trees for item in tree.body if isinstance(item, DEFINITIONS)}


def without_docstrings(item: ast.AST) -> str:
    for node in ast.walk(item):
        if isinstance(node, DEFINITIONS) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(item)


def test_every_helper_documents_its_arguments_and_its_result() -> None:
    functions = [
        node for item in definitions().values() for node in ast.walk(item) if isinstance(node, ast.FunctionDef)
    ]
    public = [node for node in functions if not node.name.startswith("_")]
    assert len(public) > 100
    for function in public:
        documented = ast.get_docstring(function) or ""
        arguments = [item.arg for item in (*function.args.args, *function.args.kwonlyargs) if item.arg != "self"]
        missing = [name for name in arguments if f"\n    {name}: " not in documented]
        assert not missing and "Returns:" in documented, f"{function.name}: {missing or 'Returns'}"


def test_copies_keep_the_code_and_leave_out_the_sections() -> None:
    defined = definitions()
    assert set(helpers()) == set(defined)
    for name, helper in helpers().items():
        (copy,) = ast.parse(helper.source).body
        assert isinstance(copy, DEFINITIONS)
        shown, full = ast.get_docstring(copy) or "", ast.get_docstring(defined[name]) or ""
        assert shown == full.partition("\n\nArgs:")[0] != "", name
        methods = [node for node in copy.body if isinstance(node, ast.FunctionDef)]
        assert all(ast.get_docstring(method) is None for method in methods if isinstance(copy, ast.ClassDef)), name
        assert without_docstrings(copy) == without_docstrings(defined[name])


def test_a_copied_docstring_of_several_lines_is_closed_on_a_line_of_its_own() -> None:
    assert '\n    """Return the shape as a tensor, also in a traced module."""\n    if' in helpers()["shape_of"].source
    assert 'lie behind it.\n    """\n    width = ' in helpers()["centred_samples"].source
