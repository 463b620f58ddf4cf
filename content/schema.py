"""The shape of a pack's files; unknown keys are refused so that a typo is found."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bot.domain.routine import routine_rule
from bot.domain.schedule import FromEvent
from bot.domain.schedule_text import RuleProblem, parse_rule


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MenuButton(Strict):
    """A button of the account's menu: what a tap says, or the buttons under it.

    Names: 4 characters on the bar and 8 under it, at most.
    https://developers.weixin.qq.com/doc/service/api/custommenu/api_createcustommenu
    """

    name: str = Field(min_length=1, max_length=8)
    say: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] = ""
    buttons: tuple["MenuButton", ...] = Field(default=(), max_length=5)

    @model_validator(mode="after")
    def _one_of_them(self) -> "MenuButton":
        if bool(self.say) == bool(self.buttons):
            raise ValueError(f"{self.name}: a button has either say or buttons")
        if any(button.buttons for button in self.buttons):
            raise ValueError(f"{self.name}: there is no third level")
        return self


class MenuFile(Strict):
    button: tuple[MenuButton, ...] = Field(default=(), max_length=3)

    @model_validator(mode="after")
    def _short_on_the_bar(self) -> "MenuFile":
        for button in self.button:
            if len(button.name) > 4:
                raise ValueError(f"{button.name}: at most 4 characters on the bar")
        return self


class Lexicon(Strict):
    """Words: `courtesies` are no question (kind to words), `synonyms` map a standard term to how
    else it is written, `fillers` carry no meaning.
    """

    courtesies: dict[Literal["thanks", "greeting", "farewell", "silent"], tuple[str, ...]] = {}
    synonyms: dict[str, tuple[str, ...]] = {}
    fillers: tuple[str, ...] = ()


def _partial_date(value: str) -> str:
    """Raise ValueError unless it is 2018, 2018-10 or 2018-10-28, a day that there is."""
    date.fromisoformat(f"{value}-01-01"[: max(10, len(value))])
    return value


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$")]
# A year, a month or a day: never more exact than the document that says it.
PartialDate = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}(-\d{2}){0,2}$"),
    AfterValidator(_partial_date),
]


_ISSUED = {"regulation": "发布", "record": "发布", "resolution": "通过", "by_law": "录入"}


class Document(Strict):
    """One version of an official text. `checked_against`: the official page, a reprint, or its
    title alone, which can be named but not cited. `official` is the address of that page.

    A regulation says what is to be done, and the superior organisation may say more; a record
    says what was; a resolution was adopted on the day it bears. A by-law is a community's own:
    its text is what its people typed in (`own`), `unreviewed` where nobody but the author has
    seen it; nothing else can be either.
    """

    id: Identifier
    kind: Literal["regulation", "record", "resolution", "by_law"] = "regulation"
    title: Text
    issuer: Text
    issued_on: PartialDate
    effective_from: PartialDate | None = None
    supersedes: Identifier | None = None
    checked_on: date
    checked_against: Literal["official", "reprint", "title", "own", "unreviewed"]
    official: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")] | None = None

    @property
    def in_force_from(self) -> date:
        """The first day that it can be in force on: of a year or a month the first."""
        return date.fromisoformat(f"{self.effective_from or self.issued_on}-01-01"[:10])

    @model_validator(mode="after")
    def _typed_in_by_itself(self) -> "Document":
        if self.checked_against in ("own", "unreviewed") and self.kind != "by_law":
            raise ValueError(f"checked_against: only a by_law can be {self.checked_against}")
        return self

    @property
    def version(self) -> str:
        if self.effective_from:
            return f"{self.effective_from} 施行"
        return f"{self.issued_on} {_ISSUED[self.kind]}"


class Sources(Strict):
    document: tuple[Document, ...] = ()


class Citation(Strict):
    """Where an answer comes from: a document's id, and the clause or the date it stands under."""

    document: Identifier
    clause: Text


class Event(Strict):
    """What a history entry is about: `date` to `until`, never more exact than the source has it."""

    date: PartialDate
    until: PartialDate | None = None
    place: Text | None = None
    who: Text | None = None
    what: Text


class Entry(Strict):
    """One answer and the ways to ask for it; `question` is the one that is shown with it.

    `draft` says why it is not given as an answer yet. `changed` is what was different in the
    version that the cited one supersedes.
    """

    id: Identifier
    question: Text
    variants: tuple[Text, ...] = ()
    answer: Text
    topic: Text
    scope: Literal["national", "university", "community"] = "national"
    sources: tuple[Citation, ...] = ()
    checked_on: date
    see_also: tuple[Identifier, ...] = ()
    event: Event | None = None
    changed: Text | None = None
    draft: Text | None = None

    @model_validator(mode="after")
    def _rests_on_something(self) -> "Entry":
        if not self.sources and self.draft is None:
            raise ValueError("sources: an entry without a source can only be a draft")
        return self


