"""Random calls of MXNet's operators, and the comparison of what MXNet, the emitted module and the reference give."""
