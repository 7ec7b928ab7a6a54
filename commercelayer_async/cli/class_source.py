"""The module that holds a class for a sample, as text: formatted as `ruff format` does, whatever the names are.

It has names of members and types, and numbers of records. Values of records are not in the sample to begin with.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from unicodedata import category, east_asian_width

import attrs

from ..resources import RESOURCES
from .inference import ANYTHING, InferredAttribute, InferredRelationship, Sample
from .naming import python_names

_WIDTH: Final = 88
"""The width of lines, ruff's own. What does not fit ends in a comma, so that it stays as it is at another width."""
_MOST_TYPES: Final = 5
"""The most types that a comment names."""

_GUESSED: Final = "    # No record shows whether these lead to one or to many: it is a guess by the name."

_CLASSES: Final = {cls.type: cls.__name__ for cls in RESOURCES}
_RESOURCES: Final = "commercelayer_async.resources"
_HOMES: Final[Mapping[str, str]] = {
    "date": "datetime",
    "datetime": "datetime",
    "Any": "typing",
    "ClassVar": "typing",
    "Resource": "commercelayer_async",
    "ToMany": "commercelayer_async",
    "ToOne": "commercelayer_async",
    "member": "commercelayer_async.jsonapi",
    **dict.fromkeys(sorted(_CLASSES.values()), _RESOURCES),
}
"""Where a name is imported from; in the order of the imports."""

_WORD: Final = re.compile(r"\w+")
_UNFIT_FOR_COMMENTS: Final = re.compile(r"[^\w.+/-]")


@attrs.frozen
class _Part:
    """A part of the class."""

    lines: tuple[str, ...]
    uses: frozenset[str] = frozenset()
    """The names in it that are not the language's own."""


def class_source(sample: Sample, cls: str) -> str:
    """Return a module with the resource class `cls` for a sample.

    Raises:
        ConfigurationError: a member name cannot be declared.
    """
    names = python_names([one.member for one in sample.attributes] + [one.member for one in sample.relationships])
    attributes = [_attribute(one, names[one.member], sample.records) for one in sample.attributes]
    shown, guessed = _relationships(sample, cls, names)
    uses = frozenset({"ClassVar", "Resource"}).union(*(part.uses for part in (*attributes, *shown, *guessed)))
    blocks = (_lines(attributes), _lines(shown), [_GUESSED, *_lines(guessed)] if guessed else [])
    body = [line for block in blocks if block for line in ("", *block)]
    return "\n".join((*_docstring(sample, cls), *_imports(uses), *_declaration(sample, cls), *body, ""))


def _relationships(sample: Sample, cls: str, names: Mapping[str, str]) -> tuple[list[_Part], list[_Part]]:
    """Return the relationships of which records show whether they lead to many, and those of which none does."""
    attributes = {attribute.member for attribute in sample.attributes}
    shown: list[_Part] = []
    guessed: list[_Part] = []
    for one in sample.relationships:
        if one.member in attributes:
            shown.append(_undeclared(one, "there is an attribute of that name"))
        elif one.to_many is None:
            shown.append(_undeclared(one, "to one in some records, to many in others"))
        else:
            part = _relationship(one, names[one.member], _target(one, sample.type, cls))
            (guessed if one.guessed else shown).append(part)
    return shown, guessed


def _lines(parts: Sequence[_Part]) -> list[str]:
    return [line for part in parts for line in part.lines]


def _docstring(sample: Sample, cls: str) -> Iterator[str]:
    records = "1 record" if sample.records == 1 else f"{sample.records} records"
    yield f'"""The class `{cls}`: resources of the type {_comment(sample.type)}, as {records} showed them.'
    yield ""
    yield "Written by `commercelayer-async model`. What these records did not show is not in it: read it"
    yield "through, and then keep it as code of your own."
    yield '"""'
    yield ""


def _imports(uses: frozenset[str]) -> Iterator[str]:
    by_module: dict[str, list[str]] = {}
    for name, module in _HOMES.items():
        if name in uses:
            by_module.setdefault(module, []).append(name)
    for module, names in by_module.items():
        if module == "commercelayer_async":
            yield from ("", "import attrs")
        # Linters do not look into the quotes of ToOne["…"].
        reason = "  # noqa: F401 - named in quotes" if module == _RESOURCES else ""
        line = f"from {module} import {', '.join(names)}"
        if _fits(line):
            yield f"{line}{reason}"
        else:
            yield from (f"from {module} import ({reason}", *(f"    {name}," for name in names), ")")
    yield from ("", "")


def _declaration(sample: Sample, cls: str) -> Iterator[str]:
    yield "@attrs.frozen(kw_only=True)"
    yield f"class {cls}(Resource):"
    yield f'    """A resource of the type {_comment(sample.type)}."""'
    yield ""
    literal = _literal(sample.type)
    line = f"    type: ClassVar[str] = {literal}"
    yield from (line,) if _fits(line) else ("    type: ClassVar[str] = (", f"        {literal}", "    )")


