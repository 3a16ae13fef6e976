"""Why a pull or a merge is refused. A sentence names the node, the release and the reason."""

from consent.vocabulary import Text
from service.kit.errors import ServiceError


class PullRefused(ServiceError):
    """What another node says is not what this node may keep; nothing of it was kept."""

    code = "pull-refused"


class NodeAway(ServiceError):
    """Another node does not answer, or not to the end; what was pulled so far is kept."""

    code = "node-away"


class TrustRefused(ServiceError):
    """An operator's word about another node cannot be kept."""

    code = "trust-refused"


REASONS = {
    "unreadable": Text("无法读取", "cannot be read as a release"),
    "foreign-key": Text("不是用受信任的密钥签名", "is not signed with the key that is trusted"),
    "changed-table": Text("数据表与签名不符", "has another table than the signed one"),
    "sums": Text("数据表各项不相加", "has a table that does not add up"),
    "replayed": Text("返回的是另一期发布", "was answered with another release"),
    "gap": Text("与已拉取的上一期不相接", "does not follow the release before it: a gap"),
    "fork": Text("与已拉取的内容不同，链条分叉", "is not what was pulled before: a fork"),
    "withdrawn": Text("已拉取但对方不再列出", "was pulled and is no longer listed"),
    "twice": Text("在对方列表中出现两次", "is listed twice"),
}


def refused(node: str, release_id: str, reason: str) -> PullRefused:
    why = REASONS[reason]
    return PullRefused(
        Text(
            f"拒绝节点 {node} 的发布 {release_id}：{why.zh}。",
            f"Refused the release {release_id} of the node {node}: it {why.en}.",
        ),
        code="pull-refused",
    )


def away(node: str, zh: str, en: str) -> NodeAway:
    return NodeAway(Text(f"节点 {node} {zh}。", f"The node {node} {en}."))
