"""The shape of everything that is kept of a resident, made of the shapes of `/v1/me`."""

from typing import Literal, get_args
from uuid import UUID

from pydantic import BaseModel, Field

from service.api.me.access_log import EntryOut
from service.api.me.appeals import AppealOut
from service.api.me.children import ChildOut, GuardianOut
from service.api.me.contract import ContractOut
from service.api.me.contributions import ContributionsOut
from service.api.me.emergency import EmergencyMode
from service.api.me.explanations import AutomationOut, ExplanationOut
from service.api.me.grants import DenyAll, GrantOut, ReceiptOut
from service.api.me.notices import MyNoticeOut
from service.api.me.profile import ProfileAnswer
from service.api.me.prompts import MomentOut, PromptOut
from service.api.me.requests import RequestOut
from service.api.me.series import ColumnsOut
from service.api.records import RecordOut
from service.api.schema import Moment

HEAD = ("format", "made_at", "resident_id")


class PersonalExport(BaseModel):
    """Everything that is kept of me; each member is what its own operation answers.

    Records and series follow no order of time. The file is whole when it ends with its last brace.
    The access log is here in plain words; /v1/me/access-log/export has it signed. What is kept
    nowhere is not here: /v1/me/plan is made of the records whenever it is read.
    """

    format: Literal["kangma-export/1"] = Field(description="Names this shape.")
    made_at: Moment
    resident_id: UUID
    profile: ProfileAnswer
    prompt: PromptOut
    automation: AutomationOut
    deny_all: DenyAll
    emergency: EmergencyMode
    contributions: ContributionsOut
    prompts: list[MomentOut]
    explanations: list[ExplanationOut]
    contracts: list[ContractOut] = Field(description="Ended ones too.")
    grants: list[GrantOut]
    receipts: list[ReceiptOut] = Field(description="Of every grant but refusals.")
    requests: list[RequestOut]
    appeals: list[AppealOut]
    notices: list[MyNoticeOut]
    guardians: list[GuardianOut]
    children: list[ChildOut]
    records: list[RecordOut]
    series: list[ColumnsOut] = Field(description="One item a measure and day.")
    access_log: list[EntryOut]


def columns() -> dict[str, list[str]]:
    """The members of each kind's shape."""
    found = {}
    for kind, field in PersonalExport.model_fields.items():
        if kind not in HEAD:
            shape = next(iter(get_args(field.annotation)), field.annotation)
            assert isinstance(shape, type)
            assert issubclass(shape, BaseModel)
            found[kind] = [one.alias or name for name, one in shape.model_fields.items()]
    return found
