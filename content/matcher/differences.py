"""Differences that change what is asked, however alike two texts are otherwise."""

import re
from collections.abc import Mapping
from functools import cache

_NUMBER = re.compile(r"\d+")
# 能不能 and 有没有 ask, they deny nothing.
_EITHER = re.compile(r"(.)[不没]\1")
_NEGATION = re.compile(
    r"不(?!是|同|仅|但|过|少于|超过|足|到|满|久|管|论|断|错|客)|没|未(?!来)|无(?!线|论|数|锡)|非(?!常|洲)|勿|别(?!的|人|墅)|免(?!费)|禁止|拒绝|停止"
)
# Of each line two words never mean the same. General Chinese, written for this purpose.
_EXCLUSIVE_LINES = """
上 下 | 前 后 | 左 右 | 大 小 | 多 少 | 高 低 | 长 短 | 早 晚 | 早 迟 | 开 关 | 进 出 | 买 卖 | 借 还 | 增 减 | 加 减
升 降 | 男 女 | 父 母 | 内 外 | 新 旧 | 新 老 | 首 末 | 入 退 | 收 付 | 存 取 | 正 副 | 公 私 | 冷 热 | 快 慢 | 轻 重
胖 瘦 | 干 湿 | 真 假 | 生 死 | 先 后 | 来 去 | 来 回 | 东 西 南 北 | 春 夏 秋 冬 | 爸 妈 | 哥 姐 弟 妹 | 爷 奶
甲 乙 丙 丁 | 红 黄 蓝 绿 黑 白 紫 灰 | 日 月 年 周 | 天 周 月 年 | 早上 中午 下午 晚上 | 早 中 晚 | 昨 今 明 后
开通 关闭 | 打开 关闭 | 开启 关闭 | 申请 取消 | 绑定 解绑 | 登录 注销 | 注册 注销 | 提前 延后 | 提前 推迟 | 提前 延期
最多 最少 | 至多 至少 | 最高 最低 | 最大 最小 | 最早 最晚 | 超过 不足 | 以上 以下 | 以前 以后 | 之前 之后 | 以内 以外
转入 转出 | 充值 提现 | 收入 支出 | 国内 国外 | 白天 晚上 | 优点 缺点 | 作用 副作用 | 增加 减少 | 上升 下降 | 赞成 反对
允许 禁止 | 接受 拒绝 | 成功 失败 | 开始 结束 | 安装 卸载 | 上传 下载 | 发送 接收 | 出生 去世 | 结婚 离婚 | 入学 毕业
入职 离职 | 加入 退出 | 入党 退党 | 入团 退团 | 团 党 | 入团 入党 | 团费 党费 | 正式 预备 | 党员 团员 | 城市 农村 | 本科 硕士 博士 | 小学 初中 高中 大学
电脑 手机 | 邮箱 手机 | 微信 支付宝 | 个人 集体 | 全部 部分 | 线上 线下 | 室内 室外 | 儿子 女儿 | 父亲 母亲 | 男生 女生
老师 学生 | 教师 学生 | 周一 周二 周三 周四 周五 周六 周日 | 星期一 星期二 星期三 星期四 星期五 星期六 星期日
为什么 怎么 什么时候 哪里 谁 多久 几个 | 第一 第二 第三 | 输 赢 | 推 拉 | 吃 喝 | 攻 守 | 有 没有 | 能 不能
"""
DIRECTION = re.compile(r"[到转给比从向往换变改被把让至]|转到|转入|转给|变成|换成|改成|转成")


@cache
def _groups() -> Mapping[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    lines = _EXCLUSIVE_LINES.replace("\n", "|").split("|")
    for number, group in enumerate(lines):
        for word in group.split():
            found.setdefault(word, set()).add(number)
    return {word: frozenset(numbers) for word, numbers in found.items()}


def numbers_differ(one: str, other: str) -> float:
    """1 where both name numbers and not the same ones, 0.5 where only one names any."""
    first, second = set(_NUMBER.findall(one)), set(_NUMBER.findall(other))
    if first == second:
        return 0.0
    return 1.0 if first and second else 0.5


def denials_differ(one: str, other: str) -> bool:
    """Whether one denies what the other does not."""
    first, second = (len(_NEGATION.findall(_EITHER.sub("", text))) % 2 for text in (one, other))
    return first != second


def exclusive(some: set[str], others: set[str]) -> int:
    """How many of `some` have a word among `others` that excludes it; words or characters."""
    groups = _groups()
    apart = {number for word in others for number in groups.get(word, ())}
    return sum(not apart.isdisjoint(groups.get(word, ())) for word in some)


def turned(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Whether two words of more than a character stand around a direction the other way round.

    从支付宝转到银行卡 and 从银行卡转到支付宝 have the same words.
    """
    if not (DIRECTION.search("".join(first)) and DIRECTION.search("".join(second))):
        return False
    one = [word for word in first if len(word) > 1 and word in second]
    place = {word: at for at, word in enumerate(second)}
    order = [place[word] for word in one]
    return any(a > b for a, b in zip(order, order[1:], strict=False))


# A character that stands before what it turns into something else.
PREFIXES = frozenset("副非不未无反超半准次总分前后新老")


def others_of(word: str) -> tuple[str, ...]:
    """The words that the word excludes, in the order of the lists."""
    groups = _groups().get(word, frozenset())
    return tuple(other for other, numbers in _groups().items() if other != word and numbers & groups)
