"""Compare a network's values with recorded ones: golden files, errors, their likely causes, and reports."""
