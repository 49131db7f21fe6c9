"""The report as JSON: the fields of BacktestReport, money and prices as text, instants in ns UTC."""

from typing import Final

import msgspec

from tradehall.analytics.report import BacktestReport

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(BacktestReport)


def report_json(report: BacktestReport) -> bytes:
    """Everything that is known of a run, exact and complete: all its round trips."""
    return _encoder.encode(report)


def read_report(encoded: bytes) -> BacktestReport:
    """A report that was kept; msgspec.DecodeError or ValidationError where it is none."""
    return _decoder.decode(encoded)
