"""Filters in the grammars that services speak: from what a caller gave to query parameters.

A caller's filter says what attributes are to equal, or compares them with operators of the service's:

    {"status": "open", "created": {"greater-than": moment}, "id": {"any": ["a", "b"]}}

Names are those of members or of fields of the class. What the service makes of a name or an operator that it does not
have is its own affair: no class says what can be filtered by.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, Protocol, TypeVar, cast

import attrs

from .._plain import plain, plain_text
from .._text import printable
from ..errors import ConfigurationError
from ..service import ByAttribute, Calls, Conditions, PairsOf
from .parameters import encoded, is_encodable, text_of

T = TypeVar("T")

MemberOf = Callable[[str], str]
"""From a name that may be a field's to that of the member."""

_CALL_MARKS: Final = frozenset("(),[]\"'")
"""What has a meaning in a call, so that a bare text must not hold it."""


@attrs.frozen
class Condition:
    """What an attribute is compared with."""

    attribute: str
    operator: str | None
    """None to be equal."""
    values: tuple[object, ...]
    several: bool

    @property
    def where(self) -> str:
        """What errors begin with."""
        named = self.attribute if self.operator is None else f"{self.attribute}, {self.operator}"
        return f"filter: {printable(repr(named), 80)}"


class Grammar(Protocol):
    """Writes the conditions of a filter, all of which are to be met."""

    def parameters(self, conditions: Sequence[Condition]) -> tuple[str, ...]:
        """The query parameters, encoded.

        Raises:
            ConfigurationError: a condition cannot be written; values are not shown.
        """
        ...


def conditions_of(filter: Mapping[str, Any], member_of: MemberOf) -> tuple[Condition, ...]:
    """Take a caller's filter apart, in its order.

    Raises:
        ConfigurationError: a name is not a text, or there is nothing to compare with.
    """
    return tuple(_conditions_of(filter, member_of))


def _conditions_of(filter: Mapping[str, Any], member_of: MemberOf) -> Iterable[Condition]:
    for given, value in filter.items():
        name = plain_text(given)
        if not name or not is_encodable(name):
            shown = f"a {type(given).__name__}" if name is None else printable(repr(name), 80)
            raise ConfigurationError(f"filter: {shown} is not the name of an attribute")
        attribute = member_of(name)
        if isinstance(value, Mapping):
            compared = cast("Mapping[object, object]", value)
            if not compared:
                raise ConfigurationError(f"filter: {name!r} has no operator, and would filter nothing")
            for key, operand in compared.items():
                operator = plain_text(key)
                if not operator or not is_encodable(operator):
                    raise ConfigurationError(f"filter: {name!r} has an operator that is not a text")
                yield _condition(attribute, operator, operand)
        else:
            yield _condition(attribute, None, value)


def _condition(attribute: str, operator: str | None, value: object) -> Condition:
    several = isinstance(value, list | tuple | AbstractSet)
    values = tuple(cast("Iterable[object]", value)) if several else (value,)
    condition = Condition(attribute, operator, values, several)
    if not values:
        raise ConfigurationError(f"{condition.where} has no values, and would filter nothing")
    if any(plain(one) is None for one in values):
        raise ConfigurationError(f"{condition.where} is compared with None, which no grammar here can write")
    if isinstance(value, AbstractSet):
        # A set has no order of its own, and the same query is to have the same URL.
        texts = sorted((text_of(one, condition.where), one) for one in values)
        return attrs.evolve(condition, values=tuple(one for _, one in texts))
    return condition


@attrs.frozen
class AttributeGrammar(Grammar):
    """Writes a parameter for each condition; see `ByAttribute`."""

    form: ByAttribute

    def parameters(self, conditions: Sequence[Condition]) -> tuple[str, ...]:
        """See `Grammar`."""
        return encoded(pair for condition in conditions for pair in self._pairs(condition))

    def _pairs(self, condition: Condition) -> Iterable[tuple[str, str]]:
        form, where = self.form, condition.where
        if condition.operator is None:
            name = form.equal.format(attribute=condition.attribute)
        elif form.compare is not None:
            name = form.compare.format(attribute=condition.attribute, operator=condition.operator)
        else:
            raise ConfigurationError(f"{where}: the service compares by equality alone")
        texts = [text_of(value, where) for value in condition.values]
        if form.join is None:
            return [(name, text) for text in texts]
        return [(name, form.join.join(self._within(text, where) for text in texts))]

    def _within(self, text: str, where: str) -> str:
        """A text that may stand beside others."""
        form = self.form
        if form.join is None or form.join not in text:
            return text
        end = form.quote[::-1].translate(_MIRRORED)
        if not form.quote or form.quote in text or end in text:
            raise ConfigurationError(f"{where} has a value with {form.join!r}, which would be taken for two values")
        return f"{form.quote}{text}{end}"


