"""Whether a training file will be understood by the trainer or service it is for: `tamis check FILE --for TARGET`."""

from ._files import check_file, check_row, iter_problems, summarise
from ._rules import RULES, Problem, Rule
from ._targets import TARGETS, Target

__all__ = ["RULES", "TARGETS", "Problem", "Rule", "Target", "check_file", "check_row", "iter_problems", "summarise"]
