"""Stand-ins with which a function shows that it renders a template whatever some parameters are."""

from typing import NoReturn


class ReadError(BaseException):
    """A value was used that is not known. No ``except Exception`` of a bench's own code catches it."""


class Unread:
    """In place of a parameter's value: it can be handed on, and any use of it is an error."""

    def _refuse(self, *_: object) -> NoReturn:
        raise ReadError

    __bool__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = _refuse
    __str__ = __repr__ = __format__ = __float__ = __int__ = __index__ = __reduce_ex__ = _refuse
