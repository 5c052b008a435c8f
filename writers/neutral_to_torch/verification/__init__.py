"""Run PyTorch modules on a golden file's inputs and compare their values with the recorded ones."""
