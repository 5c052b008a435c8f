"""The rules, one module for each family of the catalogue."""
