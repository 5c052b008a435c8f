"""What a class owns under which name, and which of it stands together in an ``nn.Sequential``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Sequence, Union

from neutral.graph import Value
from neutral_to_torch.emit.labels import Labels, base, bears_tensors, numbered
from neutral_to_torch.emit.lower import Op
from neutral_to_torch.emit.naming import Unique, module_members, pattern
from neutral_to_torch.emit.scope import Block, Instance, Option, Owned, callee, is_heavy, owned
from neutral_to_torch.emit.terms import (
    Call,
    Conditional,
    Declaration,
    Display,
    Each,
    Either,
    Literal,
    Name,
    Operation,
    Own,
    Ref,
    Term,
    applied,
    inline,
    values,
)
from neutral_to_torch.emit.text import identifier

FEWEST = 3
"""Blocks that stand in a list at least."""

LONGEST_FLAT = 12
"""Submodules of a block's only way that are attributes of their own; more stand in an ``nn.Sequential``."""


@dataclass(frozen=True)
class Tree:
    """``attributes`` in the order of ``__init__``; ``paths`` of all that is owned; ``ops`` that use the attributes.

    ``names`` gives the attribute of what an op applies. Where ``sequence`` is set, the class is an nn.Sequential.
    """

    attributes: tuple[tuple[str, Term], ...]
    paths: Mapping[Owned, str]
    ops: tuple[Op, ...]
    names: Mapping[Owned, str]
    sequence: Term | None = None


@dataclass(eq=False)
class Sequence_:
    """Submodules one after the other, under one name; ``names`` of its items, None for numbers."""

    name: str
    items: list[Node]
    names: list[str] = field(default_factory=list)
    flag: str = ""


Node = Union[Sequence_, Op]


@dataclass(eq=False)
class Row:
    """Blocks one after the other; ``position`` is the argument that goes through them."""

    ops: list[Op]
    position: int


