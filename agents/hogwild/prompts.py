"""What a team is told: who they are, what they see, how to share the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ...protocols.cache import ChatTurn, Markers, WorkerId

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

NAMES: Final = ("Alice", "Bob", "Carol", "Dave", "Erin", "Frank", "Grace", "Heidi")
"""Names of workers, in the order in which a team takes them."""

_TEAM: Final = """\
{names} solve one problem together. All of them write at the same time, and everyone sees what the \
others write, word by word, while they write it.

Rules:
- You are one of {names}. Write in your own name only, in short steps. A step begins like \
**{first} [2]:** and ends with a full stop and an empty line.
- "{past}" are the finished steps of all, oldest first. "{others}" are steps that the others have \
not finished; they break off at <...>
- Take a part of the work that nobody has yet. Do not repeat what another has written. If you do the \
same as another, stop, and check the numbers or try another way.
- Use the results of the others, and correct their mistakes.
- Whoever knows the result first writes at once: The final answer is \\boxed{{number}}.

Example problem: A shop sells 3 boxes with 8 pens each and 2 bags with 5 pens each. How many pens is \
that?

**{first} [1]:** I count the boxes. 3 boxes with 8 pens each are 3 * 8 = 24 pens.

**{second} [1]:** {first} has the boxes, so I count the bags. 2 bags with 5 pens each are 2 * 5 = 10 \
pens.

**{first} [2]:** I add both. 24 + 10 = 34 pens. The final answer is \\boxed{{34}}.

Example problem: Nina had 50 stamps. She gave 12 to Tom and 9 to Eva. How many are left?

**{first} [1]:** I count what she gave away. 12 + 9 = 21 stamps.

**{second} [1]:** I check {first}: 12 and 9 are 21, that is right.

**{second} [2]:** I take it from 50. 50 - 21 = 29 stamps are left. The final answer is \\boxed{{29}}.

The problem of {names}:

{problem}"""

_ALONE: Final = """\
Solve the problem step by step, in short steps, each ending with a full stop and an empty line. As \
soon as you know the final answer, write it into a box, such as \\boxed{{12}}.

{problem}"""

_PAST: Final = "### Past steps"
_OTHERS: Final = "### Still writing"
_OWN: Final = "### Next step"

SUFFIX: Final = "\n\nThe time is up. From all the steps above, the final answer is \\boxed{"
"""Ends the text that the finisher continues: what follows, up to the brace, is the answer."""


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A team's prompt.

    Attributes:
        turns: The conversation.
        markers: The text between blocks.
        prefix: Opens every step, see `StepSettings`.
        openings: The first words of each worker.
    """

    turns: tuple[ChatTurn, ...]
    markers: Markers
    prefix: str
    openings: tuple[str, ...]


def team_names(count: int) -> tuple[WorkerId, ...]:
    """Return the names of a team of `count`, 1 to 8.

    Raises:
        ValueError: There are not that many names.
    """
    if not 1 <= count <= len(NAMES):
        raise ValueError(f"a team has 1 to {len(NAMES)} workers, not {count}")
    return tuple(WorkerId(name) for name in NAMES[:count])


def team_prompt(
    problem: str,
    names: Sequence[WorkerId],
    *,
    layout: Literal["combined", "contiguous"] = "combined",
) -> Prompt:
    """Return what a team is told about `problem`; one worker alone gets a plain prompt."""
    if len(names) == 1:
        text = _ALONE.format(problem=problem.strip())
        return Prompt(
            turns=(ChatTurn(role="user", content=text),),
            markers=Markers(past="", others="", own=""),
            prefix="**Step {step}:**",
            openings=("",),
        )
    everybody = f"{', '.join(names[:-1])} and {names[-1]}"
    text = _TEAM.format(
        names=everybody,
        first=names[0],
        second=names[1],
        past=_PAST,
        others=_OTHERS,
        problem=problem.strip(),
    )
    above = f"{_PAST}\n\n" if layout == "combined" else f"{_OTHERS}\n\n"
    return Prompt(
        turns=(ChatTurn(role="user", content=text),),
        markers=Markers(past=above, others=f"{_OTHERS}\n\n", own=f" <...>\n\n{_OWN}\n\n"),
        prefix="**{name} [{step}]:**",
        openings=(" I", *(f" {names[0]} has begun, so I" for _ in names[1:])),
    )
