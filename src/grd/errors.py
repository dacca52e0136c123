"""The one error that users see."""


class GrdError(Exception):
    """Bad input or an impossible request, told in one sentence: what was expected, what was found, where, what to do."""
