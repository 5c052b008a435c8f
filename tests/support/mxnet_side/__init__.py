"""Code that runs in the MXNet process, for tests that run without MXNet."""
