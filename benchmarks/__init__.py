"""How fast it answers and starts, beside what else answers the same pushes."""
