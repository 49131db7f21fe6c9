"""The audit of a domain: who did what, was refused what, and why."""

import csv
import io

import msgspec

from tradehall.app.audit_export import EXPORT_LINES_MAX, ExportAsk, ExportTooLong
from tradehall.app.support.refusals import invalid
from tradehall.faces.kit import Problem, ProblemKind, Request, Response, decode_query, json_response
from tradehall.faces.kit.pages import page_of
from tradehall.faces.shown.asked import check_words, instant
from tradehall.faces.support import requests, schemas, translate
from tradehall.faces.support.auth import domain_of, require_role
from tradehall.faces.support.manners import ADMIN
from tradehall.faces.support.support import Support, user_of
from tradehall.ports.audit import AUDIT_PAGE_MAX, AuditEntry, AuditField, AuditQuery
from tradehall.ports.signing import SigningUnavailable

_OUTCOMES = ["ok", "noop", "refused"]
_ENTITIES = ["user", "strategy", "deployment", "trade", "scanner", "publication"]
CSV = b"text/csv; charset=utf-8"
NDJSON = b"application/x-ndjson"
ATTACHED = (b"content-disposition", b'attachment; filename="audit.ndjson"')


async def get_audit(support: Support, request: Request) -> Response:
    """A page of the audit, newest first; `Accept: text/csv` exports up to 10,000 entries, for admins."""
    query = decode_query(request, requests.AuditRequest)
    check_words("outcome", query.outcome, _OUTCOMES)
    check_words("entity_type", query.entity_type, _ENTITIES)
    is_export = "text/csv" in request.header(b"accept").lower()
    if is_export:
        require_role(request, ADMIN)
    wanted = AuditQuery(
        wanted=_wanted(support, request, query), since=instant("from", query.since, place="query"),
        until=instant("to", query.until, place="query"), limit=AUDIT_PAGE_MAX if is_export else query.size,
        offset=0 if is_export else query.offset,
    )  # fmt: skip
    found, total = await support.trail.page(wanted)
    if is_export:
        return Response(200, _as_csv(found), content_type=CSV)
    return json_response(page_of([translate.audit(each) for each in found], total, query))


async def get_export(support: Support, request: Request) -> Response:
    """Entries of the tenant, oldest first, under a signed statement that they are all: a file of JSON lines.

    `tradehall verify --audit FILE` checks it, without the server. At most 20,000 entries fit into one file; files that
    continue each other (`first`, `last`) are checked together.
    """
    require_role(request, ADMIN)
    query = decode_query(request, requests.ExportRequest)
    ask = ExportAsk(
        domain=domain_of(request), since=instant("from", query.since, place="query"),
        until=instant("to", query.until, place="query"), first=query.first, last=query.last, challenge=query.challenge,
    )  # fmt: skip
    try:
        file = await support.exports.export(ask)
    except ExportTooLong as refused:
        raise invalid("last", f"must leave at most {EXPORT_LINES_MAX} entries, found {refused}") from None
    except SigningUnavailable as unavailable:
        raise Problem(ProblemKind.UNAVAILABLE, str(unavailable)) from None
    return Response(200, file, content_type=NDJSON, headers=(ATTACHED,))


async def get_key(support: Support, request: Request) -> Response:
    """The public key of the house that checks exports; it does not change."""
    try:
        return json_response(schemas.AuditKeyShown("Ed25519", support.exports.public_key.hex()))
    except SigningUnavailable as unavailable:
        raise Problem(ProblemKind.UNAVAILABLE, str(unavailable)) from None


def _wanted(support: Support, request: Request, query: requests.AuditRequest) -> dict[AuditField, object]:
    """What entries must be, in their own words; of the caller's tenant, whatever else."""
    wanted: dict[AuditField, object] = {AuditField.DOMAIN: domain_of(request)}
    if query.user:
        wanted[AuditField.USER_ID] = user_of(support, request, query.user).user_id
    kinds = [translate.KIND_OF_ENTITY.get(each, each) for each in query.entity_type]
    said = {
        AuditField.KIND: kinds, AuditField.KEY: query.entity_id, AuditField.ACTOR: query.actor,
        AuditField.ACTION: query.action, AuditField.OUTCOME: query.outcome,
    }  # fmt: skip
    for field, values in said.items():
        if values:
            wanted[field] = values[0] if len(values) == 1 else tuple(dict.fromkeys(values))
    return wanted


def _as_csv(found: list[AuditEntry]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(schemas.AuditShown.__struct_fields__)
    for entry in found:
        values = msgspec.structs.astuple(translate.audit(entry))
        writer.writerow([_cell(value) for value in values])
    return text.getvalue().encode()


def _cell(value: object) -> str:
    """A value as a cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
