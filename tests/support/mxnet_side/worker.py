"""The MXNet process: receive (module:function, arguments), send (ok, result)."""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module

from mxnet_side.protocol import receive, send


def main() -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    while True:
        try:
            function, arguments = receive(sys.stdin.buffer)
        except EOFError:
            return
        try:
            module, name = function.split(":")
            result = getattr(import_module(f"mxnet_side.{module}"), name)(**arguments)
            answer = (True, result)
        except Exception:
            answer = (False, traceback.format_exc())
        send(answers, answer)


if __name__ == "__main__":
    main()
