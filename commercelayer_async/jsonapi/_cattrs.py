"""cattrs converters that treat value classes as this package does: by member names, with their own converters."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from cattrs import Converter, ForbiddenExtraKeysError
from cattrs.gen import override

from ._schema import fields_of

Structure = Callable[[Any, Any], Any]
"""Makes an instance of a class, which comes first, from plain JSON types."""


class ByOurRules:
    """The hook of a class for which the converter has none of its user's."""

    def __init__(self, form: Any, structure: Structure, *, only_known: bool) -> None:
        self._form = form
        self._structure = structure
        self._only_known = only_known
        # By these names cattrs tells the classes of a union apart.
        self.overrides = {field.name: override(rename=field.member) for field in fields_of(form)}

    def __call__(self, value: Any, _: Any) -> Any:
        if self._only_known and isinstance(value, Mapping):
            unknown = set(cast("Mapping[str, Any]", value)) - {one.rename for one in self.overrides.values()}
            if unknown:
                raise ForbiddenExtraKeysError(None, self._form, unknown)
        return self._structure(self._form, value)


class Unhooked:
    """What stands for the hook that writes a class, where the converter has none of its user's."""

    def __call__(self, value: Any) -> Any:
        return value


def by_our_rules(converter: Converter, *, structure: Structure) -> Converter:
    """Return a copy of a converter, with all hooks of its user's, which makes every other class with `structure`.

    A converter whose class makes hooks for classes in a way of its own stays as it is.
    """
    base: Any = type(converter)
    if getattr(base, "gen_structure_attrs_fromdict", None) is not Converter.gen_structure_attrs_fromdict:
        return converter

    def gen_structure_attrs_fromdict(self: Converter, form: Any) -> ByOurRules:
        return ByOurRules(form, structure, only_known=self.forbid_extra_keys)

    methods = {"gen_structure_attrs_fromdict": gen_structure_attrs_fromdict}
    return _copy(converter, type(base.__name__, (base,), {"__slots__": (), **methods}))


def without_own_ways(converter: Converter) -> Converter:
    """Return a copy of a converter, with all hooks of its user's, which has an `Unhooked` for every other class."""
    base: Any = type(converter)
    if getattr(base, "gen_unstructure_attrs_fromdict", None) is not Converter.gen_unstructure_attrs_fromdict:
        return converter

    def gen_unstructure_attrs_fromdict(_: Converter, __: Any) -> Unhooked:
        return Unhooked()

    methods = {"gen_unstructure_attrs_fromdict": gen_unstructure_attrs_fromdict}
    return _copy(converter, type(base.__name__, (base,), {"__slots__": (), **methods}))


def _copy(converter: Converter, cls: Any) -> Converter:
    # The hooks for all classes are bound when a converter is made, so one of `cls` must be made: `copy` does, with the
    # user's hooks. The first copy is there to be given its class; the user's converter keeps its own.
    bare: Any = converter.copy()
    bare.__class__ = cls
    copied: Converter = bare.copy()
    # What `copy` forgets: hooks for unions.
    for union, hook in getattr(converter, "_union_struct_registry", {}).items():
        copied.register_structure_hook(union, hook)
    return copied
