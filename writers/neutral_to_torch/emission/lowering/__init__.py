"""Lower graph nodes to Python statements by the rules of their kinds."""
