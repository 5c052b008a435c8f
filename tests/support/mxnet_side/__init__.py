"""Code that runs where MXNet is, on behalf of tests that run where it is not."""