def _attribute(attribute: InferredAttribute, name: str, records: int) -> _Part:
    optional = attribute.nullable or attribute.absent > 0 or attribute.secret
    annotation, notes = attribute.annotation, [attribute.note] if attribute.note else []
    if optional and annotation != ANYTHING:
        annotation = f"{annotation} | None"
    options = ["default=None"] if optional else []
    options += ["repr=False"] if attribute.secret else []
    options += [_metadata(attribute.member)] if name != attribute.member else []
    if not _fits(_header(name, annotation, options)):
        notes.append(annotation)
        annotation = ANYTHING
    if attribute.absent:
        notes.append(f"absent from {attribute.absent} of {records} records")
    uses = {*_WORD.findall(annotation), *(["member"] if name != attribute.member else [])}
    return _Part(_noted(_field(name, annotation, options), notes), frozenset(uses))


def _header(name: str, annotation: str, options: Sequence[str]) -> str:
    """Return the line of a field that cannot be broken."""
    value = "" if not options else " = None" if list(options) == ["default=None"] else " = attrs.field("
    return f"    {name}: {annotation}{value}"


def _field(name: str, annotation: str, options: Sequence[str]) -> Sequence[str]:
    header = _header(name, annotation, options)
    return _call(header[:-1], options) if header.endswith("(") else (header,)


def _relationship(relationship: InferredRelationship, name: str, target: tuple[str, ...]) -> _Part:
    kind = "ToMany" if relationship.to_many else "ToOne"
    declared = " | ".join((*target, "None") if relationship.nullable and not relationship.to_many else target)
    arguments = [_literal(relationship.member)] if name != relationship.member else []
    head = f'    {name} = {kind}["{declared}"]'
    if _fits(f"{head}(" if arguments else f"{head}()"):
        lines = _call(head, arguments)
    else:
        lines = (f"    {name} = {kind}[", f'        "{declared}"', *_call("    ]", arguments))
    notes = [_leads_to(relationship)] if target == ("Resource",) and not relationship.guessed else []
    return _Part(_noted(lines, notes), frozenset({kind, *target}))


def _leads_to(relationship: InferredRelationship) -> str:
    if not relationship.types:
        return "no record names a target"
    more = len(relationship.types) - _MOST_TYPES
    shown = ", ".join(map(_comment, relationship.types[:_MOST_TYPES]))
    return f"leads to {shown}" + (f" and {more} more" if more > 0 else "")


def _target(relationship: InferredRelationship, own_type: str, cls: str) -> tuple[str, ...]:
    """Return the classes that a relationship leads to: `Resource` unless each is this one, or one of this package."""
    classes = {**{type: name for type, name in _CLASSES.items() if name != cls}, own_type: cls}
    found = tuple(classes.get(type, "") for type in relationship.types)
    return found if found and all(found) else ("Resource",)


def _undeclared(relationship: InferredRelationship, reason: str) -> _Part:
    return _Part((f"    # not declared: {_comment(relationship.member)}, {reason}; it is in `relationships`",))


def _noted(lines: Sequence[str], notes: Sequence[str]) -> tuple[str, ...]:
    """Return lines with a comment: at the end of a single one, if there is room, else above."""
    comment = f"# {'; '.join(notes)}"
    if not notes:
        return tuple(lines)
    if len(lines) == 1 and _fits(f"{lines[0]}  {comment}"):
        return (f"{lines[0]}  {comment}",)
    return (f"    {comment}", *lines)


def _metadata(member: str) -> str:
    literal = _literal(member)
    option = f"metadata=member({literal})"
    return option if _fits(f"        {option},") else f"metadata=member(\n            {literal},\n        )"


def _call(head: str, arguments: Sequence[str]) -> Sequence[str]:
    """Return a call on one line, or else on a line for each argument."""
    line = f"{head}({', '.join(arguments)})"
    if not arguments or ("\n" not in line and _fits(line)):
        return (line,)
    return (f"{head}(", *(f"        {argument}," for argument in arguments), "    )")


def _fits(line: str) -> bool:
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in line) <= _WIDTH


def _literal(text: str) -> str:
    """Return a text as a string of Python, in which nothing but letters and the like stands for itself."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if char == "\\":
        return "\\\\"
    # A quote too, so that there is one way to write it; and marks, which stand above or below other characters.
    if char.isprintable() and char != '"' and category(char)[0] != "M":
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - what each form has room for


def _comment(text: str) -> str:
    """Return a text as comments and docstrings show it."""
    return _UNFIT_FOR_COMMENTS.sub("?", text)
