"""The words of notices. A kind is never renamed or reused: stored notices name it for years."""

from collections.abc import Mapping

from consent.vocabulary import Text

EMERGENCY_OPENED = "emergency-opened"
EMERGENCY_JUSTIFIED = "emergency-justified"
EMERGENCY_UNJUSTIFIED = "emergency-unjustified"
CONSENT_ASKED = "consent-asked"
UNUSUAL_LOOK = "unusual-look"
APPEAL_ANSWERED = "appeal-answered"
PASSWORD_CHANGED = "password-changed"  # noqa: S105 - a kind of notice
RECOVERY_CODES_MADE = "recovery-codes-made"
PASSWORD_RECOVERED = "password-recovered"  # noqa: S105 - a kind of notice
PASSKEY_ADDED = "passkey-added"
PASSKEY_REMOVED = "passkey-removed"

KINDS: Mapping[str, Text] = {
    EMERGENCY_OPENED: Text(
        "{name}（{clinic}）声明情况紧急，未经您授权打开了您的档案，最长四小时，只能查看。"
        "理由：{reason}。您可以随时在“紧急访问”中终止；事后会有审查。",
        "{name} ({clinic}) declared an emergency and opened your record without a grant, for four"
        " hours at most and only to look. Reason: {reason}. You can end it at any time under"
        " Emergency access; it will be reviewed.",
    ),
    EMERGENCY_JUSTIFIED: Text(
        "对{name}（{clinic}）紧急访问的审查已结束：认定理由成立。",
        "The emergency access by {name} ({clinic}) was reviewed and found justified.",
    ),
    EMERGENCY_UNJUSTIFIED: Text(
        "对{name}（{clinic}）紧急访问的审查已结束：认定理由不成立。您可以在访问记录中查看对方看过什么。",
        "The emergency access by {name} ({clinic}) was reviewed and found not justified. Your"
        " access log shows what they looked at.",
    ),
    UNUSUAL_LOOK: Text(
        "{when}，{name}查看或试图查看您的档案：{zh}详情见访问记录。",
        "On {when} {name} looked at your record or tried to. {en} Your access log shows the rest.",
    ),
    APPEAL_ANSWERED: Text(
        "{name}（{clinic}）答复了您的异议，请在“异议”中查看。",
        "{name} ({clinic}) answered your appeal. See it under Appeals.",
    ),
    PASSWORD_CHANGED: Text(
        "您的密码已更改，其他设备均已退出登录，此前的恢复码均已失效，请重新生成。"
        "如果不是您本人操作，请立即联系本市客服。",
        "Your password was changed, every other sign-in has ended and your recovery codes are void:"
        " make new ones. If it was not you, tell the service at once.",
    ),
    RECOVERY_CODES_MADE: Text(
        "您生成了一组新的恢复码，此前的恢复码均已失效。如果不是您本人操作，请立即更改密码并重新生成。",
        "New recovery codes were made for you and the ones before are void. If it was not you,"
        " change your password at once and make new ones.",
    ),
    PASSWORD_RECOVERED: Text(
        "有人用恢复码为您的账户设置了新密码，其他设备均已退出登录。如果不是您本人操作，请立即联系本市客服。",
        "Your password was set anew with a recovery code and every other sign-in has ended. If it"
        " was not you, tell the service at once.",
    ),
    PASSKEY_ADDED: Text(
        "您的账户添加了一个通行密钥，可用它登录。如果不是您本人操作，请立即联系本市客服。",
        "A passkey was added to your account and opens it. If it was not you, tell the service at"
        " once.",
    ),
    PASSKEY_REMOVED: Text(
        "您的账户移除了一个通行密钥。如果不是您本人操作，请立即联系本市客服。",
        "A passkey was removed from your account. If it was not you, tell the service at once.",
    ),
    CONSENT_ASKED: Text(
        "{name}（{clinic}）请您授权。请在“请求”中查看，您可以同意，也可以拒绝；拒绝后九十天内不会再问。",
        "{name} ({clinic}) asks you for a grant. See it under Requests; you may agree or refuse,"
        " and after a refusal you will not be asked again for ninety days.",
    ),
}


def text(kind: str, facts: Mapping[str, str]) -> Text:
    """A notice in both languages."""
    words = KINDS[kind]
    return Text(words.zh.format_map(facts), words.en.format_map(facts))
