"""What tools say of themselves."""

from __future__ import annotations

import msgspec
import pytest

from passel.protocols.tools import ToolPolicy


def test_a_misspelt_field_of_a_policy_is_an_error_that_names_it() -> None:
    with pytest.raises(
        msgspec.ValidationError, match=r"unknown field `timout` - at `\$\[\.\.\.\]`"
    ):
        msgspec.convert({"read": {"timout": 3.0}}, dict[str, ToolPolicy])
