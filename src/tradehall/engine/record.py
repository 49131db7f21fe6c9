"""Record: one decision as the journal keeps it."""

from typing import Final

import msgspec
from msgspec import Struct

from tradehall.domain.market import Quote
from tradehall.engine.commands import AnyCommand
from tradehall.engine.events import AnyEvent

SCHEMA_VERSION: Final = 1


class Record(Struct, frozen=True, gc=False, omit_defaults=True):
    """Decision number `seq` of a shard, made at `now` [ns UTC]: the wish, what it read, what came of it."""

    seq: int
    now: int
    command: AnyCommand
    events: tuple[AnyEvent, ...]
    quotes: tuple[Quote, ...] = ()


class RecordFacts(Struct, frozen=True, gc=False):
    """A record without its command and quotes: enough to fold, and twice as fast to decode."""

    seq: int
    now: int
    events: tuple[AnyEvent, ...]


_encoder: Final = msgspec.json.Encoder()
_record_decoder: Final = msgspec.json.Decoder(Record)
_facts_decoder: Final = msgspec.json.Decoder(RecordFacts)

encode_record = _encoder.encode
decode_record = _record_decoder.decode
decode_facts = _facts_decoder.decode
