"""Floor 1: the only room that knows files of rows, processes and Numba."""
