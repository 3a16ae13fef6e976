"""Every operation, by audience. One list, so that what the service can do is read in one place.

Routes are joined flat: each router names its full paths and its own doors, and matching stays one
loop. The busiest doors come first.
"""

from fastapi import APIRouter, FastAPI

from service.api import (
    audit,
    catalogue,
    growth,
    models,
    notices,
    questionnaires,
    standards,
    status,
    verify,
)
from service.api.auth import (
    claim,
    federation,
    passkeys,
    password,
    published,
    recover,
    register,
    step_up,
    token,
)
from service.api.city import nodes, releases
from service.api.doctor import appeals as patient_appeals
from service.api.doctor import codes, emergency, indicators, panel, patients
from service.api.doctor import records as patient_records
from service.api.doctor import requests as patient_requests
from service.api.doctor import series as patient_series
from service.api.me import (
    access_export,
    access_log,
    appeals,
    children,
    code,
    contract,
    contributions,
    erasure,
    explanations,
    export,
    grants,
    mirror,
    plan,
    profile,
    prompts,
    records,
    recovery_codes,
    requests,
    series,
)
from service.api.me import emergency as my_emergency
from service.api.me import notices as my_notices

RESIDENT = (
    records.router,
    series.router,
    prompts.router,
    plan.router,
    profile.router,
    erasure.router,
    code.router,
    grants.router,
    contributions.router,
    contract.router,
    access_log.router,
    my_emergency.router,
    my_notices.router,
    requests.router,
    explanations.router,
    appeals.router,
    access_export.router,
    export.router,
    recovery_codes.router,
    children.router,
)
DOCTOR = (
    panel.router,
    indicators.router,
    patients.router,
    patient_records.router,
    patient_series.router,
    codes.router,
    emergency.router,
    patient_requests.router,
    patient_appeals.router,
)
CITY = (releases.router, nodes.router)
ANYONE = (
    token.router,
    register.router,
    claim.router,
    passkeys.router,
    step_up.router,
    password.router,
    recover.router,
    federation.router,
    published.router,
    verify.router,
    audit.router,
    catalogue.router,
    notices.router,
    models.router,
    standards.router,
    growth.router,
    questionnaires.router,
    status.router,
)
ROUTERS: tuple[APIRouter, ...] = (*RESIDENT, *DOCTOR, *ANYONE, *CITY)
OF_CHILDREN = tuple(mirror.doubles(RESIDENT))


def join(app: FastAPI) -> None:
    """Put every route of every audience into `app`."""
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    app.router.routes.extend(OF_CHILDREN)
