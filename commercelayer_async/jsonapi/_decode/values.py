"""Decode the values of attributes: whatever holds a value class level by level, all else by msgspec.

A value class is an attrs class, a dataclass, a typed dictionary or a named tuple in the annotation of an attribute.
msgspec would fill it by its own rules: without aliases, converters and validators, and with datetimes that have no
offset. So its members are decoded as the attributes of a resource are, however deep it stands. If the caller gave a
cattrs converter, that decides what fits; `by_our_rules` teaches it the names and converters of value classes.
"""

from collections import abc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, get_args, get_origin, is_typeddict

import attrs
import msgspec
from msgspec import Raw

from .._annotations import checked, is_named_tuple, is_union, is_value_class, types_of_fields
from .._json import as_object, exact, loads
from .._schema import Field, fields_of
from .explain import Refused, is_about_field, refusal

if TYPE_CHECKING:
    from cattrs import Converter

Decode = Callable[[Any], Any]
"""Decodes one value: from its bytes or, where a converter of the caller's reads it, from plain JSON types."""

ARRAYS: Final[Mapping[Any, Callable[[Iterator[Any]], Any]]] = {
    list: list,
    abc.Sequence: list,
    abc.MutableSequence: list,
    abc.Collection: list,
    set: set,
    abc.Set: set,
    abc.MutableSet: set,
    frozenset: frozenset,
}
OBJECTS: Final = (dict, abc.Mapping, abc.MutableMapping)

_split_object: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


def holds_value_class(hint: Any) -> bool:
    """Return True if a value class or a named tuple stands in a type."""
    return is_value_class(hint) or is_named_tuple(hint) or any(map(holds_value_class, get_args(hint)))


@attrs.frozen
class Entry:
    """How one field is decoded."""

    field: Field
    decode: Decode


@attrs.frozen
class Plan:
    """How the members of one class are decoded, and an instance made of them."""

    cls: Any
    entries: tuple[Entry, ...]

    def fill(self, members: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Refused]]:
        """Return the values by field name, without those that are absent, and the refusals by member name."""
        values: dict[str, Any] = {}
        refused: dict[str, Refused] = {}
        for entry in self.entries:
            field = entry.field
            if field.member not in members:
                continue
            piece = members[field.member]
            try:
                values[field.name] = entry.decode(piece)
            except Exception as error:  # noqa: BLE001 - a hook of the caller's may raise anything
                refused[field.member] = refusal(error, piece, secret=field.secret).inside(field.member)
        return values, refused

    def missing(self, members: Mapping[str, Any]) -> Iterator[str]:
        """Iterate over the member names of required fields that are absent."""
        return (
            entry.field.member for entry in self.entries if entry.field.required and entry.field.member not in members
        )

    def construct(self, values: Mapping[str, Any], **identity: str) -> Any:
        """Make an instance, with its class's own converters, validators and hooks.

        Raises:
            Refused: one of these does; its pointer names the member if that is known.
        """
        filled = [entry.field for entry in self.entries if entry.field.name in values]
        try:
            return self.cls(**identity, **{field.argument: values[field.name] for field in filled})
        except Exception as error:  # noqa: BLE001 - a converter or validator of the caller's may raise anything
            failure = error
        raise self._rejected(failure, filled, values)

    def _rejected(self, error: Exception, filled: Sequence[Field], values: Mapping[str, Any]) -> Refused:
        sample = _Sample()
        for field in filled:
            value = values[field.name]
            if is_about_field(error, field, value, sample):
                return refusal(error, value, secret=field.secret).inside(field.member)
        return own_checks_refuse(self.cls, error)

    def make(self, piece: Any) -> Any:
        """Make an instance of a value class from a JSON object.

        Raises:
            Refused: it does not fit.
        """
        members = _members(piece)
        for name in self.missing(members):
            raise Refused(f"an object with {name}", {})
        values, refused = self.fill(members)
        for reason in refused.values():
            raise reason
        if self.cls is dict:
            # A typed dictionary is open: it may hold what its type does not declare.
            declared = {entry.field.member for entry in self.entries}
            return {name: _plain(one) for name, one in members.items() if name not in declared} | values
        return self.construct(values)