_MIRRORED: Final = str.maketrans("{[(<", "}])>")


@attrs.frozen
class CallGrammar(Grammar):
    """Writes one parameter with a call for each condition; see `Calls`."""

    form: Calls

    def parameters(self, conditions: Sequence[Condition]) -> tuple[str, ...]:
        """See `Grammar`."""
        calls = [self._call(condition) for condition in conditions]
        if not calls:
            return ()
        whole = calls[0] if len(calls) == 1 else self.form.both.format(self.form.between.join(calls))
        return encoded([(self.form.parameter, whole)])

    def _call(self, condition: Condition) -> str:
        form = self.form
        texts = [text_in_call(value, form, condition.where) for value in condition.values]
        value = form.lists.format(",".join(texts)) if condition.several else texts[0]
        operator = condition.operator or (form.any if condition.several else form.equals)
        if _CALL_MARKS & set(condition.attribute + operator):
            raise ConfigurationError(f"{condition.where} is not a name that a call can hold")
        return f"{operator}({condition.attribute},{value})"


def text_in_call(value: object, form: Calls, where: str) -> str:
    """Write a value inside a call: texts in quotes, where the service has any, and all else as it is.

    Raises:
        ConfigurationError: it cannot be written, or would end the call.
    """
    text = text_of(value, where)
    if plain_text(value) is None:
        return text
    if not form.quote:
        if _CALL_MARKS & set(text):
            raise ConfigurationError(f"{where} has a text with a bracket, a comma or a quote, which would end its call")
        return text
    if form.quote in text or (form.escape and form.escape in text):
        if not form.escape:
            raise ConfigurationError(f"{where} has a text with {form.quote!r}, which would end it")
        # The escape itself first, so that what is put in front of a quote is not escaped again.
        text = text.replace(form.escape, form.escape * 2)
        if form.escape != form.quote:
            text = text.replace(form.quote, f"{form.escape}{form.quote}")
    return f"{form.quote}{text}{form.quote}"


@attrs.frozen
class ConditionGrammar(Grammar):
    """Writes numbered conditions; see `Conditions`."""

    form: Conditions

    def parameters(self, conditions: Sequence[Condition]) -> tuple[str, ...]:
        """See `Grammar`."""
        return encoded(pair for n, condition in enumerate(conditions) for pair in self._pairs(n, condition))

    def _pairs(self, n: int, condition: Condition) -> Iterable[tuple[str, str]]:
        form, where = self.form, condition.where
        begin = f"{form.parameter}[c{n}][condition]"
        yield f"{begin}[path]", condition.attribute
        yield f"{begin}[operator]", condition.operator or (form.any if condition.several else form.equals)
        name = f"{begin}[value][]" if condition.several else f"{begin}[value]"
        for value in condition.values:
            yield name, text_of(value, where)


@attrs.frozen
class FunctionGrammar(Grammar):
    """Calls a function of the caller's, which may raise or give anything."""

    function: PairsOf

    def parameters(self, conditions: Sequence[Condition]) -> tuple[str, ...]:
        """See `Grammar`."""
        filter: dict[str, Any] = {}
        for condition in conditions:
            value = list(condition.values) if condition.several else condition.values[0]
            if condition.operator is None:
                filter[condition.attribute] = value
            else:
                operators = filter.setdefault(condition.attribute, {})
                if not isinstance(operators, dict):
                    raise ConfigurationError(f"{condition.where} is compared beside what it is to equal")
                operators[condition.operator] = value
        return pairs_of(self.function, filter, "filter") if filter else ()


def pairs_of(function: Callable[[T], Iterable[tuple[str, str]]], given: T, what: str) -> tuple[str, ...]:
    """Return the query parameters that a function of the service's makes of what it is given, encoded.

    Raises:
        ConfigurationError: it raised, or gave anything else; `what` is how the error calls it.
    """
    try:
        pairs = [(name, value) for name, value in function(given)]
    except Exception as error:
        raise ConfigurationError(f"{what}: the service's function raised {error.__class__.__name__}") from error
    for name, value in pairs:
        if plain_text(name) is None or plain_text(value) is None or not is_encodable(name + value):
            raise ConfigurationError(f"{what}: the service's function gave what are not pairs of texts")
    return encoded((plain(name), plain(value)) for name, value in pairs)


def grammar_of(form: ByAttribute | Calls | Conditions | PairsOf) -> Grammar:
    """What writes filters in a service's form."""
    if isinstance(form, ByAttribute):
        return AttributeGrammar(form)
    if isinstance(form, Calls):
        return CallGrammar(form)
    return ConditionGrammar(form) if isinstance(form, Conditions) else FunctionGrammar(form)
