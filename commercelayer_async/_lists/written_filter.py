"""A caller's filter as the service's lists take it, and what a scan asks for beside it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .._reading.grammars import Condition, Grammar, conditions_of, grammar_of
from .._reading.parameters import parameter
from ..service import Keyset, Ransack
from .filters import QueryCapabilities, filter_parameters, require_mapping


class WrittenFilter(Protocol):
    """A filter that was checked and written."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Its query parameters, encoded."""
        ...

    def beyond(self, keyset: Keyset, last: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The parameters for what it leaves and comes after a record too: those in its place, and those to be added."""
        ...

    def has(self, keyset: Keyset) -> bool:
        """True if it compares by itself what a scan compares."""
        ...

    def name_of(self, keyset: Keyset) -> str:
        """What a scan compares, as a caller would have written it."""
        ...


def write_filter(filter: Mapping[str, Any] | None, capabilities: QueryCapabilities) -> WrittenFilter:
    """Check a caller's filter and write it in the service's grammar.

    Raises:
        ConfigurationError: a name or a value will not do; values are not shown.
    """
    given: Mapping[str, Any] = {} if filter is None else filter
    require_mapping(given)
    grammar = capabilities.service.filters
    if isinstance(grammar, Ransack):
        return _Predicated(grammar, filter_parameters(given, capabilities))
    return _Conditional(grammar_of(grammar), conditions_of(given, capabilities.member_of))


class _Predicated(WrittenFilter):
    """A parameter for each name, whose ending is the predicate."""

    def __init__(self, grammar: Ransack, parameters: tuple[str, ...]) -> None:
        self._grammar = grammar
        self._parameters = parameters

    @property
    def parameters(self) -> tuple[str, ...]:
        return self._parameters

    def beyond(self, keyset: Keyset, last: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return self._parameters, (parameter(self._grammar.template.format(self.name_of(keyset)), last),)

    def has(self, keyset: Keyset) -> bool:
        own = parameter(self._grammar.template.format(self.name_of(keyset)), "")
        return any(one.startswith(own) for one in self._parameters)

    def name_of(self, keyset: Keyset) -> str:
        return f"{keyset.attribute}_{keyset.operator}"


class _Conditional(WrittenFilter):
    """Conditions in a grammar, which are written together."""

    def __init__(self, grammar: Grammar, conditions: Sequence[Condition]) -> None:
        self._grammar = grammar
        self._conditions = tuple(conditions)
        self._parameters = grammar.parameters(self._conditions)

    @property
    def parameters(self) -> tuple[str, ...]:
        return self._parameters

    def beyond(self, keyset: Keyset, last: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        after = Condition(keyset.attribute, keyset.operator, (last,), several=False)
        return self._grammar.parameters((*self._conditions, after)), ()

    def has(self, keyset: Keyset) -> bool:
        return any((one.attribute, one.operator) == (keyset.attribute, keyset.operator) for one in self._conditions)

    def name_of(self, keyset: Keyset) -> str:
        return f"{keyset.attribute}: {keyset.operator}"