class TreeBuilder:
    """Gives names to what the ops own and gathers straight runs."""

    def __init__(self, ops: Sequence[Op], outputs: Sequence[Value], options: Sequence[Option] = ()) -> None:
        self.ops = list(ops)
        self.outputs = set(outputs)
        self.options = options
        self._option_of = {id(op): option for option in options for op in option.ops}
        self._uses: dict[Value, int] = {}
        self._appliers: dict[Owned, int] = {}
        for op in self.ops:
            for value in op.operands:
                self._uses[value] = self._uses.get(value, 0) + 1
            for item in owned([op]):
                self._appliers[item] = self._appliers.get(item, 0) + 1
        for option in options:
            self._uses[option.otherwise] = self._uses.get(option.otherwise, 0) + 1

    def runs(self) -> list[list[Op]]:
        """Maximal runs of submodules, each applied to what the one before gives and nothing else uses."""
        maker = {op.results: op for op in self.ops if isinstance(op.results, Value)}
        runs: dict[int, list[Op]] = {}
        for op in self.ops:
            if not self._can_run(op):
                continue
            before = maker.get(op.operands[0])
            run = runs.get(id(before)) if before is not None else None
            if before is not None and run is not None and run[-1] is before and self._continues(before, op):
                run.append(op)
                runs[id(op)] = run
            else:
                runs[id(op)] = [op]
        return list({id(run): run for run in runs.values()}.values())

    def _can_run(self, op: Op) -> bool:
        own = applied(op.term)
        term = op.term.module if isinstance(op.term, Either) else op.term
        return (
            own is not None
            and isinstance(term, Call)
            and len(term.args) == 1
            and isinstance(term.args[0], Ref)
            and not term.kwargs
            and isinstance(op.results, Value)
            and self._appliers[own.declaration] == 1
        )

    def _continues(self, before: Op, op: Op) -> bool:
        if self._uses[before.results] != 1 or before.results in self.outputs:
            return False
        boundary = any(option.value == before.results for option in self.options)
        return not boundary and self._option_of.get(id(before)) is self._option_of.get(id(op))

    def tree(self, nodes: Sequence[Sequence_], labels: Mapping[Owned, str]) -> Tree:
        """The tree in which ``nodes`` are sequences and everything else is an attribute of its own."""
        first = {id(_ops_of(node)[0]): node for node in nodes}
        inside = {id(op) for node in nodes for op in _ops_of(node)}
        unique = Unique(module_members() | {option.flag for option in self.options if option.is_expression})
        attributes: list[tuple[str, Term]] = []
        paths: dict[Owned, str] = {}
        names: dict[Owned, str] = {}
        ops: list[Op] = []
        done: set[int] = set()
        lists = self._lists()
        listed = {id(op): row for row in lists for op in row.ops}
        inside |= set(listed)
        alone = self._alone(inside)
        labels = {**labels, **dict(zip(alone, numbered([labels[item] for item in alone])))}
        for op in self.ops:
            option = self._option_of.get(id(op))
            node = first.get(id(op))
            if node is not None:
                name = unique(node.name)
                constructor = _constructor(node, name, paths)
                run = _ops_of(node)
                whole: Declaration = Declaration(name, constructor)
                names[whole] = name
                call: Term = Call(Own(whole), (Ref(values(run[0].term)[0]),))
                if option is not None:
                    constructor, call = _optional(option, constructor, call, name)
                attributes.append((name, constructor))
                ops.append(Op(name, call, run[-1].results))
                continue
            if id(op) in listed:
                row = listed[id(op)]
                if op is row.ops[-1]:
                    found = {labels[_item(item)] for item in row.ops}
                    label = found.pop() if len(found) == 1 else pattern([[item] for item in sorted(found)])
                    loop, whole = self._loop(row, label or "layers", unique, paths)
                    names[whole] = next(iter(paths[_item(item)] for item in row.ops)).rpartition(".")[0]
                    attributes.append((names[whole], whole.constructor))
                    ops.append(loop)
                continue
            if id(op) in inside:
                continue
            plain = Op(op.name, inline(op.term), op.results)
            for item in owned([plain]):
                if item in paths:
                    continue
                paths[item] = names[item] = unique(labels[item] if option is None else option.flag)
                constructor = item.constructor
                if option is not None:
                    constructor, term = _optional(option, constructor, plain.term, paths[item])
                    plain = Op(op.name, term, op.results)
                    done.add(id(op))
                attributes.append((attribute_name(item, paths[item]), constructor))
            if option is not None and id(op) not in done:
                test = Name(f"self.{option.flag}")
                plain = Op(op.name, Conditional(test, plain.term, Ref(option.otherwise)), op.results)
            ops.append(plain)
        return Tree(tuple(attributes), paths, tuple(ops), names)

    def _lists(self) -> list[Row]:
        """Runs of blocks of one class that all take the same values beside the one that goes through them."""
        maker = {op.results: op for op in self.ops if isinstance(op.results, Value)}
        rows: dict[int, Row] = {}
        for op in self.ops:
            for position, operand in enumerate(_arguments(op)):
                before = maker.get(operand)
                if before is None or not self._follows(before, op, position):
                    continue
                row = rows.get(id(before))
                if row is None or row.position != position:
                    row = Row([before], position)
                row.ops.append(op)
                rows[id(op)] = row
                break
        found = {id(row): row for row in rows.values() if len(row.ops) >= FEWEST}
        return list(found.values())

    def _follows(self, before: Op, op: Op, position: int) -> bool:
        """Whether two blocks differ in nothing but what goes through them."""
        one, other = applied(before.term), applied(op.term)
        if one is None or other is None or self._uses[before.results] != 1 or before.results in self.outputs:
            return False
        blocks = [own.declaration.block for own in (one, other) if isinstance(own.declaration, Instance)]
        if len(blocks) < 2 or blocks[0] is not blocks[1] or self._appliers[other.declaration] > 1:
            return False
        first, second = _arguments(before), _arguments(op)
        return len(first) > 1 and _without(first, position) == _without(second, position)

    def _loop(self, row: Row, label: str, unique: Unique, paths: dict[Owned, str]) -> tuple[Op, Declaration]:
        """The op that applies a row of blocks, and what it applies: an ``nn.ModuleList``."""
        name = unique(label)
        items = [_item(op) for op in row.ops]
        paths.update((item, f"{name}.{k}") for k, item in enumerate(items))
        constructors = Display(tuple(item.constructor for item in items))
        whole = Declaration(name, Call(Name("nn.ModuleList"), (constructors,)))
        arguments = [Ref(value) for value in _arguments(row.ops[0])]
        value = arguments.pop(row.position)
        return Op(name, Each(Own(whole), value, tuple(arguments), row.position), row.ops[-1].results), whole

    def _alone(self, inside: set[int]) -> list[Owned]:
        """What is an attribute of its own."""
        outside = [op for op in self.ops if id(op) not in inside]
        return owned([Op(op.name, inline(op.term), op.results) for op in outside])


