"""What somebody can do about each answer, in words for residents and for those they let in.

One line for each rule of `consent.rules`; a test keeps both lists the same and the words plain.
"""

from collections.abc import Mapping

from consent.vocabulary import Text

_NOTHING_TO_DO = Text("无需操作。", "There is nothing to do.")
_SEE_LOG = Text(
    "居民可以在访问记录中看到每一次查看，并可随时撤回授权。",
    "The resident sees every look in the access log and can withdraw at any time.",
)
_ASK_RESIDENT = Text(
    "如有需要，请当面请居民在“授权”页面同意。",
    "If it is needed, ask the resident to agree under Grants.",
)
_GIVE_AGAIN = Text(
    "居民如仍愿意，可以在“授权”页面重新授权。",
    "A resident who still agrees can give a grant again under Grants.",
)

ADVICE: Mapping[str, Text] = {
    "city-no-person": Text("城市只使用已发布的匿名统计表。", "Use the published anonymous tables."),
    "operator-no-health": Text(
        "请让居民本人在应用中查看。", "Ask the resident to look in their own app."
    ),
    "erased": Text(
        "删除后无法恢复，居民可以重新注册并开始新的档案。",
        "It cannot be brought back. The resident can sign up and begin a new record.",
    ),
    "unknown-subject": Text("请核对是否选对了人。", "Check that this is the right person."),
    "unknown-word": Text("请更新应用后再试。", "Update the app and try again."),
    "nothing-asked": Text("请选择至少一类数据。", "Choose at least one kind of data."),
    "statistics-only-counts": Text(
        "查看个人数据请选择其他用途。", "Choose another purpose to see a person's data."
    ),
    "guardian-ended": Text(
        "请让孩子用自己的账户登录，由本人决定谁可以查看。",
        "Let the young person sign in and decide who may look.",
    ),
    "owner-only": Text(
        "请让居民本人在应用中操作。", "Ask the resident to do this in their own app."
    ),
    "deny-all": Text(
        "只有居民本人可以在“授权”页面关闭“全部拒绝”。",
        "Only the resident can end this, under Grants.",
    ),
    "own-record-needs-step-up": Text(
        "请重新登录，并在五分钟内再试一次。", "Sign in afresh and try again within five minutes."
    ),
    "own-record": _NOTHING_TO_DO,
    "guardian": Text(
        "孩子满十四周岁当天零点起，将由本人决定。",
        "From midnight of the fourteenth birthday the child decides alone.",
    ),
    "signed-doctor": _SEE_LOG,
    "named-doctor": _SEE_LOG,
    "clinic-grant": _SEE_LOG,
    "role-grant": _SEE_LOG,
    "statistics-grant": Text(
        "居民可以随时撤回，此后不再计入。",
        "The resident can withdraw at any time and is not counted from then on.",
    ),
    "break-glass-only-reads": Text(
        "请只查看，其他操作等居民同意后再做。",
        "Only look now. Do anything else once the resident agrees.",
    ),
    "break-glass-needs-acr": Text(
        "请用通行密钥登录后再试。", "Sign in with a passkey and try again."
    ),
    "break-glass-needs-step-up": Text(
        "请用通行密钥重新验证身份，并在五分钟内再试一次。",
        "Prove yourself again with your passkey and try again within five minutes.",
    ),
    "break-glass-resting": Text(
        "请尊重居民的决定；居民可以在“紧急访问”中重新允许，其他机构仍可开启。",
        "Respect this choice. The resident can allow it anew under Emergency access, and another"
        " clinic can still open it.",
    ),
    "break-glass-refused": Text(
        "居民可以在“授权”页面改变这一选择。", "The resident can change this choice under Grants."
    ),
    "break-glass-over": Text(
        "如果仍是紧急情况，请说明理由，重新开启。",
        "If it is still an emergency, open it again and say why.",
    ),
    "break-glass": Text(
        "居民会看到是谁、何时、为什么查看，并可以提出异议。",
        "The resident sees who looked, when and why, and can object.",
    ),
    "no-rule": Text(
        "如果认为应当可以使用，请让居民授权给您。",
        "If you think you should be let in, ask the resident for a grant.",
    ),
    "no-grant": _ASK_RESIDENT,
    "explicit-deny": Text(
        "只有居民本人可以在“授权”页面取消这项拒绝。",
        "Only the resident can take this refusal back, under Grants.",
    ),
    "break-glass-grade-5": Text(
        "需要这类数据时，请先请居民同意。", "If this is needed, ask the resident to agree first."
    ),
    "withdrawn": Text(
        "请尊重居民的决定；居民如改变主意，可以重新授权。",
        "Respect this choice. A resident who thinks again can give a grant again.",
    ),
    "expired": _GIVE_AGAIN,
    "not-yet-valid": Text("请等到开始日期后再试。", "Try again after it begins."),
    "notice-outdated": Text(
        "居民可以在“授权”页面阅读新的说明，然后重新同意。",
        "The resident can read what changed and agree again under Grants.",
    ),
    "no-uses-left": _GIVE_AGAIN,
    "window": Text(
        "请只查看授权日期内的数据，或请居民延长日期。",
        "Ask for days inside the grant, or ask the resident to allow more days.",
    ),
    "no-contract": Text(
        "居民可以在“签约”页面重新签约。", "The resident can sign again under Contract."
    ),
    "separate-consent": Text(
        "居民可以在“授权”页面为这类数据单独打勾。",
        "The resident can tick this kind of data by itself under Grants.",
    ),
    "another-grant": Text("请单独查看这类数据。", "Open this kind of data by itself."),
}