class Values:
    """The decoders of values, for one registry."""

    def __init__(self, converter: "Converter | None" = None) -> None:
        self._by_caller = converter is not None
        self._given = converter
        self._adapted: Converter | None = None
        self._plans: dict[Any, Plan] = {}

    def plan(self, form: Any, *, without: str = "") -> Plan:
        """Return how a class is filled; `without` names a field that is no member."""
        known = self._plans.get(form)
        if known is None:
            entries = [Entry(field, self._entry(field)) for field in fields_of(form) if field.name != without]
            known = self._plans[form] = Plan(_constructor(form), tuple(entries))
        return known

    def _entry(self, field: Field) -> Decode:
        if field.converter is not None:
            return _plain
        if self._by_caller:
            return lambda piece: self.converter.structure(_plain(piece), field.declared)
        return self._decoder(field.hint)

    def _decoder(self, hint: Any) -> Decode:
        return self._by_level(hint) if holds_value_class(hint) else self._by_msgspec(hint)

    @property
    def converter(self) -> "Converter":
        """The cattrs converter: the caller's, or one for the types that msgspec does not know."""
        if self._adapted is None:
            # Imported here: cattrs takes longer to import than all of this package's jsonapi, and most programs never
            # use it.
            from cattrs import Converter  # noqa: PLC0415 - slow to import, and most programs never use it

            from .._cattrs import by_our_rules  # noqa: PLC0415 - as above

            given = Converter(prefer_attrib_converters=True) if self._given is None else self._given
            self._adapted = by_our_rules(given, structure=self._structure)
        return self._adapted

    def structure_unknown(self, hint: Any, value: Any) -> Any:
        """Structure a value of a type that msgspec does not know, by cattrs.

        Raises:
            ValueError: cattrs failed; the cause is dropped, since it may quote the value.
            Refused: a value class inside does not fit.
        """
        try:
            return self.converter.structure(value, hint)
        except Exception as error:  # noqa: BLE001 - constructors may raise anything
            failure = refusal(error, value)
            name = type(error).__name__
        if failure.below:
            raise failure
        raise ValueError(f"{name} from {getattr(hint, '__name__', hint)}")

    def _structure(self, form: Any, value: Any) -> Any:
        """Make a value class that cattrs met: from plain JSON types, or again from bytes, as on all other ways."""
        return self.plan(form).make(value if self._by_caller else Raw(_encode(value)))

    def _by_msgspec(self, hint: Any) -> Decode:
        try:
            return msgspec.json.Decoder(hint, float_hook=exact, dec_hook=self.structure_unknown).decode
        except TypeError:
            return lambda raw: self.structure_unknown(hint, loads(raw))

    def _by_level(self, hint: Any) -> Decode:
        constraints: tuple[Any, ...] = ()
        if get_origin(hint) is Annotated:
            hint, constraints = hint.__origin__, hint.__metadata__
        if is_union(hint):
            return self._union(get_args(hint))
        if is_value_class(hint):
            return self._object(hint, constraints)
        if is_named_tuple(hint):
            return self._named_tuple(hint)
        return self._container(hint, constraints)

    def _container(self, hint: Any, constraints: tuple[Any, ...]) -> Decode:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in OBJECTS:
            return self._mapping(arguments[0], arguments[1], constraints)
        if origin in ARRAYS or (origin is tuple and arguments[-1] is Ellipsis):
            return self._array(ARRAYS.get(origin, tuple), arguments[0], constraints)
        if origin is tuple:
            return self._tuple(arguments)
        return lambda raw: self.structure_unknown(hint, loads(raw))

    def _object(self, form: Any, constraints: tuple[Any, ...]) -> Decode:
        require = _splitter(dict[str, Raw], constraints)

        # The plan is looked up at each call: a class may hold itself.
        def decode(raw: Any) -> Any:
            require(raw)
            return self.plan(form).make(raw)

        return decode

    def _array(self, make: Callable[[Iterator[Any]], Any], item: Any, constraints: tuple[Any, ...]) -> Decode:
        split, decode = _splitter(list[Raw], constraints), self._decoder(item)
        return lambda raw: make(_inside(n, decode, piece) for n, piece in enumerate(split(raw)))

    def _tuple(self, items: tuple[Any, ...]) -> Decode:
        shape: Any = tuple.__class_getitem__((Raw,) * len(items))
        split = _splitter(shape, ())
        decoders = [self._decoder(item) for item in items]
        return lambda raw: tuple(
            _inside(n, decode, piece) for n, (decode, piece) in enumerate(zip(decoders, split(raw), strict=True))
        )

    def _named_tuple(self, form: Any) -> Decode:
        cls: Any = get_origin(form) or form
        decoders = [self._decoder(checked(hint)) for hint in types_of_fields(form).values()]
        least = len(decoders) - len(cls._field_defaults)
        split = _splitter(list[Raw], (msgspec.Meta(min_length=least, max_length=len(decoders)),))
        return lambda raw: cls(
            *(_inside(n, decode, piece) for n, (decode, piece) in enumerate(zip(decoders, split(raw), strict=False)))
        )

    def _mapping(self, key: Any, item: Any, constraints: tuple[Any, ...]) -> Decode:
        split, decode = _splitter(dict[key, Raw], constraints), self._decoder(item)
        return lambda raw: {name: _inside(name, decode, piece) for name, piece in split(raw).items()}

    def _union(self, options: tuple[Any, ...]) -> Decode:
        """Decode a value as the type of a union that it fits: of several, the one that declares most of its members."""
        rest = [option for option in options if not holds_value_class(option)]
        choices: list[tuple[frozenset[str], Any, Decode]] = [
            (_kinds(option), option, self._decoder(option)) for option in options if option not in rest
        ]
        anything_else = self._by_msgspec(_union_of(rest)) if rest else None
        if anything_else is not None:
            choices.append((frozenset(kind for option in rest for kind in _kinds(option)), None, anything_else))
        refuse = self._by_msgspec(_union_of(map(_shape, options)))

        def decode(raw: Any) -> Any:
            possible = [choice for choice in choices if _kind(raw) in choice[0]]
            if len(possible) == 1:
                return possible[0][2](raw)
            known = [(_known_members(form, raw), attempt) for _, form, attempt in possible]
            known.sort(key=lambda choice: -choice[0])
            reasons: list[Exception] = []
            for count, attempt in known:
                # A class that declares none of the members would fit, and show nothing of what is there.
                if count == 0 and known[0][0] > 0 and attempt is not anything_else:
                    continue
                try:
                    return attempt(raw)
                except Exception as error:  # noqa: BLE001 - as above
                    reasons.append(error)
            if reasons:
                raise refusal(reasons[0], raw)
            refuse(raw)
            raise Refused("a value that fits its type", loads(raw))

        return decode