class EntryFile(Strict):
    entry: tuple[Entry, ...] = Field(min_length=1)


def _joined(value: Any) -> Any:
    return "|".join(value) if isinstance(value, list) else value


# One expression, or a list of which any may stand.
Words = Annotated[str, BeforeValidator(_joined)]
RefusalName = Literal["crisis", "complaint", "forgery", "others", "personal", "opinion"]


class WordsFile(Strict):
    """Expressions over the bare text; {name} in one stands for what has that name here.

    `names` has `person`, what somebody is called, and `public`, people whom everybody knows;
    which of the `lists` a message holds tells classes apart.
    """

    names: dict[str, Words] = {}
    lists: dict[str, Words] = {}


class Refusal(Strict):
    """Words that make a message one of the class, whatever else it says.

    It is one when any of `rules` is found in it after everything that `harmless` finds was taken
    out. Both are expressions over the bare text: simplified, lower case, without spaces and
    marks; {name} stands for what words.toml has under that name. A pack adds to what the base has,
    and may add to one of the two alone.
    """

    name: RefusalName
    harmless: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> "Refusal":
        if not self.harmless and not self.rules:
            raise ValueError(f"{self.name}: a refusal has rules, or what is harmless")
        return self


class Pointer(Strict):
    """What a refusal can point to: an entry with the rule, or the title of a document."""

    name: Literal["personal", "opinion"]
    when: Text
    entry: Identifier | None = None
    document: Identifier | None = None


class RefusalFile(Strict):
    refusal: tuple[Refusal, ...] = ()
    pointer: tuple[Pointer, ...] = ()


class HelpLine(Strict):
    """A number that people in need, or with a complaint, are given."""

    name: Literal["crisis", "complaint"]
    number: Text
    title: Text
    note: str = ""
    source: Text
    checked_on: date


class HelpLineFile(Strict):
    help_line: tuple[HelpLine, ...] = ()


class Wish(Strict):
    """What a command serves, asked for in other words; `rules` as in a refusal."""

    command: Text
    rules: tuple[str, ...] = Field(min_length=1)


class WishFile(Strict):
    """`words` are for these rules alone."""

    words: dict[str, Words] = {}
    wish: tuple[Wish, ...] = ()


class ExampleFile(Strict):
    """What people write, by what it is; `look_up` is for questions, and for what only sounds like
    one of the others. The classes are learned from these.
    """

    look_up: tuple[Text, ...] = ()
    refusal: dict[RefusalName, tuple[Text, ...]] = {}
    wish: dict[str, tuple[Text, ...]] = {}


class Routine(Strict):
    """Something that is due again and again; a community's organisers can move or stop it."""

    kind: Text
    rule: Text

    @field_validator("rule")
    @classmethod
    def _readable(cls, rule: str, info: ValidationInfo) -> str:
        return _checked(rule, routine_rule(str(info.data.get("kind", "")), rule))


def _checked(text: str, rule: object) -> str:
    if isinstance(rule, RuleProblem):
        raise ValueError(f"{text!r} is no rule for it ({rule.key})")
    return text


def _month_and_day(value: str) -> str:
    """Raise ValueError unless there is such a day in a leap year."""
    date.fromisoformat(f"2000-{value}")
    return value


# Inside RememberedDay the name `date` is the field.
_Date = date


class RememberedDay(Strict):
    """A day worth knowing. `plain` is one of remembrance: no emoji, no exclamation marks, no
    contest that day.
    """

    date: Annotated[
        str, StringConstraints(pattern=r"^\d{2}-\d{2}$"), AfterValidator(_month_and_day)
    ]
    name: Text
    manner: Literal["plain", "ordinary"] = "ordinary"
    source: Text
    checked_on: _Date


class Reminder(Strict):
    """Of a meeting, by a rule that counts from it: to who plans it, or to everybody.

    It is for meetings whose title has one of the words in `titles`; without any, for all.
    """

    kind: Literal["meeting_plan", "meeting_reminder"]
    rule: Text
    titles: tuple[Text, ...] = ()

    @field_validator("rule")
    @classmethod
    def _counts_from_the_meeting(cls, text: str) -> str:
        rule = parse_rule(text)
        _checked(text, rule)
        if isinstance(rule, RuleProblem) or not isinstance(rule.when, FromEvent):
            raise ValueError(f"{text!r} does not count from a meeting; write e.g. 提前1天 19:00")
        return text


class StudyCardChoice(Strict):
    """Of which entries there is no study card."""

    skipped_topics: tuple[Text, ...] = ()


class RoutineFile(Strict):
    """A pack's own list of reminders stands in place of the base's; None leaves that."""

    routine: tuple[Routine, ...] = ()
    day: tuple[RememberedDay, ...] = ()
    reminder: tuple[Reminder, ...] | None = None
    study_card: StudyCardChoice = StudyCardChoice()
