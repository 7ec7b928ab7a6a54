"""Records of a user's own, checked by the schema before they are put into a world."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Final, NoReturn, cast

import attrs

from .attributes import Attribute, Kind
from .schema import ABSTRACT, TYPES, RelationshipSchema, ResourceType
from .times import iso, iso_offset, milliseconds

Identifier = tuple[str, str]
"""A type and an id."""

_EVENTS: Final = "event_stores"
_PYTHON_TYPES: Final[Mapping[Kind, tuple[type, ...]]] = {
    Kind.TEXT: (str,),
    Kind.NUMBER: (int, float),
    Kind.BOOLEAN: (bool,),
    Kind.JSON: (dict, list),
}


@attrs.frozen
class Draft:
    """A record, or changes of one: names are the schema's, and values of the kinds that it has for them."""

    type: str
    id: str | None
    attributes: Mapping[str, object] = attrs.field(repr=False)
    relationships: Mapping[str, Sequence[Identifier]]
    """By name: what each points to, which need not exist yet."""

    def merged(self, other: "Draft") -> "Draft":
        """Add what *other* says of the same record.

        Raises:
            ValueError: the two contradict each other.
        """
        for mine, others in ((self.attributes, other.attributes), (self.relationships, other.relationships)):
            for name in mine.keys() & others.keys():
                if mine[name] != others[name]:
                    raise ValueError(f"{self.type} {self.id} is there twice, with different {name}")
        return attrs.evolve(
            self,
            attributes={**self.attributes, **other.attributes},
            relationships={**self.relationships, **other.relationships},
        )


def make_draft(
    type: str, id: str | None, attributes: Mapping[str, object], relationships: Mapping[str, object]
) -> Draft:
    """Check a record, or changes of one.

    Raises:
        ValueError: a name or a value is not the schema's.
    """
    schema = resource_type(type)
    if id is not None and not (isinstance(cast("object", id), str) and id and "/" not in id):
        raise ValueError(f"{id!r} is not an id: it has to be a text, without '/'")
    return Draft(
        type,
        id,
        {name: _value(schema, name, value) for name, value in attributes.items()},
        {name: _targets(schema, name, value) for name, value in relationships.items()},
    )


def resource_type(type: str) -> ResourceType:
    """Find the type of which records may be added.

    Raises:
        ValueError: the sandbox has no records of *type*.
    """
    if type in ABSTRACT:
        raise ValueError(f"{type} is abstract: its records are of one of the types {', '.join(ABSTRACT[type])}")
    if type not in TYPES:
        raise ValueError(f"the sandbox has no records of the type {type!r}{_near(type, TYPES)}")
    return TYPES[type]


def read_drafts(source: object) -> list[Draft]:
    """Read JSON:API documents: one, a list of them, or the path of a file that has either, or one on each line.

    Records of `data` and `included` alike become drafts. What is there more than once becomes one.

    Raises:
        OSError: the file cannot be read.
        ValueError: it has no JSON:API documents, or records that are not the schema's.
    """
    drafts = dict[Identifier, Draft]()
    for document in _documents(source):
        for resource in _resources(document):
            draft = _draft_of(resource)
            identifier = draft.type, str(draft.id)
            drafts[identifier] = drafts[identifier].merged(draft) if identifier in drafts else draft
    return list(drafts.values())


def _documents(source: object) -> Iterator[Mapping[str, object]]:
    if isinstance(source, str | PathLike):
        documents = _parse(Path(cast("str | PathLike[str]", source)).read_text("utf-8"))
    else:
        documents = source
    for document in _one_or_several(documents) or [documents]:
        members = _members(document)
        if "data" not in members:
            raise ValueError("this is not a JSON:API document: it has no `data`")
        yield members


