"""The emitted file: docstring, imports, helpers, blocks and the model, as text."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field
from typing import Iterable, Mapping, Sequence

from neutral_to_torch.emission.expression.layout import WIDTH, layout
from neutral_to_torch.emission.expression.literals import docstring
from neutral_to_torch.emission.expression.terms import REGISTER_BUFFER, Call, Literal, Term
from neutral_to_torch.emission.expression.text import text
from neutral_to_torch.emission.printing.helper_source import Helper, closure, helpers
from neutral_to_torch.emission.printing.signatures import tidy
from neutral_to_torch.emission.structure.module_ir import Derived, Parameter

_WORD = re.compile(r"(?<![.\w])(?:torch|nn|F|math|OrderedDict|Tensor)\b")
_DOCSTRING = re.compile('"{3}.*?"{3}', re.DOTALL)


@dataclass
class ClassText:
    """A class about to be written.

    Attributes:
        name: Its name.
        doc: Its docstring, without quotes; "" for none.
        parameters: The arguments of its constructor.
        attributes: The names of its submodules, parameters and buffers, and the expressions that make them.
        derived: Numbers that the constructor computes from its arguments.
        arguments: The names and annotations of the arguments of ``forward``.
        forward: The lines of ``forward``.
        outputs: The number of its results.
        sequence: For a subclass of ``nn.Sequential``, which has no ``forward``, the call with its items.
        after: The last lines of the constructor.
    """

    name: str
    doc: str
    parameters: Sequence[Parameter]
    attributes: Sequence[tuple[str, Term]]
    derived: Sequence[Derived] = ()
    arguments: Sequence[tuple[str, str]] = ()
    forward: Sequence[str] = ()
    outputs: int = 1
    sequence: Term | None = None
    after: Sequence[str] = field(default_factory=list)


def file_text(doc: str, classes: Sequence[ClassText]) -> str:
    """Return the whole file, as ``ruff format`` would leave it.

    Args:
        doc: The docstring of the file.
        classes: The classes, in the order of the file.

    Returns:
        Python source, with the helpers and imports that the classes use.
    """
    defaults = {item.name: _defaults(item.parameters) for item in classes}
    body = "\n\n\n".join("\n".join(_class(item, defaults)) for item in classes)
    names = re.findall(r"(?<![.\w])\w+", _DOCSTRING.sub("", body))
    used_helpers = closure(name for name in names if name in helpers())
    code = "\n\n\n".join([*(helper.source for helper in used_helpers), body])
    return "\n".join([*_docstring(doc), "", *_imports(code, used_helpers), "", "", code, ""])


def _docstring(doc: str) -> list[str]:
    doc = doc.rstrip()
    return docstring(f"{doc}\n" if "\n" in doc else doc).split("\n")


def _imports(code: str, used_helpers: Iterable[Helper]) -> list[str]:
    needed = {line for helper in used_helpers for line in helper.imports}
    words = set(_WORD.findall(code))
    known = {
        "torch": "import torch",
        "F": "import torch.nn.functional as F",
        "math": "import math",
        "OrderedDict": "from collections import OrderedDict",
        "nn": "from torch import nn",
        "Tensor": "from torch import Tensor",
    }
    needed |= {known[word] for word in words}
    groups: dict[bool, list[str]] = {False: [], True: []}
    merged: dict[str, set[str]] = {}
    for line in needed:
        if line.startswith("from "):
            module, names = line[5:].split(" import ")
            merged.setdefault(module, set()).add(names)
        else:
            groups[line.split()[1].startswith("torch")].append(line)
    froms: dict[bool, list[str]] = {False: [], True: []}
    for module in sorted(merged):
        names = ", ".join(sorted(merged[module], key=lambda n: (n.lower() == n, n)))
        froms[module.startswith("torch")].append(f"from {module} import {names}")
    blocks = [sorted(groups[key], key=str.lower) + froms[key] for key in (False, True)]
    lines = ["from __future__ import annotations"]
    for block in blocks:
        if block:
            lines += ["", *block]
    return lines


def _defaults(parameters: Sequence[Parameter]) -> dict[str, object]:
    given = {p.name: p.default for p in parameters if p.default is not None}
    return {name: term.value if isinstance(term, Literal) else term for name, term in given.items()}


def _class(item: ClassText, defaults: Mapping[str, Mapping[str, object]]) -> list[str]:
    base = "nn.Module" if item.sequence is None else "nn.Sequential"
    lines = [f"class {item.name}({base}):", *([*_class_doc(item.doc), ""] if item.doc else [])]
    lines += signature("__init__", [_parameter(p) for p in item.parameters], "None")
    if item.sequence is not None:
        sequence = tidy(item.sequence, defaults)
        lines += [f"        {d.name} = {text(d.term)}" for d in item.derived]
        return lines + (layout(sequence, 2) or [f"        {text(sequence)}"])
    lines.append("        super().__init__()")
    lines += [f"        {d.name} = {text(d.term)}" for d in item.derived if d.built]
    lines += [f"        self.{d.name} = {d.name if d.built else text(d.term)}" for d in item.derived if d.stored]
    lines += [f"        self.{p.name} = {p.name}" for p in item.parameters if p.stored]
    for name, constructor in item.attributes:
        lines += _assignment(name, tidy(constructor, defaults))
    lines += item.after
    given = [f"{name}: {kind}" for name, kind in item.arguments]
    result = "Tensor" if item.outputs == 1 else f"tuple[{', '.join(['Tensor'] * item.outputs)}]"
    return [*lines, "", *signature("forward", given, result), *item.forward]


def _parameter(parameter: Parameter) -> str:
    default = "" if parameter.default is None else f" = {text(parameter.default)}"
    return f"{parameter.name}: {parameter.annotation}{default}"


def _assignment(name: str, constructor: Term) -> list[str]:
    registers = isinstance(constructor, Call) and constructor.callee == REGISTER_BUFFER
    target = "" if registers else f"self.{name} = "
    return layout(constructor, 2, target) or [f"        {target}{text(constructor)}"]


def _class_doc(doc: str) -> list[str]:
    lines = [line for part in doc.split("\n") for line in (textwrap.wrap(part, WIDTH - 10) or [""])]
    return [f"    {line}".rstrip() for line in _docstring("\n".join(lines))]


def signature(name: str, parameters: Sequence[str], result: str) -> list[str]:
    """Return the first line of a method, or several where it is too long for one.

    Args:
        name: The method's name.
        parameters: Its parameters without ``self``, as text.
        result: Its return annotation.

    Returns:
        The lines, indented as in a class.
    """
    items = ["self", *parameters]
    line = f"    def {name}({', '.join(items)}) -> {result}:"
    if len(line) <= WIDTH:
        return [line]
    body = f"        {', '.join(items)}"
    if len(body) <= WIDTH:
        return [f"    def {name}(", body, f"    ) -> {result}:"]
    return [f"    def {name}(", *(f"        {item}," for item in items), f"    ) -> {result}:"]
