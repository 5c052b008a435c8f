"""Print classes, forward methods and helpers as Python source."""
