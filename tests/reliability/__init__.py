"""The promises: same inputs, same bytes; after any crash; nothing is done twice; every row accounted for."""
