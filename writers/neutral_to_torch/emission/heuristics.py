"""The numbers by which the emitter decides how a file is structured and laid out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Heuristics:
    """Thresholds of the emitter. None of them changes a result of the model, only how its source reads.

    Attributes:
        largest_region: Statements of the largest region that may become a class.
        most_region_operands: Operands of all statements of such a region.
        most_entries: Values that are tried as the one entry of a region.
        smallest_block: Statements of the smallest region that may become a class.
        largest_optional_block: Statements of the largest block with parts that some instances lack.
        longest_sequence: Statements of the longest linear sequence that may become a class.
        longest_unit: Statements of a unit: a layer with its norm and activation.
        fewest_single_layers: Layers with weights of a branching block that becomes a class although it comes once.
        fewest_optional_layers: Layers with weights of a linear chain that is taken for a block without its options.
        most_optional_merges: Merges of a block that linear chains are compared with.
        most_leading: Statements before a region that are tried when one block is compared with another.
        most_rounds: Rounds of folding, each of which may put blocks into larger blocks.
        class_overhead: Lines that a class costs whatever it holds.
        fewest_units: Units in the parallel branches of different blocks from which units become a class first.
        most_parameters: Arguments of a class, above which too much differs between its instances.
        most_channel_arguments: Channel numbers of a block up to which those that never differ are arguments too.
        most_multiples: Places up to which a multiple of an argument is written out; in more it gets a name.
        fewest_listed: Blocks in a row that become an ``nn.ModuleList`` with a loop.
        fewest_looped: Equal or evenly growing items of a sequence that are written as a loop.
        fewest_steps: Repeated steps, such as those of attention along time, that become a loop.
        fewest_step_statements: Statements of all these steps together that become a loop.
        most_step_columns: Groups of equal statements that are tried as the last ones of repeated steps.
        most_step_ends: Ends of the steps that are tried in such a group.
        longest_flat: Layers of a block that are attributes of their own; more become an ``nn.Sequential``.
        most_stages: Stages of equal blocks whose numbers are an argument of the model.
        fewest_gathered: Layers in a row outside of blocks that become an ``nn.Sequential``.
        longest_unit_label: Layers of a unit that takes the name of its first layer with weights.
        shared_prefix: Share of a block's layers whose names must begin alike for the block to be called so.
        longest_variable: Letters of a submodule's name up to which a variable may have it.
        deepest_expression: Calls inside each other in one line.
        most_targets: Results that one statement assigns to variables of their own; more are items of one.
        comfortable_width: Columns up to which operands are written inside a line.
    """

    largest_region: int = 120
    most_region_operands: int = 1200
    most_entries: int = 32
    smallest_block: int = 3
    largest_optional_block: int = 24
    longest_sequence: int = 24
    longest_unit: int = 4
    fewest_single_layers: int = 3
    fewest_optional_layers: int = 3
    most_optional_merges: int = 2
    most_leading: int = 4
    most_rounds: int = 6
    class_overhead: int = 6
    fewest_units: int = 12
    most_parameters: int = 12
    most_channel_arguments: int = 3
    most_multiples: int = 3
    fewest_listed: int = 3
    fewest_looped: int = 3
    fewest_steps: int = 4
    fewest_step_statements: int = 16
    most_step_columns: int = 24
    most_step_ends: int = 3
    longest_flat: int = 12
    most_stages: int = 6
    fewest_gathered: int = 4
    longest_unit_label: int = 3
    shared_prefix: float = 0.6
    longest_variable: int = 20
    deepest_expression: int = 3
    most_targets: int = 6
    comfortable_width: int = 88


HEURISTICS = Heuristics()
