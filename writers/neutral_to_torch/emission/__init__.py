"""Write a store's graph as readable PyTorch source, and its tensors as a state dict."""
