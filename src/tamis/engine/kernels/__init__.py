"""Numba kernels over the strings' own bytes. Imported only when used; each has a slow twin in the tests."""