class _Sample:
    """Stands for the instance that could not be made, where it is asked again which of its attributes is to blame."""


def own_checks_refuse(cls: Any, error: Exception) -> Refused:
    """Return the refusal of a class's own checks, if it is not known which attribute they are about."""
    got = f"{type(error).__name__} from its own checks"
    return Refused(f"attributes that {cls.__name__} accepts", got=got)


def _plain(piece: Any) -> Any:
    return loads(piece) if isinstance(piece, Raw) else piece


def _members(piece: Any) -> Mapping[str, Any]:
    members = _split_object(piece) if isinstance(piece, Raw) else as_object(piece)
    if members is None:
        raise Refused("an object", piece)
    return members


def _constructor(form: Any) -> Any:
    cls: Any = get_origin(form) or form
    return dict if is_typeddict(cls) else cls


def _splitter(shape: Any, constraints: tuple[Any, ...]) -> Decode:
    return msgspec.json.Decoder(Annotated[(shape, *constraints)] if constraints else shape).decode


def _inside(name: object, decode: Decode, piece: Any) -> Any:
    """Decode one entry of a container; its refusal says where in the container it stands."""
    try:
        return decode(piece)
    except Exception as error:  # noqa: BLE001 - as above
        failure = refusal(error, piece).inside(getattr(name, "value", name))
    raise failure


_KIND_BY_BYTE: Final = {ord("{"): "object", ord("["): "array", ord("n"): "null"}
_ALL_KINDS: Final = frozenset({"object", "array", "null", "scalar"})


def _kind(raw: Any) -> str:
    return _KIND_BY_BYTE.get(bytes(raw).lstrip()[0], "scalar")


def _kinds(hint: Any) -> frozenset[str]:
    """Return which kinds of JSON values a type may take."""
    if get_origin(hint) is Annotated:
        return _kinds(hint.__origin__)
    if hint is type(None):
        return frozenset({"null"})
    shape = get_origin(hint) or hint
    if is_value_class(hint) or shape in OBJECTS:
        return frozenset({"object"})
    if shape in ARRAYS or (isinstance(shape, type) and issubclass(shape, tuple)):
        return frozenset({"array"})
    return frozenset({"scalar"}) if shape in (str, int, float, bool) else _ALL_KINDS


def _shape(hint: Any) -> Any:
    """Return a type that msgspec names as it would the given one, for what a union expects."""
    kinds = _kinds(hint)
    return {frozenset({"object"}): dict, frozenset({"array"}): list}.get(kinds, hint)


def _union_of(options: Iterable[Any]) -> Any:
    return Union[tuple(options)]  # noqa: UP007 - known at run time only


def _known_members(form: Any, raw: Any) -> int:
    """Count the members of an object that a value class declares."""
    if form is None or not is_value_class(form) or _kind(raw) != "object":
        return 0
    members = _split_object(raw)
    return sum(1 for field in fields_of(form) if field.member in members)
