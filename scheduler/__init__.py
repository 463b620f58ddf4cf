"""When things happen: the loops, never what happens."""
