"""Every operation, asked once, by a person with values that nobody else has.

Tests that look at all operations send these; a new operation joins the list.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.contract.validated import document
from tests.house_room import COMMUNITY
from tests.standing_room import Standing

NAME, CONTACT, LOGIN, PASSWORD = "甘丽鸦", "13977310458", "gan-canary-310", "canary p4ss 鸦"
BORN, NOTE, DEVICE = "1967-03-29", "canary note 鸦", "canary cuff 鸦"
WEIGHT, PRESSURE, RATE = 83.4917, 173.625, 91.375
CANARIES = (NAME, CONTACT, LOGIN, PASSWORD, BORN, "canary", str(WEIGHT), str(PRESSURE), str(RATE))
SIGNED = ["body", "screening", "profile"]


class Ask(NamedTuple):
    """One request of one operation."""

    name: str
    audience: str | None
    method: str
    path: str
    options: Mapping[str, Any] = MappingProxyType({})


def record(**changes: Any) -> dict[str, Any]:
    found = {
        "kind": "observation",
        "start": "2026-11-19T08:00:00+08:00",
        "values": {"body_weight": WEIGHT, "systolic_bp": PRESSURE, "diastolic_bp": 101.5},
        "source": {"kind": "device", "name": DEVICE},
        "note": NOTE,
    }
    return found | changes


def grant(person: str = "statistics") -> dict[str, Any]:
    return {
        "grantee": {"kind": "service", "id": person},
        "purposes": ["statistics"],
        "data_classes": SIGNED,
        "separate_consent": SIGNED,
    }


NOBODYS = "6f0f2f9e-3a51-4c8e-9d57-0a2b7c1d4e5f"
"""An id of a thing that nobody has."""


def asks(here: Standing, token: str) -> list[Ask]:
    """Every operation of openapi.yaml, those on a child of the resident's included."""
    mine = asks_of_adults(here, token)
    return mine + asks_of_child(here, mine)


def asks_of_child(here: Standing, mine: list[Ask]) -> list[Ask]:
    """What is asked of the resident's own record, asked of their child's where it can be."""
    child = here.child
    if child is None:
        return []
    there = f"/v1/me/children/{child.id}"
    found = [
        Ask("invite_guardian", "resident", "POST", f"{there}/guardians"),
        Ask("hand_over_child", "resident", "POST", f"{there}/handover"),
    ]
    for ask in mine:
        if f"{ask.name}{SUFFIX}" in DECLARED:
            path = ask.path.replace("/v1/me", there, 1)
            path = path.replace(here.record, child.record).replace(here.grant, child.grant)
            found.append(ask._replace(name=f"{ask.name}{SUFFIX}", path=path))
    return found


