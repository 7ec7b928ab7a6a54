"""The slots of a decoded resource that neither attrs nor msgspec sees."""

from typing import TYPE_CHECKING, Any, Final

from ._compound import Compound


class Bookkeeping:
    """What a resource keeps besides its attributes; unset in one that was made by hand.

    As attrs fields they would be checked and filled with defaults for each resource, which takes as long as three
    attributes do.
    """

    __slots__ = ("__weakref__", "_document", "_rare_fields", "_relationships")

    if TYPE_CHECKING:
        _document: Compound
        _relationships: Any
        """The bytes of `relationships`; from their first use on, a dict of what they hold by member name."""
        _rare_fields: Any


class Shadow:
    """The first base of each double that decoding makes of a class: making one calls no hook of the other bases."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        """Do nothing, and hand on to nobody."""


set_relationships: Final = vars(Bookkeeping)["_relationships"].__set__
"""Sets the slot of a resource, which is frozen; takes half of the time of `object.__setattr__`."""