def _arguments(op: Op) -> list[Value]:
    """The values that a block is applied to; none where the op is anything else."""
    own = applied(op.term)
    if own is None or not isinstance(own.declaration, Instance) or not isinstance(op.term, Call):
        return []
    return [item.value for item in op.term.args if isinstance(item, Ref)]


def _without(values: Sequence[Value], position: int) -> list[Value]:
    return [value for k, value in enumerate(values) if k != position]


def _optional(option: Option, constructor: Term, call: Term, name: str) -> tuple[Term, Term]:
    """The constructor and the application of a part that may be left out."""
    if values(call) == [option.otherwise]:
        return Conditional(Name(option.flag), constructor, Call(Name("nn.Identity"))), call
    test = Operation("is", (Name(f"self.{name}"), Literal(None)))
    application = Conditional(test, Ref(option.otherwise), call)
    return Conditional(Name(option.flag), constructor, Literal(None)), application


def _ops_of(node: Node) -> list[Op]:
    if isinstance(node, Op):
        return [node]
    return [op for item in node.items for op in _ops_of(item)]


def _constructor(node: Sequence_, path: str, paths: dict[Owned, str]) -> Term:
    """``nn.Sequential(...)``; the paths of what is inside are entered into ``paths``."""
    unique = Unique(module_members())
    terms, keys = [], []
    for position, item in enumerate(node.items):
        key = unique(node.names[position]) if node.names else str(position)
        keys.append(key)
        if isinstance(item, Sequence_):
            terms.append(_constructor(item, f"{path}.{key}", paths))
            continue
        own = applied(item.term)
        assert own is not None
        paths[own.declaration] = f"{path}.{key}"
        terms.append(own.declaration.constructor)
    if node.names:
        ordered = Call(Name("OrderedDict"), (), tuple(zip(keys, terms)))
        return Call(Name("nn.Sequential"), (ordered,))
    return Call(Name("nn.Sequential"), tuple(terms))


def flat_tree(ops: Sequence[Op], outputs: Sequence[Value], labels: Mapping[Owned, str]) -> Tree:
    """Every submodule as an attribute of its own."""
    return TreeBuilder(ops, outputs).tree([], labels)


def block_tree(block: Block, labels: Labels) -> Tree:
    """The tree of a block: its ways as sequences where there are several, else layer by layer."""
    builder = TreeBuilder(block.ops, block.outputs, block.options)
    names = labels.inside(block)
    runs = builder.runs()
    if len(runs) == 1 and len(runs[0]) == len(block.ops) and not block.options:
        node = Sequence_("", list(runs[0]), _entry_names(runs[0], names))
        paths: dict[Owned, str] = {}
        constructor = _constructor(node, "", paths)
        assert isinstance(constructor, Call)
        whole = Call(Name("super().__init__"), constructor.args)
        return Tree((), {item: path[1:] for item, path in paths.items()}, (), {}, whole)
    flags = {id(op): option.flag for option in block.options for op in option.ops}
    optional = [run for run in runs if id(run[0]) in flags and len(run) > 1]
    ways = [run for run in runs if id(run[0]) not in flags]
    long = [run for run in ways if sum(_is_heavy(op) for op in run) > 1]
    joined = block.name.startswith("Inception")
    several = len(long) > 1 or any(len(run) > LONGEST_FLAT for run in long) or (bool(long) and joined)
    gathered = ways if several else []
    nodes = [Sequence_(flags[id(run[0])], list(run), _entry_names(run, names)) for run in optional]
    branch = numbered(["branch"] * len(gathered)) if len(gathered) > 1 else ["body"]
    alone = {}
    for name, run in zip(branch, gathered):
        if len(run) > 1:
            nodes.append(Sequence_(name, list(run), _entry_names(run, names)))
        else:
            alone[_item(run[0])] = name
    return builder.tree(nodes, {**names, **alone})


