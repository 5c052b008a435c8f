"""Python expressions as data: terms, their symbols in rules, and their text."""
