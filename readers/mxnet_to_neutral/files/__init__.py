"""Find the symbol and the parameter file of a checkpoint, and unpack, fetch or export them if needed."""
