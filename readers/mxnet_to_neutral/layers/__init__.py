"""Build a store's layers and tensors from MXNet's arrays."""
