"""Which entry a question asks for: the answer, a few near ones to choose from, or none.

`Matcher(texts, normaliser).decide(question)` is the whole interface; who decides what is said, and
whether anything is, stands above it.
"""

from content.matcher.calibrate import calibrate
from content.matcher.calibration import Calibration
from content.matcher.match import Candidate, Match, Matcher
from content.matcher.normalise import Normaliser

__all__ = ["Calibration", "Candidate", "Match", "Matcher", "Normaliser", "calibrate"]
