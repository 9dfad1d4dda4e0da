"""What can go wrong with SUMO.

PasselError
└── SumoError
    ├── SumoTownError     a grid that cannot be a town
    ├── SumoMissingError  its programs are not on this machine
    ├── SumoRunError      one of them failed, or took too long
    └── SumoTripError     a trip was not made as it was planned
"""

from __future__ import annotations

from ...protocols.errors import PasselError


class SumoError(PasselError):
    """Everything that goes wrong with SUMO."""


class SumoTownError(SumoError):
    """Raised when a grid is too small or too large.

    Attributes:
        size: Crossings along each side.
        block: Metres between them.
    """

    def __init__(self, size: int, block: float) -> None:
        super().__init__(
            f"{size} crossings along each side, {block} metres apart, are no town: "
            "6 to 26 of them, and 120 metres or more"
        )
        self.size = size
        self.block = block


class SumoMissingError(SumoError):
    """Raised when a program of SUMO is not found.

    Attributes:
        program: Which one.
    """

    def __init__(self, program: str, *, where: str) -> None:
        super().__init__(
            f"SUMO's {program} is not in {where}; `pip install 'passel[sumo]'` brings it, and "
            "`programs` or SUMO_HOME say where it is"
        )
        self.program = program


class SumoRunError(SumoError):
    """Raised when a program of SUMO did not end in order.

    Attributes:
        program: Which one.
        how: How it ended.
        said: The last that it wrote to its standard error.
    """

    def __init__(self, program: str, *, how: str, said: str = "") -> None:
        super().__init__(f"SUMO's {program} {how}" + (f": {said}" if said else ""))
        self.program = program
        self.how = how
        self.said = said


class SumoTripError(SumoError):
    """Raised when a traveller was not there at the end, or came by another mode than the one chosen.

    Attributes:
        traveller: Who.
        mode: The mode that was chosen.
    """

    def __init__(self, traveller: str, mode: str, *, what: str) -> None:
        super().__init__(f"{traveller}, who chose {mode}, {what}")
        self.traveller = traveller
        self.mode = mode
