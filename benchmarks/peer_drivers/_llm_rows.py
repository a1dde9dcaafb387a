"""The requests that the drivers send, alike for all, and whether a reply is the right one."""

SYSTEM = "You label customer messages with one of twelve categories, and answer with the category alone."


def prompt(number: int) -> str:
    """About 400 characters, begun by the number that the endpoint repeats."""
    return (
        f"row{number} The order that I placed on day {number % 28} has not arrived yet. " + "Please look into it. " * 16
    )


def right(number: int, answer: str) -> bool:
    """Whether the answer is to this prompt."""
    return answer.startswith(f"row{number} ")
