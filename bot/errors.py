"""Every exception of ours.

XuebanError
├── ConfigError           config.toml or the environment has problems (all of them, listed)
├── ContentError          files of a content pack have problems (all of them, listed)
├── CommunityProblems     a community's settings cannot be used as given (all of them, listed)
├── KnowledgeProblems     a community's own entry cannot be kept as given (all of them, listed)
├── RosterProblems        a roster cannot be imported, or its import not undone (all of them)
├── DatabaseProblem       the database cannot be used as it is
│   ├── SchemaOutdated    its schema is older (or newer) than this version expects
│   └── BackupProblem     a backup cannot be written, or a file is no whole backup
├── CommitForbidden       a service or handler tried to end the dispatcher's transaction
├── RegistrationError     two handlers claim the same word or event
├── NotFound              a command named something that does not exist
├── FileRefused           an uploaded file is not kept
├── VideoRefused          a video cannot be chosen as it was given
├── PlatformProblem       a call to the platform had no result
│   ├── PlatformRefused   it answered with an error code
│   ├── PlatformSilent    it could not be reached, or did not answer in time
│   └── OverLimit         what was to be sent or fetched is over a limit; nothing was done
├── SandboxProblem        the simulated platform got an answer that the real one would refuse
└── CallbackRefused       a callback that is not answered; carries the HTTP status
    ├── InvalidSignature  (403)
    ├── StaleTimestamp    (403) the sender's clock and ours differ by more than the window
    └── MalformedMessage  (400)

Each message says what happened and what to do about it.
"""

from collections.abc import Sequence


class XuebanError(Exception):
    """Root of the tree; `str(error)` is fit for the operator."""


class ProblemList(XuebanError):
    """Several problems at once; `problems` holds one sentence each."""

    heading = "Problems:"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([self.heading, *(f"  - {problem}" for problem in problems)]))


class ConfigError(ProblemList):
    heading = "The configuration has problems; correct these keys:"


class ContentError(ProblemList):
    heading = "The content has problems; correct these files:"


class CommunityProblems(ProblemList):
    heading = "These settings of the community cannot be used:"


class KnowledgeProblems(ProblemList):
    heading = "This cannot be kept; nothing was changed:"


class RosterProblems(ProblemList):
    heading = "The roster has problems; nothing was changed:"


class DatabaseProblem(XuebanError):
    pass


class SchemaOutdated(DatabaseProblem):
    pass


class BackupProblem(DatabaseProblem):
    pass


class CommitForbidden(XuebanError):
    def __init__(self) -> None:
        super().__init__(
            "Services and handlers neither commit nor roll back: whoever opened the session does."
        )


class RegistrationError(XuebanError):
    pass


class NotFound(XuebanError):
    pass


class FileRefused(XuebanError):
    pass


class VideoRefused(XuebanError):
    pass


class SandboxProblem(XuebanError):
    pass


class CallbackRefused(XuebanError):
    status = 400


class InvalidSignature(CallbackRefused):
    status = 403


class StaleTimestamp(CallbackRefused):
    """`skew` is theirs minus ours, in seconds."""

    status = 403

    def __init__(self, skew: float) -> None:
        self.skew = skew
        super().__init__(f"The clock differs by {skew:+.0f} s; set this machine's clock (NTP).")


class MalformedMessage(CallbackRefused):
    pass


class PlatformProblem(XuebanError):
    """Never names a token, secret or openid."""


class PlatformRefused(PlatformProblem):
    """`code` is the platform's errcode; its message carries the platform's request id. `call` is
    the path that was called, which may be the token's instead of what was asked for.
    """

    def __init__(self, call: str, code: int, message: str) -> None:
        self.call = call
        self.code = code
        super().__init__(f"The platform refused {call} with {code}: {message}")


class PlatformSilent(PlatformProblem):
    """`unclear` is set where the call may have had its effect all the same."""

    def __init__(self, call: str, reason: str, *, unclear: bool) -> None:
        self.unclear = unclear
        super().__init__(f"The platform did not answer {call}: {reason}. Check the network.")


class OverLimit(PlatformProblem):
    """`what` is too large, too many or too long for `limit`, e.g. "2097152 bytes"."""

    def __init__(self, what: str, limit: str) -> None:
        super().__init__(f"{what} is over the limit of {limit}; make it smaller.")
