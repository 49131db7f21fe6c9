"""Explain: the life of one order, for those who ask why."""

from tradehall.app.explain.explainer import Explainer
from tradehall.app.explain.shapes import Explanation, Otherwise, Redecided, Step
from tradehall.app.explain.telling import Streams

__all__ = ["Explainer", "Explanation", "Otherwise", "Redecided", "Step", "Streams"]
