"""The step families. A step's address is its place: `filter.length` stands in `filter/length.py`."""
