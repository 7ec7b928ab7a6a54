"""Judge resource classes before anything is decoded: does something make the values of each attribute?

Without a converter of the caller's that is msgspec, or cattrs for types that msgspec does not know; with one it is that
converter alone. An attribute with a converter of its own takes what the JSON has, so its type does not matter.
"""

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args, get_origin

import msgspec

from .._annotations import is_named_tuple, is_union, is_value_class, types_of_fields
from .._schema import Field, fields_of, once_per_class
from ..errors import ConfigurationError
from .values import ARRAYS, OBJECTS, Values, holds_value_class

if TYPE_CHECKING:
    from cattrs import Converter

_OF_CATTRS: Final = ("cattrs.converters", "cattrs.cols", None)
"""The modules of cattrs' own hooks; those that it writes at run time have none."""
_KNOWN: Final = frozenset({Any, type(None), str, int, float, bool, datetime, list, tuple, dict, set, frozenset})


@once_per_class
def require_supported(cls: Any) -> None:
    """Refuse a class with an attribute of which nothing makes values.

    Raises:
        ConfigurationError: the error names class and attribute, and says what to write.
    """
    _Judge().require(cls)


def require_supported_by(converter: "Converter", cls: Any) -> None:
    """Refuse a class with an attribute of which a converter of the caller's makes no values; see above."""
    _ConverterJudge(converter).require(cls)


class _Unsupported(Exception):
    """Nothing makes a value of a type."""


class _Judge:
    """Finds the attribute of which neither msgspec nor cattrs makes values."""

    def __init__(self, converter: "Converter | None" = None) -> None:
        self._values = Values(converter)
        self._judged: set[Any] = set()

    def require(self, form: Any) -> None:
        """Refuse a class, or one inside its attributes; see `require_supported`."""
        if form in self._judged:
            return
        self._judged.add(form)
        cls: Any = get_origin(form) or form
        for field in fields_of(form):
            wanted = self._unsupported(field) if field.converter is None else None
            if wanted is not None:
                raise ConfigurationError(
                    f"{cls.__name__}.{field.name}: nothing makes a value of the type {wanted}; give the attribute a"
                    " converter, attrs.field(converter=…), or the registry one that has a hook for the type,"
                    " Registry(…, converter=…)"
                )

    def _unsupported(self, field: Field) -> str | None:
        try:
            self._require_type(self._type_of(field))
        except _Unsupported as error:
            return str(error)
        return None

    def _type_of(self, field: Field) -> Any:
        return field.hint

    def _require_type(self, hint: Any) -> None:
        inner = get_origin(hint) or hint
        arguments = get_args(hint)
        if inner in _KNOWN and not arguments:
            return
        if inner is Annotated:
            self._require_type(arguments[0])
        elif is_value_class(hint):
            self.require(hint)
        elif is_named_tuple(hint):
            self._require_all(types_of_fields(hint).values())
        elif is_union(hint):
            self._require_union(hint)
        elif inner is not Literal:
            if inner not in ARRAYS and inner not in OBJECTS and inner is not tuple:
                self._require_other(hint)
            self._require_all(one for one in arguments if one is not Ellipsis)

    def _require_all(self, hints: Any) -> None:
        for hint in hints:
            self._require_type(hint)

    def _require_union(self, hint: Any) -> None:
        self._require_all(get_args(hint))
        if len(get_args(hint)) > 2 and not holds_value_class(hint):  # noqa: PLR2004 - something and null is always fine
            self._compile(hint, lambda: msgspec.json.Decoder(hint))

    def _require_other(self, hint: Any) -> None:
        inner = get_origin(hint) or hint
        if isinstance(inner, type) and issubclass(inner, Enum | msgspec.Struct):
            return
        # Imported here: most classes have plain types alone.
        from msgspec.inspect import CustomType, type_info  # noqa: PLC0415 - see above

        found = self._compile(hint, lambda: type_info(hint))
        if isinstance(found, CustomType):
            self._require_hook(hint)

    def _compile(self, hint: Any, compile: Callable[[], Any]) -> Any:
        try:
            return compile()
        except TypeError:
            # Not a type, or a union that msgspec does not take.
            return self._require_hook(hint)

    def _require_hook(self, hint: Any) -> Any:
        """Return the hook of cattrs for a type."""
        try:
            return self._values.converter.get_structure_hook(hint)
        except Exception as error:  # noqa: BLE001 - what makes a hook may raise anything
            unknown = getattr(error, "type_", hint)
        raise _Unsupported(_name_of(unknown))


class _ConverterJudge(_Judge):
    """Finds the attribute of which a converter of the caller's makes no values."""

    def _type_of(self, field: Field) -> Any:
        return field.declared

    def _require_type(self, hint: Any) -> None:
        from .._cattrs import ByOurRules  # noqa: PLC0415 - slow to import, and rarely needed

        hook = self._require_hook(hint)
        if isinstance(hook, ByOurRules):
            self.require(hint)
        elif getattr(hook, "__module__", "") in _OF_CATTRS and get_origin(hint) is not Literal:
            # A hook of cattrs' own for a container, which looks for those of its parts when it is used.
            parts = [one for one in get_args(hint) if one not in (type(None), Ellipsis)]
            several = is_union(hint) and len(parts) > 1
            self._require_all(() if several else parts[:1] if get_origin(hint) is Annotated else parts)


def _name_of(hint: Any) -> str:
    return f"{hint.__module__}.{hint.__qualname__}" if isinstance(hint, type) else str(hint)
