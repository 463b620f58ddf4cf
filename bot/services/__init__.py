"""Use cases: they take an open Session and `now`; they never commit and never do HTTP."""
