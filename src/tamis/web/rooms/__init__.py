"""One file for each room of the review app: what its pages ask, answered from the run's folder."""