def asks_of_adults(here: Standing, token: str) -> list[Ask]:
    """Every operation of openapi.yaml with a request that it understands, erasure left out."""
    patient = f"/v1/doctor/patients/{here.resident.id}"
    release = f"/v1/city/releases/{here.release}"
    beside = f"/v1/city/nodes/own/releases/{here.release}"
    wish = {"login": "gan-canary-311", "password": PASSWORD, "name": NAME, "birth_date": BORN}
    form = {"grant_type": "password", "username": LOGIN, "password": PASSWORD}
    samples = {"measure": "heart_rate", "day": "2026-11-19", "t": [60], "v": [RATE]}
    contract = {"doctor_id": here.doctor.id, "package": "basic", "data_classes": SIGNED}
    mine = f"/v1/me/records/{here.record}"
    current = {"if-match": '"1"'}
    return [
        Ask("get_jwks", None, "GET", "/.well-known/jwks.json"),
        Ask("get_authorization_server", None, "GET", "/.well-known/oauth-authorization-server"),
        Ask("get_health", None, "GET", "/healthz"),
        Ask("get_readiness", None, "GET", "/readyz"),
        Ask("get_version", None, "GET", "/version"),
        Ask("get_checkpoint", None, "GET", "/v1/audit/checkpoint?since=1"),
        Ask("list_measures", None, "GET", "/v1/measures?limit=3"),
        Ask("get_measure", None, "GET", "/v1/measures/body_weight"),
        Ask("list_data_classes", None, "GET", "/v1/data-classes"),
        Ask("list_purposes", None, "GET", "/v1/purposes"),
        Ask("list_notices", None, "GET", "/v1/notices"),
        Ask("list_regions", None, "GET", "/v1/regions"),
        Ask("list_questionnaires", None, "GET", "/v1/questionnaires"),
        Ask("get_questionnaire", None, "GET", "/v1/questionnaires/phq9"),
        Ask("score_questionnaire", None, "POST", "/v1/questionnaires/phq9/score",
            {"json": {"answers": {"phq9_9": 3}}}),
        Ask("score_questionnaire", None, "POST", "/v1/questionnaires/phq9/score",
            {"json": {"answers": {NOTE: 3}, "sex": NOTE, "total": RATE}}),
        Ask("list_standards", None, "GET", "/v1/standards"),
        Ask("get_standard", None, "GET", "/v1/standards/cn-npfs-2023"),
        Ask("score_standard", None, "POST", "/v1/standards/cn-npfs-2023/score",
            {"json": {"sex": "female", "age": 30, "results": {"height": 160, "weight": WEIGHT}}}),
        Ask("score_standard", None, "POST", "/v1/standards/cn-npfs-2023/score",
            {"json": {"sex": NOTE, "age": 30, "results": {NOTE: WEIGHT}}}),
        Ask("assess_growth", None, "POST", "/v1/growth",
            {"json": {"sex": "female", "age_months": 100.5, "height": 130, "weight": WEIGHT}}),
        Ask("assess_growth", None, "POST", "/v1/growth",
            {"json": {"sex": NOTE, "age_days": 3, "weight": NOTE, NOTE: WEIGHT}}),
        Ask("list_models", None, "GET", "/v1/models"),
        Ask("get_model", None, "GET", "/v1/models/cn_body_size"),
        Ask("evaluate_model", None, "POST", "/v1/models/cn_body_size/evaluate",
            {"json": {"inputs": {"bmi": WEIGHT, "sex": "female"}}}),
        Ask("evaluate_model", None, "POST", "/v1/models/cn_body_size/evaluate",
            {"json": {"inputs": {"bmi": NOTE, NOTE: WEIGHT}}}),
        Ask("register", None, "POST", "/v1/auth/register",
            {"json": {**wish, "sex": "female", "region": COMMUNITY}}),
        Ask("register", None, "POST", "/v1/auth/register",
            {"json": {**wish, "sex": NOTE, "region": NAME, "more": CONTACT}}),
        Ask("issue_token", None, "POST", "/v1/auth/token", {"data": form}),
        Ask("issue_token", None, "POST", "/v1/auth/token",
            {"data": {**form, "password": "canary wrong"}}),
        Ask("step_up", "resident", "POST", "/v1/auth/step-up", {"json": {"password": PASSWORD}}),
        Ask("step_up", "resident", "POST", "/v1/auth/step-up", {"json": {"password": NOTE}}),
        Ask("change_password", "resident", "POST", "/v1/auth/password",
            {"json": {"password": NOTE, "new_password": PASSWORD}}),
        Ask("change_password", "resident", "POST", "/v1/auth/password",
            {"json": {"password": PASSWORD, "new_password": "canary"}}),
        Ask("recover_password", None, "POST", "/v1/auth/recover",
            {"json": {"login": CONTACT, "code": NOTE, "new_password": PASSWORD}}),
        Ask("recover_password", None, "POST", "/v1/auth/recover",
            {"json": {"login": CONTACT, "code": NOTE, "new_password": "canary"}}),
        Ask("get_recovery_codes", "resident", "GET", "/v1/me/recovery-codes"),
        Ask("make_recovery_codes", "resident", "POST", "/v1/me/recovery-codes"),
        Ask("list_passkeys", "resident", "GET", "/v1/auth/passkeys"),
        Ask("begin_passkey", "resident", "POST", "/v1/auth/passkeys/registration"),
        Ask("add_passkey", "resident", "POST", "/v1/auth/passkeys", {"json": {"passkey": NOTE}}),
        Ask("remove_passkey", "resident", "DELETE", f"/v1/auth/passkeys/{NOBODYS}"),
        Ask("challenge_passkey", None, "POST", "/v1/auth/passkeys/challenge"),
        Ask("sign_in_by_passkey", None, "POST", "/v1/auth/passkeys/token",
            {"json": {"passkey": {"id": NOTE}}}),
        Ask("begin_federated_sign_in", None, "POST", "/v1/auth/oidc/departure"),
        Ask("end_federated_sign_in", None, "POST", "/v1/auth/oidc/token",
            {"json": {"code": NOTE, "state": CONTACT, "iss": NAME}}),
        Ask("verify_code", None, "POST", "/v1/verify", {"json": {"token": token}}),
        Ask("get_me", "resident", "GET", "/v1/me"),
        Ask("amend_me", "resident", "PATCH", "/v1/me", {"json": {"contact": CONTACT}}),
        Ask("amend_me", "resident", "PATCH", "/v1/me", {"json": {"birth_date": NOTE}}),
        Ask("log_records", "resident", "POST", "/v1/me/records",
            {"json": {"records": [record(), record(kind=NOTE), record(units={"body_weight": NOTE}),
                                  record(values={"systolic_bp": PRESSURE, "diastolic_bp": 200})]}}),
        Ask("list_records", "resident", "GET", "/v1/me/records?measure=body_weight"),
        Ask("get_record", "resident", "GET", mine),
        Ask("replace_record", "resident", "PUT", mine, {"json": record(), "headers": current}),
        Ask("replace_record", "resident", "PUT", mine,
            {"json": record(start=NOTE), "headers": current}),
        Ask("delete_record", "resident", "DELETE", mine, {"headers": {"if-match": '"0"'}}),
        Ask("append_series", "resident", "POST", "/v1/me/series",
            {"json": {"series": [samples, {**samples, "v": [NOTE]}]}}),
        Ask("read_series", "resident", "GET", "/v1/me/series/heart_rate?resolution=day"),
        Ask("get_prompt", "resident", "GET", "/v1/me/prompt"),
        Ask("list_prompts", "resident", "GET", "/v1/me/prompts"),
        Ask("what_if", "resident", "POST", "/v1/me/prompt/what-if",
            {"json": {"values": {"body_weight": WEIGHT}}}),
        Ask("what_if", "resident", "POST", "/v1/me/prompt/what-if",
            {"json": {"values": {"body_weight": NOTE}}}),
        Ask("get_plan", "resident", "GET", "/v1/me/plan"),
        Ask("get_code", "resident", "GET", "/v1/me/code"),
        Ask("get_contributions", "resident", "GET", "/v1/me/contributions"),
        Ask("list_doctors", "resident", "GET", "/v1/me/doctors"),
        Ask("list_guardians", "resident", "GET", "/v1/me/guardians"),
        Ask("list_children", "resident", "GET", "/v1/me/children"),
        Ask("begin_child", "resident", "POST", "/v1/me/children",
            {"json": {"name": NAME, "birth_date": BORN, "sex": "female", "region": COMMUNITY}}),
        Ask("join_child", "resident", "POST", "/v1/me/children/join", {"json": {"code": NOTE}}),
        Ask("claim", None, "POST", "/v1/auth/claim",
            {"json": {"code": NOTE, "login": LOGIN, "password": PASSWORD}}),
        Ask("sign_contract", "resident", "POST", "/v1/me/contract", {"json": contract}),
        Ask("get_contract", "resident", "GET", "/v1/me/contract"),
        Ask("list_grants", "resident", "GET", "/v1/me/grants"),
        Ask("give_grant", "resident", "POST", "/v1/me/grants", {"json": grant()}),
        Ask("give_grant", "resident", "POST", "/v1/me/grants", {"json": grant(NOTE)}),
        Ask("get_grant", "resident", "GET", f"/v1/me/grants/{here.grant}"),
        Ask("change_grant", "resident", "PUT", f"/v1/me/grants/{here.grant}", {"json": grant()}),
        Ask("renew_grant", "resident", "POST", f"/v1/me/grants/{here.grant}/renew"),
        Ask("get_grant_receipt", "resident", "GET", f"/v1/me/grants/{here.grant}/receipt"),
        Ask("simulate_grants", "resident", "POST", "/v1/me/grants/simulate", {"json": {}}),
        Ask("replay_grants", "resident", "GET", "/v1/me/grants/replay?at=2026-11-20T00:30:00Z"),
        Ask("get_deny_all", "resident", "GET", "/v1/me/deny-all"),
        Ask("set_deny_all", "resident", "PUT", "/v1/me/deny-all", {"json": {"on": False}}),
        Ask("list_access_log", "resident", "GET", "/v1/me/access-log"),
        Ask("export_access_log", "resident", "GET", "/v1/me/access-log/export"),
        Ask("export_me", "resident", "GET", "/v1/me/export"),
        Ask("get_emergency", "resident", "GET", "/v1/me/emergency"),
        Ask("set_emergency", "resident", "PUT", "/v1/me/emergency", {"json": {"allowed": True}}),
        Ask("stop_emergency", "resident", "DELETE", f"/v1/me/emergency/{NOBODYS}"),
        Ask("list_my_notices", "resident", "GET", "/v1/me/notices"),
        Ask("mark_notice_read", "resident", "POST", f"/v1/me/notices/{NOBODYS}/read"),
        Ask("list_requests", "resident", "GET", "/v1/me/requests"),
        Ask("accept_request", "resident", "POST", f"/v1/me/requests/{NOBODYS}/accept",
            {"json": {"separate_consent": [NOTE]}}),
        Ask("refuse_request", "resident", "POST", f"/v1/me/requests/{NOBODYS}/refuse"),
        Ask("ask_patient", "doctor", "POST", f"{patient}/requests",
            {"json": {"data_classes": ["lifestyle"]}}),
        Ask("get_explanation", "resident", "GET", f"/v1/me/explanations/{NOBODYS}"),
        Ask("get_automation", "resident", "GET", "/v1/me/prompt/automation"),
        Ask("set_automation", "resident", "PUT", "/v1/me/prompt/automation",
            {"json": {"on": True}}),
        Ask("file_appeal", "resident", "POST", "/v1/me/appeals",
            {"json": {"about": {"record": here.record}, "reason": NOTE, "for_doctor": True}}),
        Ask("list_appeals", "resident", "GET", "/v1/me/appeals"),
        Ask("get_appeal", "resident", "GET", f"/v1/me/appeals/{NOBODYS}"),
        Ask("withdraw_appeal", "resident", "DELETE", f"/v1/me/appeals/{NOBODYS}"),
        Ask("list_patient_appeals", "doctor", "GET", "/v1/doctor/appeals"),
        Ask("answer_appeal", "doctor", "POST", f"{patient}/appeals/{NOBODYS}/answer",
            {"json": {"outcome": "upheld", "reason": NOTE}}),
        Ask("open_emergency", "doctor", "POST", f"{patient}/emergency", {"json": {"reason": NOTE}}),
        Ask("close_emergency", "doctor", "DELETE", f"{patient}/emergency"),
        Ask("list_panel", "doctor", "GET", "/v1/doctor/panel"),
        Ask("list_panel_indicators", "doctor", "GET", "/v1/doctor/indicators"),
        Ask("get_patient", "doctor", "GET", patient),
        Ask("list_patient_records", "doctor", "GET", f"{patient}/records"),
        Ask("log_patient_records", "doctor", "POST", f"{patient}/records",
            {"json": {"records": [record(), record(note=7)]}}),
        Ask("read_patient_series", "doctor", "GET", f"{patient}/series/heart_rate"),
        Ask("resolve_code", "doctor", "POST", "/v1/doctor/codes/resolve",
            {"json": {"token": NOTE}}),
        Ask("list_releases", "city", "GET", "/v1/city/releases"),
        Ask("get_release", "city", "GET", release),
        Ask("get_release_signature", "city", "GET", f"{release}/signature"),
        Ask("get_release_table", "city", "GET", f"{release}/table"),
        Ask("list_release_cells", "city", "GET", f"{release}/cells?metric=bmi&sex=all&age=all"),
        Ask("get_release_map", "city", "GET", f"{release}/map?metric=bmi"),
        Ask("list_indicators", "city", "GET", "/v1/city/indicators"),
        Ask("get_specification", "city", "GET", "/v1/city/specification"),
        Ask("get_budget", "city", "GET", "/v1/city/budget"),
        Ask("list_imported_series", "city", "GET", "/v1/city/imported-series"),
        Ask("list_nodes", "city", "GET", "/v1/city/nodes"),
        Ask("get_node_release", "city", "GET", beside),
        Ask("get_node_release_signature", "city", "GET", f"{beside}/signature"),
        Ask("get_node_release_table", "city", "GET", f"{beside}/table"),
        Ask("list_node_release_cells", "city", "GET", f"{beside}/cells?metric=bmi&level=city"),
        Ask("get_merged_release", "city", "GET", f"/v1/city/merged/{here.release}"),
        Ask("revoke_token", None, "POST", "/v1/auth/revoke", {"data": {"token": NOTE}}),
    ]  # fmt: skip


SUFFIX = "_of_child"
DECLARED = {
    operation["operationId"]
    for methods in document()["paths"].values()
    for operation in methods.values()
}
ENDING_SELF = {"erase_me", "erase_class", "end_contract", "withdraw_grant"}
ENDING = {*ENDING_SELF, *(f"{name}{SUFFIX}" for name in ENDING_SELF), "leave_child"}
"""Operations that end what the others need; the last test sends them."""
