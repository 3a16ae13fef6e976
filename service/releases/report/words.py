"""Words of the report for the words of a release, Chinese and English."""

from consent.vocabulary import Text

STATUS = {
    "ok": Text("可用", "ok"),
    "low_precision": Text("精度低", "low precision"),
    "not_published": Text("未发布", "not published"),
}
CATEGORIES = {
    "1": Text("1 绿", "1 green"),
    "2": Text("2 蓝", "2 blue"),
    "3": Text("3 黄", "3 yellow"),
    "4": Text("4 橙", "4 orange"),
    "5": Text("5 红", "5 red"),
    "unknown": Text("未评估", "not assessed"),
}
CHANGES = {
    "better_10": Text("改善 10 分及以上", "better by 10 points or more"),
    "better_3": Text("改善 3 至 9.9 分", "better by 3 to 9.9 points"),
    "steady": Text("变化不足 3 分", "changed by less than 3 points"),
    "worse_3": Text("变差 3 至 9.9 分", "worse by 3 to 9.9 points"),
    "worse_10": Text("变差 10 分及以上", "worse by 10 points or more"),
    "unknown": Text("无法比较", "cannot be compared"),
}
