"""Messages as plain values: a class of this package has the fields of its message that it wants, by their names (with
a `_` behind where Python has that word for itself: `from_`).

Times become datetimes in UTC, enumerations their word in small letters (`JOB_STATE_RUNNING`: running, unspecified: ""),
structs plain dictionaries. What a message does not have is None where the field may be that.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from datetime import datetime, timezone
from typing import (
    Any,
    Callable,
    Dict,
    List,
    Optional,
    Tuple,
    Type,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from rainbow_queue.errors import InternalError, InvalidInputError

T = TypeVar("T")
_Read = Callable[[Any], Any]


def value_of(kind: Type[T], message: Any) -> T:
    """`kind` is one of the dataclasses beside this module, `message` the message that it stands for."""
    readers = _readers(kind)  # type: ignore[arg-type]
    return kind(**{name: read(message) for name, read in readers})


@functools.lru_cache(maxsize=None)
def _readers(kind: Any) -> List[Tuple[str, _Read]]:
    hints = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    return [(name, _reader(name.rstrip("_"), hints[name])) for name in names]


def _reader(name: str, hint: Any) -> _Read:
    if get_origin(hint) is Union:
        (inner,) = [each for each in get_args(hint) if each is not type(None)]
        read = _reader(name, inner)
        return lambda message: read(message) if message.HasField(name) else None
    if get_origin(hint) is list:
        (of,) = get_args(hint)
        return lambda message: [_one(message, name, of, each) for each in getattr(message, name)]
    if get_origin(hint) is dict:
        return lambda message: _mapping(getattr(message, name))
    return lambda message: _one(message, name, hint, getattr(message, name))


def _one(message: Any, name: str, hint: Any, value: Any) -> Any:
    if hint is datetime:
        return datetime_of(value)
    if dataclasses.is_dataclass(hint):
        return value_of(hint, value)  # type: ignore[arg-type]
    enum = message.DESCRIPTOR.fields_by_name[name].enum_type
    return value if enum is None else word_of(enum, value)


def datetime_of(value: Any) -> datetime:
    """Raises InternalError where it is none that Python knows."""
    try:
        return cast(datetime, value.ToDatetime(timezone.utc))
    except (ValueError, OverflowError) as error:
        raise InternalError(f"the server answered with a time that is none ({value.seconds} s)") from error


def _mapping(value: Any) -> Dict[str, Any]:
    if not isinstance(value, Struct):
        return dict(value)
    try:
        return json_format.MessageToDict(value)
    except (json_format.Error, ValueError) as error:
        raise InternalError(f"the server answered with values that are none: {error}") from error


def word_of(enum: Any, value: int) -> str:
    """One that this version does not know is its number."""
    known = enum.values_by_number.get(value)
    if known is None:
        return str(value)
    return "" if value == 0 else str(known.name[len(_prefix(enum)) :].lower())


def number_of(enum: Any, word: Optional[str], what: str) -> Any:
    """Its number; unspecified without a word. Raises InvalidInputError with the words that there are."""
    if word is None:
        return 0
    known = enum.values_by_name.get(_prefix(enum) + str(word).upper())
    if known is None or known.number == 0:
        words = [word_of(enum, each.number) for each in enum.values if each.number != 0]
        raise InvalidInputError(f"no {what} {word!r}: there are {', '.join(words)}")
    return known.number


def _prefix(enum: Any) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", enum.name).upper() + "_"