def _entry_names(run: Sequence[Op], names: Mapping[Owned, str]) -> list[str]:
    items = [_item(op) for op in run]
    if all(isinstance(item, Instance) for item in items) or all(names[i].isdigit() for i in items):
        return []
    return numbered([names[item] for item in items])


def _is_heavy(op: Op) -> bool:
    own = applied(op.term)
    return own is not None and is_heavy(own.declaration)


def attribute_name(item: Owned, name: str) -> str:
    """What stands left of the constructor; a buffer has to be registered."""
    if isinstance(item, Declaration) and item.buffer:
        return f'register_buffer("{name}", '
    return name


SHORTEST_SEQUENCE = 4
"""Layers in a row, outside of blocks, that are gathered."""

_KINDS = {"conv", "bn", "fc", "relu", "pool", "batchnorm", "conv2d", "dense", "activation", "dropout", "flatten"}


def model_tree(ops: Sequence[Op], outputs: Sequence[Value], labels: Labels) -> Tree:
    """The tree of the model itself: stages, stem, features and head as sequences."""
    builder = TreeBuilder(ops, outputs)
    names = {item: labels.top(item) for item in owned(ops)}
    any_block = any(is_block(item) for item in owned(ops))
    nodes: list[Sequence_] = []
    for run in builder.runs():
        for position, piece in enumerate(_split_at_flatten(run)):
            where = "stem" if any_block else ("classifier" if position else "features")
            nodes += _gather(piece, labels, names, where)
    return builder.tree(_distinct(nodes), names)


def _split_at_flatten(run: Sequence[Op]) -> list[list[Op]]:
    pieces: list[list[Op]] = [[]]
    for op in run:
        own = applied(op.term)
        if own is not None and callee(own.declaration.constructor) == "nn.Flatten":
            pieces.append([])
        else:
            pieces[-1].append(op)
    return [piece for piece in pieces if piece]


def _item(op: Op) -> Owned:
    own = applied(op.term)
    assert own is not None
    return own.declaration


def _gather(run: list[Op], labels: Labels, names: Mapping[Owned, str], where: str) -> list[Sequence_]:
    """The sequences of a run: by the names' hierarchy, else blocks by stages and layers where there are many."""
    parts = [_parts(op, labels) for op in run]
    by_name = _by_first_token(run, parts)
    if by_name is not None:
        result: list[Sequence_] = []
        loose = 0
        for token, start, stop in by_name:
            if token is not None and stop - start > 1:
                result += _by_kind(run[loose:start], labels, names, where)
                result.append(_named(token, run[start:stop], parts[start:stop]))
                loose = stop
        return [*result, *_by_kind(run[loose:], labels, names, where)]
    return _by_kind(run, labels, names, where)


def _parts(op: Op, labels: Labels) -> list[str]:
    item = _item(op)
    parts = labels.tokens(item)
    return list(parts) if isinstance(item, Instance) or bears_tensors(item) else []


def _by_first_token(run: Sequence[Op], parts: Sequence[Sequence[str]]) -> list[tuple[str | None, int, int]] | None:
    """Stretches of the run whose names begin alike, where names show a hierarchy; None where they do not."""
    stretches: list[tuple[str | None, int, int]] = []
    for position, part in enumerate(parts):
        head = part[0] if len(part) > 1 and part[0].lower().rstrip("0123456789") not in _KINDS else None
        if not part and stretches:
            token, start, _ = stretches[-1]
            stretches[-1] = (token, start, position + 1)
        elif stretches and stretches[-1][0] == head:
            stretches[-1] = (head, stretches[-1][1], position + 1)
        else:
            stretches.append((head, position, position + 1))
    seen = [token for token, _, _ in stretches if token is not None]
    large = [(t, a, b) for t, a, b in stretches if t is not None and b - a > 2]
    return stretches if large and len(set(seen)) == len(seen) else None


