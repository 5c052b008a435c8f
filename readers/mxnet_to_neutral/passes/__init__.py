"""Graph passes of the reader: patterns of MXNet operators rewritten as one catalogue operator."""
