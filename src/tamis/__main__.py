"""`python -m tamis`."""

from tamis.cli import command

if __name__ == "__main__":
    command()