def _named(name: str, run: list[Op], parts: Sequence[Sequence[str]]) -> Sequence_:
    """A sequence that the source's names show, with those inside it; one that holds but another is that one."""
    rests = [list(part[1:]) for part in parts]
    items: list[Node] = []
    keys: list[str] = []
    position = 0
    while position < len(run):
        stop = position + 1
        head = rests[position][0] if rests[position] else None
        while head is not None and stop < len(run) and rests[stop][:1] == [head]:
            stop += 1
        if stop - position > 1 and head is not None:
            items.append(_named(head, run[position:stop], rests[position:stop]))
            keys.append(items[-1].name)
        else:
            items.append(run[position])
            rest = rests[position]
            keys.append("_".join(rest) if rest else base(_item(run[position])))
            stop = position + 1
        position = stop
    if len(items) == 1 and isinstance(items[0], Sequence_):
        return Sequence_(f"{identifier(name)}_{items[0].name}", items[0].items, items[0].names)
    plain = all(isinstance(item, Op) and isinstance(_item(item), Instance) for item in items)
    numeric = [key for key in keys if key.isdigit()]
    if plain or len(numeric) * 2 > len(keys):
        return Sequence_(identifier(name), items)
    return Sequence_(identifier(name), items, numbered(keys))


def _by_kind(run: Sequence[Op], labels: Labels, names: Mapping[Owned, str], where: str) -> list[Sequence_]:
    result: list[Sequence_] = []
    position = 0
    while position < len(run):
        stop = position
        blocks = is_block(_item(run[position]))
        while stop < len(run) and is_block(_item(run[stop])) is blocks:
            stop += 1
        piece = list(run[position:stop])
        if blocks:
            result += _stages(piece, labels)
        elif len(piece) >= SHORTEST_SEQUENCE:
            at_end = stop == len(run) and position > 0
            name = "head" if at_end else where
            result.append(Sequence_(name, list(piece), _entry_names(piece, names)))
        position = stop
    return result


def is_block(item: Owned) -> bool:
    """Whether it is more than a layer with its norm and activation."""
    return isinstance(item, Instance) and not item.block.is_unit


def _stages(blocks: list[Op], labels: Labels) -> list[Sequence_]:
    """Blocks in a row as sequences: by what their names begin with, else where their form changes."""
    tokens = [labels.tokens(_item(op)) for op in blocks]
    keys: list[tuple[str, ...]] = []
    for part in tokens:
        keys.append(tuple(part[:-1]) if len(part) > 1 else tuple(part))
    single = len(set(keys)) == len(keys) or not all(keys)
    stem = pattern(tokens) if single and all(tokens) else ""
    starts = range(len(blocks))
    bounds = _changes(blocks) if single and not stem else [k for k in starts if k == 0 or keys[k] != keys[k - 1]]
    bounds = [0] if single and stem else bounds
    stages = [blocks[a:b] for a, b in zip(bounds, [*bounds[1:], len(blocks)])]
    result = []
    for number, (start, stage) in enumerate(zip(bounds, stages)):
        if len(stage) > 1:
            unnamed = "blocks" if len(stages) == 1 else f"stage{number + 1}"
            name = stem or (unnamed if single else "_".join(keys[start]))
            result.append(Sequence_(name, list(stage)))
    return result


def _changes(blocks: Sequence[Op]) -> list[int]:
    """Where a new stage begins: at a block that steps over pixels or has a part that most lack."""
    constructors = [_item(op).constructor for op in blocks]
    kwargs = [dict(c.kwargs) if isinstance(c, Call) else {} for c in constructors]
    steps = [k for k, given in enumerate(kwargs) if given.get("stride", Literal(1)) != Literal(1)]
    extended = [k for k, given in enumerate(kwargs) if given.get("downsample") == Literal(True)]
    bounds = sorted({0, *(extended or steps)})
    return bounds if 2 * len(bounds) <= len(blocks) + 2 else [0]


def _distinct(nodes: list[Sequence_]) -> list[Sequence_]:
    for node, name in zip(nodes, numbered([node.name for node in nodes])):
        node.name = name
    return nodes
