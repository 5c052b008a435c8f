"""Draw calls of all operators, compare them with MXNet, and write ``docs/operator-coverage.md``.

    python tests/differential/run_differential.py [--calls N] [--seed N] [--only PREFIX]

It needs ``NEUTRAL_MXNET_PYTHON``, the packages of the tests, and ``tests/support`` in ``PYTHONPATH``. With ``--only``
it prints the findings of some operators, and writes nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from pathlib import Path

from differential import table
from differential.running import count_outcomes, operators
from mxnet_side.client import mxnet_python


def main() -> None:
    """Run the calls."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=2, help="calls of each operator with floats (default: 2)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the calls (default: 0)")
    parser.add_argument("--only", metavar="PREFIX", help="operators whose name begins with this; write nothing")
    options = parser.parse_args()
    python = mxnet_python()
    if python is None:
        parser.error("MXNet is not installed; set NEUTRAL_MXNET_PYTHON to a Python that has it")
    warnings.simplefilter("ignore")
    selected = [case for case in operators() if case.operator.startswith(options.only or "")]
    with tempfile.TemporaryDirectory() as folder:
        counts, details = count_outcomes(selected, options.calls, options.seed, python, Path(folder))
    if options.only is None:
        table.write([case.operator for case in selected], counts, details, options.seed)
    else:
        for key, counted in sorted(counts.items()):
            print(*key, dict(counted), details.get(key, ""))


if __name__ == "__main__":
    main()
