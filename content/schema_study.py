"""The shape of a pack's questions to practise with and of its study cards."""

from typing import Literal

from pydantic import Field, model_validator

from content.schema import Identifier, Strict, Text


class QuizQuestion(Strict):
    """A question of the quiz bank; it rests on `entry`, whose source is the question's.

    `right` are numbers of `options`, counted from 1; of `true_false`, which has no options, 1 is
    true and 2 is false; of `fill_in` none, but `accepted` are the texts that are right.
    """

    id: Identifier
    kind: Literal["single", "multiple", "true_false", "fill_in"]
    text: Text
    options: tuple[Text, ...] = Field(default=(), max_length=8)
    right: tuple[int, ...] = ()
    accepted: tuple[Text, ...] = ()
    entry: Identifier
    explanation: Text

    @model_validator(mode="after")
    def _can_be_answered(self) -> "QuizQuestion":
        if problem := _problem(self):
            raise ValueError(problem)
        return self


def _problem(question: QuizQuestion) -> str | None:
    """What is wrong with the right answers; None where nothing is."""
    if question.kind == "fill_in":
        fits = question.accepted and not question.right and not question.options
        return None if fits else "a question to fill in has `accepted`, no options"
    if question.accepted:
        return "only a question to fill in has `accepted`"
    choices = 2 if question.kind == "true_false" else len(question.options)
    if question.kind == "true_false" and question.options:
        return "true or false has no options"
    if choices < 2:
        return "there are at least 2 options"
    if len(set(question.options)) != len(question.options):
        return "two options are the same"
    if not question.right:
        return "no option is right"
    if question.kind == "multiple":
        if len(question.right) < 2:
            return "of `multiple` at least 2 options are right"
    elif len(question.right) > 1:
        return "only of `multiple` several options are right"
    if not set(question.right) <= set(range(1, choices + 1)):
        return "`right` are numbers of the options"
    if len(set(question.right)) != len(question.right):
        return "an option is named twice"
    return None


class QuizFile(Strict):
    question: tuple[QuizQuestion, ...] = Field(min_length=1)


class Card(Strict):
    """A study card: what is asked on its front, what is on its back; it rests on `entry`."""

    id: Identifier
    front: Text = Field(max_length=60)
    back: Text = Field(max_length=140)
    entry: Identifier


class CardFile(Strict):
    card: tuple[Card, ...] = Field(min_length=1)
