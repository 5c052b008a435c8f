"""Find a network's structure: repeated blocks, stages, sequences, and names for them."""
