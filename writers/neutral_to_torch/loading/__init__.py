"""Load a store's tensors into a PyTorch module."""