def _parse(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def _resources(document: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    for member in ("data", "included"):
        for resource in _one_or_several(document.get(member)):
            members = _members(resource)
            if not all(isinstance(members.get(name), str) for name in ("type", "id")):
                raise ValueError(f"`{member}` holds what is not a resource object: it has no `type` and `id`")
            yield members


def _draft_of(resource: Mapping[str, object]) -> Draft:
    relationships = {name: _members(one) for name, one in _members(resource.get("relationships")).items()}
    # Relationships whose linkage was not included have links alone, which say nothing of where they lead.
    linked = {name: one["data"] for name, one in relationships.items() if "data" in one}
    return make_draft(str(resource["type"]), str(resource["id"]), _members(resource.get("attributes")), linked)


def _members(value: object) -> Mapping[str, object]:
    """Give the members of an object; none of what is not one."""
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _one_or_several(value: object) -> Sequence[object]:
    """Give the entries of an array; of null, none; of anything else, the value itself."""
    if isinstance(value, list | tuple):
        return cast("Sequence[object]", value)
    return [] if value is None else [value]


def _value(schema: ResourceType, name: str, value: object) -> object:
    attribute = schema.attributes.get(name)
    if attribute is None:
        raise ValueError(f"{schema.name} has no attribute {name!r}{_near(name, schema.attributes)}")
    if value is None and not attribute.required:
        return None
    if attribute.kind is Kind.TIME:
        return _time(schema, attribute, value)
    plain = _plain(schema, name, value)
    if not _is_of(attribute.kind, plain):
        raise ValueError(f"{schema.name}.{name} holds {_described(attribute)}, not {_shown(value)}")
    return plain


def _is_of(kind: Kind, value: object) -> bool:
    # In Python, a boolean is a number too.
    return isinstance(value, _PYTHON_TYPES[kind]) and isinstance(value, bool) is (kind is Kind.BOOLEAN)


def _described(attribute: Attribute) -> str:
    kind = "an object or array" if attribute.kind is Kind.JSON else f"a {attribute.kind}"
    return kind if attribute.required else f"{kind} or null"


def _plain(schema: ResourceType, name: str, value: object) -> object:
    """Copy a value as JSON has it, so that the caller may go on changing theirs."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the value of {schema.name}.{name} is not JSON") from error


def _time(schema: ResourceType, attribute: Attribute, value: object) -> str:
    try:
        if isinstance(value, datetime):
            if value.utcoffset() is None:
                raise ValueError("it has no time zone")  # noqa: TRY301 - is told as all the others are
            text = value.astimezone(UTC).isoformat()
        else:
            text = str(value) if isinstance(value, str) else ""
        ms = int(milliseconds(text))
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{schema.name}.{attribute.name} holds {_described(attribute)}: an aware datetime or a text in ISO 8601,"
            f" not {_shown(value)}"
        ) from error
    return (iso_offset if schema.name == _EVENTS else iso)(ms)


def _shown(value: object) -> str:
    return "null" if value is None else f"a {type(value).__name__}"


def _targets(schema: ResourceType, name: str, value: object) -> Sequence[Identifier]:
    relationship = schema.relationships.get(name)
    if relationship is None:
        raise ValueError(f"{schema.name} has no relationship {name!r}{_near(name, schema.relationships)}")
    if relationship.cursors:
        raise ValueError(
            f"{schema.name}.{name} follows from the events: add {_EVENTS} with this resource_type and resource_id"
        )
    if relationship.many and not _is_pair(value):
        return [_identifier(schema, relationship, one) for one in _one_or_several(value)]
    return [] if value is None else [_identifier(schema, relationship, value)]


def _is_pair(value: object) -> bool:
    """Tell a (type, id) pair from a list of two ids."""
    match value:
        case (str() as type, str()):
            return isinstance(value, tuple) and type in TYPES
        case _:
            return False


def _identifier(schema: ResourceType, relationship: RelationshipSchema, value: object) -> Identifier:
    match value:
        case str() if len(relationship.targets) == 1:
            type, id = relationship.targets[0], value
        case (str() as type, str() as id) | {"type": str() as type, "id": str() as id}:
            pass
        case _:
            _refuse_identifier(schema, relationship)
    if type not in relationship.targets:
        _refuse_identifier(schema, relationship)
    if type not in TYPES:
        raise ValueError(f"{schema.name}.{relationship.name}: the sandbox has no records of the type {type}")
    return type, id


def _refuse_identifier(schema: ResourceType, relationship: RelationshipSchema) -> NoReturn:
    forms = "an id, " if len(relationship.targets) == 1 else ""
    raise ValueError(
        f"{schema.name}.{relationship.name} takes {forms}a (type, id) pair or a resource identifier object,"
        f" of the type {' or '.join(relationship.targets)}"
    )


def _near(name: object, names: Iterable[str]) -> str:
    close = get_close_matches(str(name), list(names), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
