"""The emitter's rules, one module a family."""
